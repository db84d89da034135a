import { expect, it } from 'vitest';
import { docker, testImage } from '../../support/engine/engines.ts';
import { eventually } from '../../support/eventually.ts';
import { execIn } from '../../support/engine/exec-in.ts';
import { createVm } from '../../support/vm/vms.ts';
import { testToken } from '../../support/gateway/tokens.ts';
import { useGateway } from '../../support/gateway/use-gateway.ts';
import { createVmProbe } from '../../support/vm/vm-probe.ts';

/**
 * As linuxserver.io's desktops look: a web server that asks for a sign-in at every path, and leads from /websocket to
 * the desktop: 502 while there is none, then what the file says. It counts how often it was asked for that one by who
 * had signed in.
 */
const FRONT = String.raw`
read -r method path version
auth=
while read -r line; do
  line="$(printf %s "$line" | /bin/busybox tr -d '\r')"
  [ -n "$line" ] || break
  case "$line" in [Aa]uthorization:*) auth="$line" ;; esac
done
head='401 Unauthorized'
if [ "$auth" = "Authorization: Basic $(printf %s "abc:$PASSWORD" | /bin/busybox base64)" ]; then
  head='200 OK'
  if [ "$path" = /websocket ]; then
    echo asked >> /tmp/asked
    head="$(cat /tmp/desktop 2>/dev/null || echo '502 Bad Gateway')"
  fi
fi
printf 'HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: 0\r\n\r\n' "$head"
`;

const gateway = useGateway(async () => {
  const image = await testImage();
  const desktop = {
    defaultPort: 3000,
    passwordVariables: ['PASSWORD'],
    probe: { path: '/websocket', signIn: 'basic', expect: 'websocket' },
    stopGraceSeconds: 0,
  };
  const fronted = {
    ...desktop,
    code: 'fronted',
    image,
    command: ['/bin/sh', '-c', `echo "$0" > /tmp/front; exec nc -ll -p 3000 -e /bin/sh /tmp/front`, FRONT],
  };
  // Nothing listens there, so that the stand-in runs.
  const standIn = { ...desktop, code: 'stand-in', image: 'localhost:9/swiftor/absent:1', localImage: image };
  return { distributions: [fronted, standIn] };
});
const token = await testToken('alice');

const { statusOf, reaches } = createVmProbe(gateway, token);

it.each(['101 Switching Protocols\\r\\nUpgrade: websocket', '426 Upgrade Required'])(
  'a desktop behind a web server is RUNNING once its WebSocket says %s, and DEGRADED once it does not',
  async (head) => {
    const id = await createVm(gateway, token, { distribution: 'fronted', desktop: null });
    await gateway.rest(token, 'POST', `/vms/start/${id}`);
    await reaches(id, 'BOOTING', 20_000);
    const [container] = await docker.listContainers({ filters: { label: [`io.swiftor.vm=${id}`] } });
    if (container === undefined) throw new Error(`The VM ${id} has no container.`);
    const sh = async (script: string) => (await execIn(container.Id, ['/bin/sh', '-c', script])).output;
    const timesAsked = async () => (await sh('cat /tmp/asked')).split('asked').length - 1;

    // The web server is up, and was asked often enough.
    await eventually(async () => (await timesAsked()) >= 20, { deadline: 20_000 });
    const address = container.NetworkSettings.Networks['swiftor-vms']?.IPAddress;
    expect((await fetch(`http://${address}:3000/`)).status).toBe(401);
    expect(await statusOf(id)).toBe('BOOTING');

    await sh(`printf '${head}' > /tmp/desktop`);
    await reaches(id, 'RUNNING', 10_000);
    await sh('/bin/busybox rm /tmp/desktop');
    await reaches(id, 'DEGRADED', 10_000);
    await sh(`printf '${head}' > /tmp/desktop`);
    await reaches(id, 'RUNNING', 10_000);
    await gateway.rest(token, 'DELETE', `/vms/delete/${id}`);
  },
  90_000,
);

it('a stand-in is asked for its page, not for what the image has that it stands in for', async () => {
  const id = await createVm(gateway, token, { distribution: 'stand-in', desktop: null });
  await gateway.rest(token, 'POST', `/vms/start/${id}`);
  await reaches(id, 'RUNNING', 30_000);
  await gateway.rest(token, 'DELETE', `/vms/delete/${id}`);
}, 60_000);
