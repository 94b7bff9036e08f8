/**
 * What heartbeats cost the thread that also answers the network: CPU time of one node with some
 * peers, state and signatures by themselves and on real sockets.
 *
 *   node test/bench/heartbeats.ts [PEERS…]
 */
import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto';
import { HeartbeatLink } from '../../src/loadbalancer/shell/heartbeatLink.ts';
import type { Outgoing } from '../../src/loadbalancer/peers/peers.ts';
import { SystemClock } from '../../src/ops/clock.ts';
import {
  decodeHeartbeat,
  encodeHeartbeat,
  type Heartbeat,
  joinSignature,
  splitSignature,
} from '../../src/wire/heartbeat.ts';
import { SimulatedNetwork } from '../support/loadbalancer/network.ts';
import { PeerProcess } from '../support/loadbalancer/peerProcess.ts';
import { randomNumbers } from '../support/program/randomNumbers.ts';

const KEY = createSecretKey(Buffer.from('a key of 32 bytes as the chart 1'));
const RUN_MS = 20_000;

const sign = (signed: Uint8Array) => createHmac('sha256', KEY).update(signed).digest();

function datagramOf(heartbeat: Heartbeat): Uint8Array {
  const signed = encodeHeartbeat(heartbeat);
  return joinSignature({ signed, signature: sign(signed) });
}

/** A process that does with each datagram what the link does but for the socket, on the clock. */
class MeasuredProcess extends PeerProcess {
  cpuMicros = 0;
  receivedCount = 0;
  sentCount = 0;
  readonly ticks: number[] = [];

  override tick(nowMs: number): readonly Outgoing[] {
    const began = performance.now();
    const { micros, value } = measured(() => {
      const outgoing = super.tick(nowMs);
      for (const { heartbeat } of outgoing) datagramOf(heartbeat);
      this.peers.view(nowMs);
      return outgoing;
    });
    this.sent.length = 0;
    this.sentCount += value.length;
    this.cpuMicros += micros;
    // CPU time of a thread is told in steps that are longer than a tick.
    this.ticks.push(performance.now() - began);
    return value;
  }

  override received(heartbeat: Heartbeat, from: string, nowMs: number): void {
    const datagram = datagramOf(heartbeat);
    this.receivedCount++;
    this.cpuMicros += measured(() => {
      const parts = splitSignature(datagram);
      if (typeof parts === 'string' || !timingSafeEqual(sign(parts.signed), parts.signature))
        return;
      const read = decodeHeartbeat(parts.signed);
      if (typeof read !== 'string') super.received(read, from, nowMs);
    }).micros;
  }
}

function measured<T>(work: () => T): { readonly micros: number; readonly value: T } {
  const before = process.threadCpuUsage();
  const value = work();
  const { user, system } = process.threadCpuUsage(before);
  return { micros: user + system, value };
}

function addressesOf(count: number): ReadonlySet<string> {
  return new Set(Array.from({ length: count }, (_, i) => `10.64.${i >> 8}.${i & 255}`));
}

function simulate(peers: number, claims: number): void {
  const random = randomNumbers(1);
  const network = new SimulatedNetwork({ random });
  const names = Array.from({ length: peers }, (_, i) => `n${i + 2}`);
  const own = new MeasuredProcess('n1', names, { random });
  own.own({ claims: addressesOf(claims) });
  network.start(own);
  for (const name of names) {
    network.start(new PeerProcess(name, ['n1'], { random, intervalMs: Math.max(200, 3 * peers) }));
  }
  network.run(2_000);
  Object.assign(own, { cpuMicros: 0, receivedCount: 0, sentCount: 0 });
  own.ticks.length = 0;
  network.run(RUN_MS);
  const ticks = own.ticks.toSorted((a, b) => a - b);
  const tick = (part: number) => ticks[Math.floor(ticks.length * part)]!.toFixed(1);
  const seconds = RUN_MS / 1_000;
  const words = [
    `${String(peers).padStart(4)} peers, ${String(claims).padStart(5)} claims`,
    `${(own.sentCount / seconds).toFixed(0).padStart(5)} sent`,
    `${(own.receivedCount / seconds).toFixed(0).padStart(4)} received a second`,
    `${(own.cpuMicros / seconds / 10_000).toFixed(2).padStart(5)} % of a CPU`,
    `a tick ${tick(0.5)} ms, 99 of 100 within ${tick(0.99)} ms`,
  ];
  console.log(words.join(', '));
}

/** Both sides in one thread: what sending and receiving one datagram costs together. */
async function overSockets(count: number): Promise<void> {
  let heard = 0;
  let done = (): void => undefined;
  const options = {
    secretFile: undefined,
    clock: new SystemClock(),
    onDropped: () => undefined,
    onSendFailure: () => undefined,
    onFailure: () => undefined,
  };
  const to = await HeartbeatLink.open({
    ...options,
    port: 0,
    addresses: ['127.0.0.1'],
    onHeartbeat: () => {
      heard++;
      done();
    },
  });
  const from = await HeartbeatLink.open({
    ...options,
    port: to.port,
    addresses: ['127.0.0.2'],
    onHeartbeat: () => undefined,
  });
  const sender = new PeerProcess('n2', ['n1'], { random: randomNumbers(1) });
  const [{ heartbeat }] = sender.tick(0) as [Outgoing];
  const before = process.threadCpuUsage();
  for (let sent = 0; sent < count; sent += 50) {
    from.send(Array.from({ length: 50 }, () => ({ node: 'n1', to: '127.0.0.1', heartbeat })));
    await new Promise<void>((resolve) => {
      done = () => heard >= sent + 50 && resolve();
      done();
    });
  }
  const { user, system } = process.threadCpuUsage(before);
  console.log(
    `a beat over a socket, sent and received: ${((user + system) / count).toFixed(0)} µs`,
  );
  await Promise.all([from.close(), to.close()]);
}

const counts = process.argv.slice(2).map(Number);
console.log(process.version);
for (const peers of counts.length > 0 ? counts : [2, 64, 200]) {
  simulate(peers, 100);
  simulate(peers, 5_000);
}
await overSockets(20_000);
