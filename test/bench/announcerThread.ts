/**
 * What the announcer's thread costs while nothing happens: how long one node works that has so many
 * addresses and hears so many peers; sockets and signatures apart. Time is simulated: only the
 * node's own work is counted, the turns of the event loop that it asks for among it.
 *
 *   node test/bench/announcerThread.ts [ADDRESSES [PEERS [SECONDS [AGE]]]]
 *
 * AGE: how many seconds they have been up, 15 or more; nodes of less than holdDown (60 s) may come
 * to be of another merit by time alone.
 */
import type { Outgoing } from '../../src/loadbalancer/peers/peers.ts';
import { AnnouncerThread } from '../../src/loadbalancer/shell/announcerThread.ts';
import { member } from '../support/loadbalancer/announcing.ts';
import { settingsOf } from '../support/loadbalancer/balanced.ts';
import { addressOf, PeerProcess } from '../support/loadbalancer/peerProcess.ts';
import { randomNumbers } from '../support/program/randomNumbers.ts';

const typed = process.argv.slice(2).map(Number);
const [addressCount = 5_000, peerCount = 64, seconds = 20, ageSec = 15] = typed;
const OWN = 'n1';
const STEP_MS = 5;

let nowMs = 0;
let timers: { readonly atMs: number; readonly wake: () => void }[] = [];
const clock = {
  monotonicMs: () => nowMs,
  wallMs: () => nowMs,
  sleep: () => Promise.reject(new Error('nobody sleeps here')),
  after: (ms: number, wake: () => void) => {
    const timer = { atMs: nowMs + ms, wake };
    timers.push(timer);
    return () => {
      timers = timers.filter((each) => each !== timer);
    };
  },
};

let workedMs = 0;
let workCount = 0;
let tickCount = 0;
let outbox: readonly Outgoing[] = [];

/** The node works, also in the turn after. */
async function measured(work: () => void): Promise<void> {
  const began = performance.now();
  work();
  await new Promise(setImmediate);
  workedMs += performance.now() - began;
  workCount++;
}

const random = randomNumbers(1);
const intervalMs = Math.max(200, 3 * peerCount);
const names = Array.from({ length: peerCount }, (_, i) => `n${i + 2}`);
const peers = new Map(
  names.map((name) => [name, new PeerProcess(name, [OWN], { random, intervalMs })]),
);
const settings = settingsOf([]);
const thread = new AnnouncerThread({
  start: {
    node: OWN,
    settings: { ...settings, announcer: { ...settings.announcer, probeBeforeUse: false } },
    configurationHash: 1,
    internalAddresses: [addressOf(OWN)],
  },
  clock,
  post: () => undefined,
  bootId: 7n,
  random,
});
const nothing = () => undefined;
thread.begin({
  wire: {
    answer: nothing,
    silence: nothing,
    announce: nothing,
    defend: nothing,
    probe: nothing,
    setKnown: nothing,
    drain: nothing,
    counters: () => {
      throw new Error('nobody asks');
    },
  },
  link: {
    families: ['IPv4'],
    send: (outgoing) => {
      tickCount++;
      outbox = [...outbox, ...outgoing];
    },
  },
});

function begin(): void {
  const addresses = Array.from(
    { length: addressCount },
    (_, i) => `192.0.${2 + (i >> 8)}.${i & 255}`,
  );
  thread.obey({ order: 'members', members: [OWN, ...names].map((name) => member(name)) });
  thread.obey({ order: 'standing', isReady: true, isApiServerReachable: true });
  thread.interfacesChanged([
    {
      name: 'eth0',
      ifindex: 2,
      mac: '02:00:00:00:00:01',
      addresses: [{ address: '192.0.2.1', prefixLength: 16 }],
      prefixes: [],
      defaultRoute: ['IPv4'],
      neighborSource: undefined,
    },
  ]);
  thread.obey({ order: 'servable', came: addresses, went: [] });
  const service = {
    key: 'default/web',
    labels: {},
    isLocal: true,
    endpoints: { isAny: true, nodes: new Set([OWN]) },
  };
  thread.obey({
    order: 'addresses',
    changed: addresses.map((address) => ({ address, services: [service], pool: undefined })),
    gone: [],
  });
}

async function step(index: number): Promise<void> {
  nowMs += STEP_MS;
  for (const timer of timers.filter(({ atMs }) => atMs <= nowMs)) {
    timers = timers.filter((each) => each !== timer);
    await measured(timer.wake);
  }
  const sent = outbox;
  outbox = [];
  for (const { node, heartbeat } of sent)
    peers.get(node)!.received(heartbeat, addressOf(OWN), nowMs);
  let turn = index;
  for (const peer of peers.values()) {
    // Each ticks every 50 ms, at another moment than the next one.
    if (turn++ % 10 !== 0) continue;
    for (const { heartbeat } of peer.tick(nowMs))
      await measured(() => thread.heartbeat(heartbeat, addressOf(peer.name)));
    peer.sent.length = 0;
  }
}

async function run(ms: number): Promise<void> {
  for (let i = 0; i < ms / STEP_MS; i++) {
    if (i % (1_000 / STEP_MS) === 0)
      thread.obey({ order: 'standing', isReady: true, isApiServerReachable: true });
    await step(i);
  }
}

begin();
await run(ageSec * 1_000);
workedMs = workCount = tickCount = 0;
await run(seconds * 1_000);
const claimed = [...peers.values()][0]!.sees(OWN, nowMs).claims.size;
if (claimed !== addressCount) throw new Error(`it claims ${claimed} of ${addressCount}`);
thread.end();
console.log(
  `${addressCount} addresses, ${peerCount} peers, up for ${ageSec} s: ${(workedMs / seconds / 10).toFixed(2)} % of a CPU, ` +
    `${(tickCount / seconds).toFixed(0)} ticks and ${(workCount / seconds).toFixed(0)} turns a second`,
);
