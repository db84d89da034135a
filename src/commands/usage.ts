export const USAGE = `swiftor serve
    run the gateway; its settings are environment variables
swiftor migrate
    migrate the database of DATABASE_URL to the latest version
swiftor schema
    print the GraphQL schema
swiftor rotate-secrets [--renew]
    encrypt all secrets with SECRETS_KEY instead of SECRETS_KEY_PREVIOUS; gateways may be running
    --renew also replaces the data keys, which ends open links to VMs at the next start of the gateways
swiftor orphans list
    list resources on the engines whose VMs are not in the database
swiftor orphans adopt VM_ID [--user ID] [--region CODE] [--distribution CODE] [--desktop NAME]
                            [--cpu N] [--ram GB] [--vmlabel TEXT]
    restore the VM with its volumes, turned off; the options replace what its labels lack
swiftor orphans remove VM_ID
    delete its containers and volumes permanently
swiftor token --user ID [--plan CODE] [--operator] [--ttl 1h]
    print an access token; --operator lets it act on all accounts
swiftor certificate --own-authority FOLDER
swiftor certificate --directory URL --agree-terms [--email ADDRESS] (--dns-hook PROGRAM | --http-port PORT)
    get the certificate of TLS_CERT and TLS_KEY for BASE_DOMAIN, or renew it if a third of its time is left
    --own-authority makes an authority for a LAN in that folder, once; its ca.pem is to be trusted by each device
    --directory orders from an authority by ACME; --dns-hook proves *.BASE_DOMAIN too, --http-port BASE_DOMAIN alone
    --cert, --key, --domain replace the settings
swiftor node --image REFERENCE [--certificates FOLDER] [--leave-after 1h]
    keep the agent of this node of a Docker Swarm running, as a container of that image; see docs/scale-out.md
swiftor agent [--certificates FOLDER] [--engine SOCKET] [--leave-after 1h]
    serve the managers of this node's Docker Swarm: connect them with its engine and its VMs; see docs/scale-out.md
    --leave-after removes its container when \`swiftor node\`, VMs and their data have been gone for so long
swiftor --help, swiftor --version
`;
