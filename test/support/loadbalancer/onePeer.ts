/** One process under a test's hands, and datagrams of its only peer `n2`. */
import { type Outgoing, Peers } from '../../../src/loadbalancer/peers/peers.ts';
import type { Heartbeat } from '../../../src/wire/heartbeat.ts';
import type { Attachment, HeartbeatBody } from '../../../src/wire/heartbeatBody.ts';
import { nodesOf, ownState } from './peerProcess.ts';

export const OWN_BOOT = 7n;
export const PEER_BOOT = 9n;
export const FROM = '10.0.0.2';

export const attachment: Attachment = {
  interfaceName: 'eth0',
  mac: '02:00:00:00:00:01',
  address: '192.0.2.1',
  prefixLength: 24,
  hasDefaultRoute: true,
};

export function makePeers(
  others: readonly string[] = ['n2'],
  random: () => number = () => 0.5,
): Peers {
  const peers = new Peers({
    node: 'n1',
    bootId: OWN_BOOT,
    intervalMs: 200,
    misses: 3,
    configurationHash: 0xabcd,
    random,
  });
  peers.setNodes(nodesOf(others));
  return peers;
}

let sequence = 0n;

export function from(
  node: string,
  given: Partial<Heartbeat> = {},
  body: HeartbeatBody = { type: 'beat' },
): Heartbeat {
  const header = {
    node,
    isReady: true,
    isLeaving: false,
    isApiServerReachable: true,
    isObserver: false,
    bootId: PEER_BOOT,
    sequence: ++sequence,
    ageMs: 5_000,
    generation: 0,
    configurationHash: 1,
    echo: { bootId: OWN_BOOT, sequence: 1n },
  };
  return { ...header, ...given, ...body };
}

export const list = (
  type: 'claims' | 'unable' | 'release',
  ...entries: string[]
): HeartbeatBody => ({
  type,
  part: 0,
  parts: 1,
  entries,
});
export const attach: HeartbeatBody = { type: 'attach', part: 0, parts: 1, entries: [attachment] };

/** One that has ticked once and heard n2 then, with all its tables. */
export function acquainted(others?: readonly string[]): Peers {
  const peers = makePeers(others);
  peers.setOwn(ownState());
  peers.tick(0);
  for (const body of [list('claims'), list('unable'), attach]) {
    const refusal = peers.received(from('n2', {}, body), FROM, 0);
    if (refusal !== undefined) throw new Error(`refused: ${refusal}`);
  }
  return peers;
}

export const see = (peers: Peers, nowMs: number) => peers.view(nowMs).get('n2')!;
export const types = (sent: readonly Outgoing[]) => sent.map(({ heartbeat }) => heartbeat.type);
/** Everything sent from one moment to another, by ticks of 50 ms. */
export const ticks = (peers: Peers, fromMs: number, toMs: number) =>
  Array.from({ length: (toMs - fromMs) / 50 + 1 }, (_, i) => fromMs + i * 50).map((nowMs) => ({
    nowMs,
    sent: peers.tick(nowMs),
  }));
