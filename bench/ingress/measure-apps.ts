import { docker } from '../../test/support/engine/engines.ts';
import { testImage } from '../../test/support/engine/images/tiny-image.ts';
import { DESKTOP } from '../support/desktop.ts';
import type { Figure } from '../support/figure.ts';
import type { Bench } from '../support/with-database.ts';
import { APP_PORT, tokenOf, withGateway } from '../support/with-gateway.ts';
import { measureIngress, type App } from './measure-ingress.ts';
import { importNginxImage } from './nginx.ts';

/** The files that the bench's apps serve. */
const SMALL = { name: 'small.html', bytes: 1_400 } as const;
const LARGE = { name: 'large.bin', bytes: 8 * 2 ** 20 } as const;

/** Measures an app that closes each connection, as small ones do, one that costs almost nothing, and real ones. */
export async function measureApps(bench: Bench): Promise<Figure[]> {
  await using undo = new AsyncDisposableStack();
  const image = await importNginxImage({
    [SMALL.name]: Buffer.alloc(SMALL.bytes, 'x'),
    [LARGE.name]: Buffer.alloc(LARGE.bytes),
  });
  undo.defer(async () => void (await docker.getImage(image).remove({ force: true })));
  const common = { defaultPort: APP_PORT, stopGraceSeconds: 2, bootSeconds: 20 };
  const make = [SMALL, LARGE].map(({ name, bytes }) => `head -c ${bytes} /dev/zero > /www/${name}`).join('; ');
  const small = {
    code: 'small',
    image: await testImage(),
    command: [
      '/bin/busybox',
      'sh',
      '-c',
      `${make.replaceAll('head', '/bin/busybox head')}; exec httpd -f -p ${APP_PORT} -h /www`,
    ],
  };
  const files = { port: APP_PORT, small: SMALL.name, large: LARGE.name };
  const apps: App[] = [
    { title: 'busybox httpd', distribution: small.code, ...files },
    { title: 'nginx', distribution: 'nginx', ...files },
  ];
  const real = [
    {
      image: DESKTOP.image,
      title: 'XFCE desktop',
      ...DESKTOP.vm,
      port: APP_PORT,
      small: 'login.css',
      large: 'novnc/core/rfb.js',
      signIn: 'login',
    },
    {
      image: 'local/code-server:latest',
      title: 'code-server',
      distribution: 'code-server',
      port: 8443,
      // Any page of who is signed in costs it a hash of the password for each request: 4 a second.
      small: 'healthz',
    },
  ];
  const tags = new Set((await docker.listImages()).flatMap(({ RepoTags }) => RepoTags ?? []));
  for (const app of real) {
    if (tags.has(app.image)) apps.push(app);
    else bench.print(`Skipping ${app.title}: the engine does not have ${app.image}; build it with "npm run images".`);
  }
  const work: Parameters<typeof withGateway<Figure[]>>[1] = async ({ gateway, engine }) =>
    measureIngress({
      gateway,
      engine,
      apps,
      token: await tokenOf('ingress'),
      print: bench.print,
      signal: bench.signal,
    });
  return await withGateway(bench, work, [
    { ...small, ...common },
    { code: 'nginx', image, ...common },
  ]);
}
