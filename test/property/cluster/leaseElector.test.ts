/** Of any number of electors one leads at most, whatever becomes of their requests. */
import * as fc from 'fast-check';
import { expect, test } from '@jest/globals';
import { LeaseElector } from '../../../src/cluster/leaseElector.ts';
import { FakeClock } from '../../support/program/fakeClock.ts';
import { type Fate, LeaseServer } from '../../support/program/leaseServer.ts';

const fate: fc.Arbitrary<Fate> = fc.record({
  there: fc.constantFrom(0, 1, 400, 3_000, 9_900, 16_000),
  back: fc.constantFrom(0, 1, 400, 3_000, 9_900, 16_000),
  end: fc.constantFrom('answered', 'answered', 'lost before', 'lost after'),
});

/** What goes wrong mostly goes on for a while. */
const spells = fc
  .array(fc.tuple(fate, fc.integer({ min: 1, max: 8 })), { maxLength: 8 })
  .map((each) => each.flatMap(([one, times]) => Array.from({ length: times }, () => one)));

const HEALED: Fate = { there: 1, back: 1, end: 'answered' };

interface Life {
  readonly startsAtMs: number;
  readonly endsAtMs: number;
  readonly random: number;
  readonly fates: readonly Fate[];
}

const life: fc.Arbitrary<Life> = fc.record({
  startsAtMs: fc.nat(20_000),
  endsAtMs: fc.integer({ min: 20_000, max: 120_000 }),
  random: fc.double({ min: 0, max: 0.99, noNaN: true }),
  fates: spells,
});

function elect(server: LeaseServer, clock: FakeClock, { random, fates }: Life, identity: string) {
  const left = [...fates];
  return new LeaseElector({
    transport: server.transport(() => left.shift() ?? HEALED),
    timing: clock,
    namespace: 'kube-system',
    name: 'kube-ipvs-lb',
    identity,
    random: () => random,
    onChange: () => undefined,
    onFailure: () => undefined,
  });
}

test('one at most leads at any moment, and one does when all is well again', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 4 }), async (lives) => {
      const clock = new FakeClock();
      const server = new LeaseServer(clock);
      const electors = lives.map((each, i) => elect(server, clock, each, `node-${i}`));
      const survivor = elect(server, clock, { ...lives[0]!, fates: [] }, 'survivor');
      const endings = lives.map(() => new AbortController());
      const forEver = new AbortController();
      lives.forEach(({ startsAtMs, endsAtMs }, i) => {
        clock.after(startsAtMs, () => void electors[i]!.run(endings[i]!.signal));
        clock.after(endsAtMs, () => endings[i]!.abort());
      });
      clock.after(30_000, () => void survivor.run(forEver.signal));
      const all = [...electors, survivor];
      for (let ms = 0; ms < 170_000; ms += 500) {
        await clock.advance(500);
        expect(all.filter(({ isLeader }) => isLeader).length).toBeLessThanOrEqual(1);
      }
      expect(survivor.isLeader).toBe(true);
      forEver.abort();
    }),
    { numRuns: 100 },
  );
});
