/**
 * Whatever is announced, given away and asked for, and whenever: never too many frames, nothing of
 * what was given away, and five rounds of everything else.
 */
import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { frameCount } from '../../../src/loadbalancer/responder/announcementFrames.ts';
import { Pacer, type Sending } from '../../../src/loadbalancer/responder/pacing.ts';
import { randomNumbers } from '../../support/program/randomNumbers.ts';

const NAMES = ['eth0', 'eth1'];
const GAPS_MS = [100, 200, 700, 1000];

/** `count` addresses from `from` on, IPv6 where that is odd. */
interface Step {
  readonly kind: 'announce' | 'drop' | 'hold' | 'probe' | 'forget';
  readonly from: number;
  readonly count: number;
  readonly afterMs: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('announce', 'announce', 'hold', 'drop', 'probe', 'forget'),
  from: fc.nat(400),
  count: fc.integer({ min: 1, max: 400 }),
  afterMs: fc.oneof(fc.integer({ min: 1, max: 15 }), fc.integer({ min: 1, max: 3000 })),
});

const addressOf = (i: number) =>
  i % 2 === 0 ? `10.0.${i >> 8}.${i & 255}` : `2001:db8::${i.toString(16)}`;

interface Sent extends Sending {
  readonly atMs: number;
}

class Run {
  readonly pacer = new Pacer({ refreshIntervalMs: 5000, random: randomNumbers(1) });
  readonly sent: Sent[] = [];
  /** given away, and not announced or held since */
  readonly dropped = new Set<string>();
  /** when it was announced last, without anything that ends it since */
  readonly announcedMs = new Map<string, number>();
  /** how many had been sent when eth1 went: what comes after is another interface */
  readonly forgotten: number[] = [];
  nowMs = 0;

  advance(ms: number): void {
    const untilMs = this.nowMs + ms;
    for (;;) {
      for (const each of this.pacer.take(this.nowMs)) this.#note(each);
      const nextMs = this.pacer.nextMs(this.nowMs);
      if (nextMs <= this.nowMs) throw new Error('to be asked again at once');
      if (nextMs >= untilMs) break;
      this.nowMs = nextMs;
    }
    this.nowMs = untilMs;
  }

  #note(each: Sending): void {
    if (each.kind !== 'probe' && this.dropped.has(each.address)) {
      throw new Error(`${each.kind} of ${each.address}, which was given away`);
    }
    this.sent.push({ ...each, atMs: this.nowMs });
  }

  perform({ kind, from, count }: Step): void {
    if (kind === 'forget') {
      this.pacer.forget('eth1');
      // On the other one its rounds go on; they are looked at there no more.
      this.announcedMs.clear();
      this.forgotten.push(this.sent.length);
      return;
    }
    for (let i = from; i < from + count; i++) this.#performOn(kind, addressOf(i));
  }

  #performOn(kind: Exclude<Step['kind'], 'forget'>, address: string): void {
    switch (kind) {
      case 'announce':
        this.dropped.delete(address);
        this.announcedMs.set(address, this.nowMs);
        return this.pacer.announce(address, NAMES, this.nowMs);
      case 'hold':
        this.dropped.delete(address);
        return this.pacer.hold(address, NAMES, this.nowMs);
      case 'drop':
        this.dropped.add(address);
        this.announcedMs.delete(address);
        return this.pacer.drop(address);
      case 'probe':
        return this.pacer.once('probe', address, 'eth0');
    }
  }
}

/** The most frames in any time of `ms`, as they were sent on one interface. */
function densest(sent: readonly Sent[], ms: number): number {
  let [most, sum, from] = [0, 0, 0];
  for (const each of sent) {
    sum += frameCount(each.kind, each.address);
    for (; sent[from]!.atMs <= each.atMs - ms; from++) {
      sum -= frameCount(sent[from]!.kind, sent[from]!.address);
    }
    most = Math.max(most, sum);
  }
  return most;
}

function stretchesOf({ sent, forgotten }: Run, name: string): readonly (readonly Sent[])[] {
  const ends = name === 'eth1' ? [...forgotten, sent.length] : [sent.length];
  return ends.map((end, i) =>
    sent.slice(ends[i - 1] ?? 0, end).filter(({ interfaceName }) => interfaceName === name),
  );
}

function roundsOf(run: Run, name: string): ReadonlyMap<string, readonly number[]> {
  const rounds = new Map<string, number[]>();
  for (const { kind, address, interfaceName, atMs } of run.sent) {
    const sinceMs = run.announcedMs.get(address) ?? Infinity;
    if (kind !== 'takeover' || interfaceName !== name || atMs < sinceMs) continue;
    rounds.set(address, [...(rounds.get(address) ?? []), atMs]);
  }
  return rounds;
}

test('frames are few enough, rounds are complete, and nothing is said of what was given away', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const run = new Run();
      for (const each of steps) {
        run.perform(each);
        run.advance(each.afterMs);
      }
      run.advance(20_000);
      for (const name of NAMES) {
        for (const sent of stretchesOf(run, name)) {
          expect(densest(sent, 10)).toBeLessThanOrEqual(200);
          expect(densest(sent, 2)).toBeLessThanOrEqual(50);
        }
        const rounds = roundsOf(run, name);
        for (const address of run.announcedMs.keys()) {
          const times = rounds.get(address) ?? [];
          expect(times).toHaveLength(5);
          const gaps = times.slice(1).map((at, i) => at - times[i]!);
          expect(gaps.every((gap, i) => gap >= GAPS_MS[i]!)).toBe(true);
        }
      }
    }),
    { numRuns: 60 },
  );
});
