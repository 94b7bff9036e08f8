import { describe, expect, test } from '@jest/globals';
import { frameCount } from '../../../../src/loadbalancer/responder/announcementFrames.ts';
import { Pacer } from '../../../../src/loadbalancer/responder/pacing.ts';
import { randomNumbers } from '../../../support/program/randomNumbers.ts';

const V4 = '192.0.2.64';
const V6 = '2001:db8:1::64';

interface Sent {
  readonly atMs: number;
  readonly kind: string;
  readonly address: string;
  readonly interfaceName: string;
}

/** Takes whenever the pacer wants to be asked, a timer's millisecond late at most. */
function run(pacer: Pacer, fromMs: number, untilMs: number): Sent[] {
  const sent: Sent[] = [];
  for (let now = fromMs; now <= untilMs;) {
    for (const each of pacer.take(now)) sent.push({ atMs: now, ...each });
    const next = pacer.nextMs(now);
    if (next <= now) throw new Error(`asked for again at ${now} ms, when it has just been`);
    now = Math.ceil(next);
  }
  return sent;
}

const quiet = (seed = 1) => new Pacer({ refreshIntervalMs: 0, random: randomNumbers(seed) });

const addresses = (count: number) =>
  Array.from({ length: count }, (_, i) => `10.0.${i >> 8}.${i & 255}`);

describe('a take-over', () => {
  test.each([V4, V6])('has five rounds: %s', (address) => {
    const pacer = quiet();
    pacer.announce(address, ['eth0', 'eth1'], 50);
    const sent = run(pacer, 50, 60_000);
    for (const name of ['eth0', 'eth1']) {
      const rounds = sent.filter(({ interfaceName }) => interfaceName === name);
      expect(rounds.map(({ atMs }) => atMs - 50)).toEqual([0, 100, 300, 1000, 2000]);
    }
    expect(new Set(sent.map(({ kind }) => kind))).toEqual(new Set(['takeover']));
    expect(pacer.nextMs(60_000)).toBe(Infinity);
  });

  test('ends with the loss of the address, between any two rounds', () => {
    for (const [untilMs, rounds] of [
      [0, 1],
      [150, 2],
      [999, 3],
      [1999, 4],
    ] as const) {
      const pacer = quiet();
      pacer.announce(V4, ['eth0'], 0);
      pacer.announce(V6, ['eth0'], 0);
      const sent = run(pacer, 0, untilMs);
      pacer.drop(V4);
      sent.push(...run(pacer, untilMs + 1, 60_000));
      expect(sent.filter(({ address }) => address === V4)).toHaveLength(rounds);
      expect(sent.filter(({ address }) => address === V6)).toHaveLength(5);
    }
  });

  test('begins anew when it is asked for again', () => {
    const pacer = quiet();
    pacer.announce(V4, ['eth0'], 0);
    const sent = run(pacer, 0, 150);
    pacer.announce(V4, ['eth0'], 200);
    sent.push(...run(pacer, 200, 60_000));
    expect(sent.map(({ atMs }) => atMs)).toEqual([0, 100, 200, 300, 500, 1200, 2200]);
  });

  test('of an interface that went is not made up for', () => {
    const pacer = quiet();
    pacer.announce(V4, ['eth0', 'eth1'], 0);
    run(pacer, 0, 0);
    pacer.forget('eth0');
    expect(run(pacer, 1, 60_000).every(({ interfaceName }) => interfaceName === 'eth1')).toBe(true);
  });
});

/** The most frames on one interface in any time of that length. */
function densest(sent: readonly Sent[], interfaceName: string, ms: number): number {
  const frames = sent.filter((each) => each.interfaceName === interfaceName);
  let most = 0;
  let sum = 0;
  let from = 0;
  for (const each of frames) {
    sum += frameCount(each.kind as 'takeover', each.address);
    for (; frames[from]!.atMs <= each.atMs - ms; from++) {
      sum -= frameCount(frames[from]!.kind as 'takeover', frames[from]!.address);
    }
    most = Math.max(most, sum);
  }
  return most;
}

describe('many at once', () => {
  test.each(['IPv4', 'IPv6'])(
    'no more than 200 frames in 10 ms and on an interface: %s',
    (family) => {
      const pacer = new Pacer({ refreshIntervalMs: 5000, random: randomNumbers(2) });
      const all = addresses(5000).map((each) =>
        family === 'IPv4' ? each : `2001:db8::${each.slice(5).replaceAll('.', ':')}`,
      );
      for (const address of all) {
        pacer.hold(address, ['eth0', 'eth1'], 0);
        pacer.announce(address, ['eth0', 'eth1'], 0);
      }
      const sent = run(pacer, 0, 15_000);
      for (const name of ['eth0', 'eth1']) {
        expect(densest(sent, name, 10)).toBeLessThanOrEqual(200);
        // And no less, while there is so much to send.
        expect(densest(sent, name, 10)).toBeGreaterThan(190);
        // Answers wait while frames are sent.
        expect(densest(sent, name, 2)).toBeLessThanOrEqual(50);
      }
      const rounds = sent.filter(({ kind }) => kind === 'takeover');
      expect(rounds).toHaveLength(all.length * 2 * 5);
    },
  );

  test('first rounds of all come before second ones, and refreshes last', () => {
    const pacer = new Pacer({ refreshIntervalMs: 5000, random: () => 0 });
    const all = addresses(2500);
    for (const address of all) {
      pacer.hold(address, ['eth0'], 0);
      pacer.announce(address, ['eth0'], 0);
    }
    const sent = run(pacer, 0, 4000);
    expect(sent.slice(0, all.length).map(({ address }) => address)).toEqual(all);
    expect(sent.slice(0, all.length).every(({ kind }) => kind === 'takeover')).toBe(true);
    // The first is due for its second round at 100 ms, and waits for the others.
    expect(sent[all.length]!.atMs).toBeGreaterThanOrEqual((2 * 2500 * 10) / 200 - 10);
    const firstRefresh = sent.findIndex(({ kind }) => kind === 'refresh');
    expect(firstRefresh).toBeGreaterThanOrEqual(2 * all.length);
    // A round that had to wait makes those after it wait as long.
    const times = sent.filter(({ address }) => address === all.at(-1)).map(({ atMs }) => atMs);
    expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(100);
  });

  test('a probe and a defence do not stand behind rounds', () => {
    const pacer = quiet();
    for (const address of addresses(1000)) pacer.announce(address, ['eth0'], 0);
    pacer.once('probe', V4, 'eth0');
    pacer.once('defence', V6, 'eth0');
    expect(pacer.take(0).slice(0, 2)).toEqual([
      { kind: 'probe', address: V4, interfaceName: 'eth0' },
      { kind: 'defence', address: V6, interfaceName: 'eth0' },
    ]);
  });

  test('letting go ends a defence that waits, not a probe', () => {
    const pacer = quiet();
    pacer.once('probe', V4, 'eth0');
    pacer.once('defence', V4, 'eth0');
    pacer.drop(V4);
    expect(run(pacer, 0, 60_000).map(({ kind }) => kind)).toEqual(['probe']);
  });
});

describe('refresh', () => {
  const INTERVAL_MS = 45_000;

  test('each address once an interval, a fifth more or less, on all its interfaces', () => {
    const pacer = new Pacer({ refreshIntervalMs: INTERVAL_MS, random: randomNumbers(3) });
    const all = addresses(200);
    for (const address of all) pacer.hold(address, ['eth0', 'eth1'], 0);
    const sent = run(pacer, 0, 20 * INTERVAL_MS);
    for (const address of all) {
      const times = sent
        .filter((each) => each.address === address && each.interfaceName === 'eth1')
        .map(({ atMs }) => atMs);
      expect(times[0]).toBeLessThanOrEqual(INTERVAL_MS + 50);
      const gaps = times.slice(1).map((at, i) => at - times[i]!);
      expect(Math.min(...gaps)).toBeGreaterThanOrEqual(0.8 * INTERVAL_MS);
      expect(Math.max(...gaps)).toBeLessThanOrEqual(1.2 * INTERVAL_MS + 60);
      expect(new Set(gaps).size).toBeGreaterThan(gaps.length / 2);
    }
  });

  test('thousands taken at once are spread over the interval, the first time too', () => {
    const pacer = new Pacer({ refreshIntervalMs: INTERVAL_MS, random: randomNumbers(4) });
    for (const address of addresses(4500)) pacer.hold(address, ['eth0'], 0);
    const perSecond = Map.groupBy(run(pacer, 0, 3 * INTERVAL_MS), ({ atMs }) =>
      Math.floor(atMs / 1000),
    );
    // 100 on average
    const counts = [...perSecond.values()].map(({ length }) => length).slice(0, -1);
    expect(Math.max(...counts)).toBeLessThan(170);
    expect(Math.min(...counts)).toBeGreaterThan(40);
  });

  test('ends with the loss of the address; another set of interfaces keeps its moment', () => {
    const pacer = new Pacer({ refreshIntervalMs: 10_000, random: () => 0.5 });
    pacer.hold(V4, ['eth0'], 0);
    pacer.hold(V6, ['eth0'], 0);
    expect(pacer.nextMs(0)).toBe(5000);
    pacer.hold(V4, ['eth1'], 100);
    pacer.drop(V6);
    expect(run(pacer, 100, 30_000)).toEqual(
      [5000, 15_000, 25_000].map((atMs) => ({
        atMs,
        kind: 'refresh',
        address: V4,
        interfaceName: 'eth1',
      })),
    );
    pacer.drop(V4);
    expect(pacer.nextMs(30_000)).toBe(Infinity);
  });

  test('none with an interval of 0', () => {
    const pacer = quiet();
    pacer.hold(V4, ['eth0'], 0);
    expect(pacer.nextMs(0)).toBe(Infinity);
  });

  test('a process that slept through several intervals refreshes once', () => {
    const pacer = new Pacer({ refreshIntervalMs: 10_000, random: () => 0.5 });
    pacer.hold(V4, ['eth0'], 0);
    expect(pacer.take(95_000)).toHaveLength(1);
    expect(pacer.nextMs(95_000)).toBe(105_000);
  });
});
