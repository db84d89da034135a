import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createVm } from '../../support/vm/vms.ts';
import { useGateway } from '../../support/gateway/use-gateway.ts';

const EXAMPLES = path.join(import.meta.dirname, '../../../examples');

const gateway = useGateway();

describe('the examples', () => {
  it('subscribe.ts prints each change of a VM up to its deletion', async () => {
    const token = await gateway.token('subscriber');
    const child = spawn(process.execPath, [path.join(EXAMPLES, 'subscribe.ts')], {
      env: { ...process.env, TOKEN: token, GATEWAY_URL: `ws://127.0.0.1:${gateway.port}/graphql` },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(async () => {
      const exited = once(child, 'exit');
      child.kill();
      await exited;
    });
    const id = await createVm(gateway, token);
    const lines: string[] = [];
    for await (const line of createInterface(child.stdout)) {
      // It has subscribed once it prints; a VM that was deleted before would not be in its events.
      if (lines.length === 0) await gateway.graphql(token, 'mutation ($id: ID!) { deleteVm(id: $id) }', { id });
      lines.push(line);
      if (line.includes('DELETED')) break;
    }
    expect(lines.at(-1)).toMatch(new RegExp(`^\\d+ DELETED ${id} DELETED$`));
  });

  it('rest.sh creates, starts and deletes a VM', async () => {
    const env = {
      ...process.env,
      TOKEN: await gateway.token('script'),
      GATEWAY_URL: gateway.url,
      DISTRIBUTION: 'ubuntu',
      DESKTOP: 'xfce',
    };
    const { stdout } = await promisify(execFile)('sh', [path.join(EXAMPLES, 'rest.sh')], { env });
    expect(stdout).toMatch(/^created [0-9a-f-]{36}\nrunning\ndeleted\n$/);
  });
});
