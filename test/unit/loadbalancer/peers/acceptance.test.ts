/** Who is believed: a process is, once it has shown that it hears us now. */
import { describe, expect, test } from '@jest/globals';
import {
  GOOD_LINE,
  type Recording,
  SimulatedNetwork,
} from '../../../support/loadbalancer/network.ts';
import { PeerProcess, addressOf, ownState } from '../../../support/loadbalancer/peerProcess.ts';
import { randomNumbers } from '../../../support/program/randomNumbers.ts';

const random = randomNumbers(1);

function twoNodes(tickMs = 10) {
  const network = new SimulatedNetwork({ random, tickMs });
  const a = new PeerProcess('n1', ['n2'], { random });
  const b = new PeerProcess('n2', ['n1'], { random });
  network.start(a);
  network.start(b);
  return { network, a, b };
}

const between = (network: SimulatedNetwork, from: string, to: string): readonly Recording[] =>
  network.recordings.filter(({ sender, outgoing }) => sender === from && outgoing.node === to);

test('two fresh nodes accept each other within two beats of each', () => {
  const { network, a, b } = twoNodes();
  const accepted = new Map<string, number>();
  network.onDelivery = ({ recording, to }) => {
    const process = to === 'n1' ? a : b;
    const isAlive = process.sees(recording.sender, network.nowMs).state === 'Alive';
    const count = between(network, recording.sender, to).length;
    if (isAlive && !accepted.has(to)) accepted.set(to, count);
  };
  network.run(400);
  expect([...accepted.keys()].sort()).toEqual(['n1', 'n2']);
  for (const process of [a, b]) {
    const beats = process.sent.filter(({ heartbeat }) => heartbeat.type === 'beat');
    const untilEcho = beats.findIndex(({ heartbeat }) => heartbeat.echo.bootId !== 0n);
    expect(untilEcho).toBeLessThanOrEqual(1);
    expect(process.sees(process === a ? 'n2' : 'n1', network.nowMs)).toMatchObject({
      state: 'Alive',
      hearsUs: true,
    });
  }
});

test('whoever does not hear us is not believed, however often it speaks', () => {
  const { network, a, b } = twoNodes();
  network.block('n1', 'n2');
  network.run(5_000);
  expect(a.sees('n2', network.nowMs)).toMatchObject({ state: 'Unknown', silenceMs: Infinity });
  expect(a.peers.everHeard.size).toBe(0);
  expect(new Set(a.refusals)).toEqual(new Set(['unacceptedBoot']));
  expect(b.sees('n1', network.nowMs).state).toBe('Unknown');
});

test('a process not accepted yet is answered once an interval, with an echo of it', () => {
  const { network, a, b } = twoNodes();
  network.block('n1', 'n2');
  network.run(10_000);
  const answers = a.sent.filter(({ heartbeat }) => heartbeat.echo.bootId === b.bootId);
  const beats = a.sent.filter(({ heartbeat }) => heartbeat.echo.bootId === 0n);
  expect(answers.every(({ heartbeat }) => heartbeat.type === 'beat')).toBe(true);
  expect(answers.length).toBeGreaterThan(30);
  expect(answers.length).toBeLessThanOrEqual(50);
  expect(beats.length).toBeGreaterThan(45);
  expect(answers.length + beats.length).toBe(a.sent.length);
});

describe('a restarted process', () => {
  test('takes the place of the one before it, and claims nothing until it says so', () => {
    const { network, a, b } = twoNodes();
    b.own({ claims: new Set(['192.0.2.1']), unable: new Set(['192.0.2.3']) });
    network.run(1_000);
    expect(a.sees('n2', network.nowMs)).toMatchObject({
      claims: new Set(['192.0.2.1']),
      unable: new Set(['192.0.2.3']),
    });
    const again = new PeerProcess('n2', ['n1'], { random });
    network.start(again);
    const seen: string[] = [];
    network.onDelivery = ({ recording }) => {
      if (recording.outgoing.heartbeat.bootId !== again.bootId) return;
      const { claims, unable, state } = a.sees('n2', network.nowMs);
      seen.push(`${state} ${[...claims, ...unable].join()}`);
    };
    network.run(500);
    const first = seen.indexOf('Alive ');
    expect(new Set(seen.slice(0, first))).toEqual(new Set(['Alive 192.0.2.1,192.0.2.3']));
    expect(new Set(seen.slice(first))).toEqual(new Set(['Alive ']));
    expect(a.sees('n2', network.nowMs)).toMatchObject({ hearsUs: true, attachments: [] });
    again.peers.setOwn(ownState({ claims: new Set(['192.0.2.2']) }));
    network.run(100);
    expect(a.sees('n2', network.nowMs).claims).toEqual(new Set(['192.0.2.2']));
  });

  test('is not displaced by recordings of the one before it, heard or lost then', () => {
    const { network, a } = twoNodes();
    network.run(1_000);
    network.line = { ...GOOD_LINE, loss: 1 };
    network.run(300);
    const old = between(network, 'n2', 'n1');
    network.line = GOOD_LINE;
    const again = new PeerProcess('n2', ['n1'], { random });
    network.start(again);
    again.own({ claims: new Set(['192.0.2.2']) });
    network.run(1_000);
    const before = a.sees('n2', network.nowMs);
    a.refusals.length = 0;
    for (const recording of old) network.replay(recording);
    expect(a.refusals).toHaveLength(old.length);
    expect(new Set(a.refusals)).toEqual(new Set(['unacceptedBoot']));
    expect(a.sees('n2', network.nowMs)).toEqual(before);
    network.run(2_000);
    expect(a.sees('n2', network.nowMs)).toMatchObject({ state: 'Alive', hearsUs: true });
    expect(again.sees('n1', network.nowMs)).toMatchObject({ state: 'Alive', hearsUs: true });
  });
});

test('recordings do not bring a dead node back, nor one that was taken out and put in again', () => {
  const { network, a } = twoNodes();
  network.run(1_000);
  network.crash('n2');
  network.run(1_000);
  expect(a.sees('n2', network.nowMs).state).toBe('Dead');
  const old = between(network, 'n2', 'n1');
  for (const recording of old) network.replay(recording);
  expect(a.sees('n2', network.nowMs).state).toBe('Dead');
  expect(new Set(a.refusals.slice(-old.length))).toEqual(new Set(['replay']));
  a.peers.setNodes([]);
  a.peers.setNodes([{ name: 'n2', addresses: [addressOf('n2')] }]);
  for (const recording of old) network.replay(recording);
  network.run(500);
  expect(a.sees('n2', network.nowMs).state).toBe('Unknown');
});

test('a node that is taken out and put in again is believed as soon as it answers', () => {
  const { network, a } = twoNodes();
  network.run(1_000);
  a.peers.setNodes([]);
  network.run(300);
  a.peers.setNodes([{ name: 'n2', addresses: [addressOf('n2')] }]);
  network.run(500);
  expect(a.sees('n2', network.nowMs).state).toBe('Alive');
});

test('recordings of many processes before do not keep the new one out', () => {
  const network = new SimulatedNetwork({ random, tickMs: 10 });
  const a = new PeerProcess('n1', ['n2'], { random });
  network.start(a);
  const first = Array.from({ length: 10 }, () => {
    network.start(new PeerProcess('n2', ['n1'], { random }));
    network.run(20);
    return between(network, 'n2', 'n1').at(-1)!;
  });
  const last = new PeerProcess('n2', ['n1'], { random });
  network.start(last);
  for (let i = 0; i < 100; i++) {
    for (const recording of first) network.replay(recording);
    network.run(10);
  }
  expect(a.sees('n2', network.nowMs)).toMatchObject({ state: 'Alive', hearsUs: true });
  expect(last.sees('n1', network.nowMs)).toMatchObject({ state: 'Alive', hearsUs: true });
});
