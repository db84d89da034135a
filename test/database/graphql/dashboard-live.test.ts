import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { useApi } from '../../support/api/use-api.ts';
import { eventually } from '../../support/eventually.ts';
import { stubPage } from '../../support/browser/page-globals.ts';
import { openKnownSocket } from '../../support/ingress/raw-socket.ts';

/** The modules of the page that speak to the gateway. They look at their window as they are loaded. */
async function loadModules() {
  const [crowded, { followVms }, { session }, { socket }, vms] = await Promise.all([
    import('../../../dashboard/connection/crowded.ts'),
    import('../../../dashboard/vms/follow-vms.ts'),
    import('../../../dashboard/session/session.ts'),
    import('../../../dashboard/connection/socket.ts'),
    import('../../../dashboard/vms/vms.ts'),
  ]);
  return { crowded, followVms, session, socket, vms };
}

const api = useApi({ SOCKETS_PER_ACCOUNT: '1' });
let live: Awaited<ReturnType<typeof loadModules>>;
beforeAll(async () => {
  stubPage(api.url);
  live = await loadModules();
});

/** Follows the VMs of ada until the test ends. */
function follow(): AbortController {
  const following = new AbortController();
  onTestFinished(() => following.abort());
  void live.followVms(following.signal);
  return following;
}

describe('the VMs on the screen', () => {
  it('are complete once all snapshots have come, also where there is no VM', async () => {
    const token = await api.token('ada');
    live.session.start(token, { inBrowser: false });
    const none = follow();
    await eventually(() => live.vms.isComplete.value);
    none.abort();
    await api.createVm(token, 'One');
    follow();
    await eventually(() => live.vms.allVms.value.some(({ vmlabel }) => vmlabel === 'One'));
  });

  it('stay live when the socket ends with a token that was replaced meanwhile', async () => {
    const { socket } = live;
    const connected = new Promise((resolve) => onTestFinished(socket.on('connected', resolve)));
    live.session.start(await api.token('ada', 2), { inBrowser: false });
    follow();
    await connected;
    const closed = new Promise((resolve) => onTestFinished(socket.on('closed', resolve)));
    const next = await api.token('ada');
    live.session.start(next, { inBrowser: false });
    expect(await closed).toMatchObject({ code: 4403 });
    await api.createVm(next, 'After the close');
    await eventually(() => live.vms.allVms.value.some(({ vmlabel }) => vmlabel === 'After the close'));
    expect(live.session.state.value.kind).toBe('in');
  });

  it('wait where the account has too many windows, and stop waiting once there is room', async () => {
    const token = await api.token('ada');
    live.session.start(token, { inBrowser: false });
    const { socket: other } = await openKnownSocket(api.port, token);
    onTestFinished(() => other.terminate());
    const { isCrowded } = live.crowded;
    const first = follow();
    await eventually(() => isCrowded.value);
    first.abort();
    await eventually(() => !isCrowded.value);
    follow();
    await eventually(() => isCrowded.value);
    const closed = new Promise((resolve) => other.once('close', resolve));
    other.close();
    await closed;
    isCrowded.value = false;
    await api.createVm(token, 'Live again');
    await eventually(() => live.vms.allVms.value.some(({ vmlabel }) => vmlabel === 'Live again'));
  });
});
