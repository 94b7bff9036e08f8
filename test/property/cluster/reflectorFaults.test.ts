/**
 * Whatever an API server answers, and in whatever order: in the end the reflector has what the
 * server has, says that it watches, and has not asked more often than its pauses allow.
 */
import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { Reflector, type ReflectorState } from '../../../src/cluster/reflector.ts';
import { ClusterStore } from '../../../src/model/clusterStore.ts';
import { KINDS, NO_NEEDS } from '../../../src/model/kinds.ts';
import { FakeClock } from '../../support/program/fakeClock.ts';
import { FAULTS, FaultyServer } from './faultyServer.ts';

const SEED = Number(process.env['KUBE_IPVS_SEED'] ?? 20_261_130);
const RUNS = Number(process.env['KUBE_IPVS_RUNS'] ?? 500);

const names = fc.constantFrom('a', 'b', 'c');
const step = fc.oneof(
  fc.record({ do: fc.constant('put' as const), name: names, port: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ do: fc.constant('remove' as const), name: names }),
  fc.record({ do: fc.constant('compact' as const) }),
  fc.record({ do: fc.constant('lag' as const) }),
  fc.record({ do: fc.constant('fail' as const), fault: fc.constantFrom(...FAULTS) }),
  fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(1, 400, 3_000, 70_000) }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** A watch may last ten minutes, and then be awaited for some seconds more. */
const END_MS = 700_000;
/** The shortest pauses there are, and a reading and a watch for each. */
const MOST_REQUESTS = 60;

async function tried(steps: readonly Step[]): Promise<void> {
  const clock = new FakeClock();
  const server = new FaultyServer(clock);
  const store = new ClusterStore();
  const states: ReflectorState[] = [];
  const unreadable: string[] = [];
  const reflector = new Reflector({
    kind: KINDS.Service,
    selectors: KINDS.Service.selectors({ nodeName: 'node-1', needs: NO_NEEDS }),
    transport: server,
    timing: clock,
    random: () => 0,
    listener: {
      store,
      onChange: () => undefined,
      onProblems: (origin, problems) => {
        if (problems.length > 0) unreadable.push(origin);
      },
      onListed: () => undefined,
      onState: (state) => states.push(state),
    },
  });
  reflector.start();
  for (const each of steps) {
    if (each.do === 'put') server.put(each.name, each.port);
    else if (each.do === 'remove') server.remove(each.name);
    else if (each.do === 'compact') server.compact();
    else if (each.do === 'lag') server.lag();
    else if (each.do === 'fail') server.faults.push(each.fault);
    else await clock.advance(each.ms);
  }
  const before = server.requests;
  for (let i = 0; i < steps.length && server.faults.length > 0; i++) await clock.advance(END_MS);
  await clock.advance(END_MS);
  expect(Object.fromEntries(portsOf(store))).toEqual(Object.fromEntries(server.services));
  expect(states.at(-1)).toEqual({ phase: 'watching' });
  expect(server.faults).toEqual([]);
  expect(unreadable).toEqual([]);
  expect(server.requests - before).toBeLessThan(MOST_REQUESTS);
  await reflector.stop();
}

function portsOf({ services }: ClusterStore): [string, number][] {
  return [...services.values()].map(({ name, ports }) => [name, ports[0]!.port]);
}

test.each(FAULTS)('a list, then a watch that meets: %s', async (fault) => {
  const change = { do: 'put', name: 'a', port: 2 } as const;
  const fail = { do: 'fail', fault } as const;
  const pass = { do: 'pass', ms: 400 } as const;
  await tried([fail, pass, fail, fail, change, pass, { do: 'remove', name: 'a' }]);
});

test(`after ${RUNS} sequences of faults it has what the server has`, async () => {
  const sequence = fc.array(step, { maxLength: 20 });
  await fc.assert(fc.asyncProperty(sequence, tried), { seed: SEED, numRuns: RUNS });
}, 120_000);
