// Whether the gateway in this container is alive: at its own address, of which it knows that the certificate is its own.
const { HOST = '0.0.0.0', PORT = '4000', METRICS_PORT, TLS_CERT } = process.env;
const isTls = METRICS_PORT === undefined && TLS_CERT !== undefined;
const { get } = await import(isTls ? 'node:https' : 'node:http');
const options = {
  host: HOST === '0.0.0.0' ? '127.0.0.1' : HOST,
  port: METRICS_PORT ?? PORT,
  path: '/health/live',
  rejectUnauthorized: false,
  timeout: 4_000,
};
get(options, (reply) => process.exit(reply.statusCode === 200 ? 0 : 1))
  .on('timeout', () => process.exit(1))
  .on('error', () => process.exit(1));
