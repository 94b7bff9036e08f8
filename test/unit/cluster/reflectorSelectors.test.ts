/** What a reflector does where the server does not know the field selector. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { ReflectorState } from '../../../src/cluster/reflector.ts';
import type { FakeClock } from '../../support/program/fakeClock.ts';
import { ReflectorHarness } from './reflectorHarness.ts';
import { apiError, listOf, rawService, type ScriptedTransport } from './scriptedTransport.ts';

let harness: ReflectorHarness;
let clock: FakeClock;
let transport: ScriptedTransport;
let states: ReflectorState[];

beforeEach(() => {
  harness = new ReflectorHarness();
  ({ clock, transport, states } = harness);
});

afterEach(() => harness.reflector.stop());

const start = () => harness.start();

describe('a server that does not know the field selector (before 1.31)', () => {
  const unknownField = () =>
    apiError(
      400,
      'BadRequest',
      '"spec.clusterIP" is not a known field selector: only "metadata.name", "metadata.namespace"',
    );
  const fieldSelectors = () =>
    transport.requests.map(({ method, query }) => `${method} ${query['fieldSelector'] ?? '-'}`);
  const KNOWN = 'spec.clusterIP!=None,spec.type!=ExternalName';

  test('is asked without it at once, by lists and by watches, and keeps the label selector', async () => {
    transport.answerLists((query) =>
      query['fieldSelector'] === undefined ? listOf('7', [rawService('a', '1')]) : unknownField(),
    );
    await start();
    expect(harness.told()).toEqual(['+default/a', 'listed']);
    expect(states).toEqual([{ phase: 'watching' }]);
    transport.stream.break('ECONNRESET');
    await clock.advance(250);
    expect(fieldSelectors()).toEqual([`LIST ${KNOWN}`, 'LIST -', 'WATCH -', 'WATCH -']);
    expect(transport.requests.every(({ query }) => query['labelSelector'] !== undefined)).toBe(
      true,
    );
  });

  test('may come later, behind a load balancer in the middle of an upgrade: the watch goes on from its version', async () => {
    transport.answerLists(listOf('7', []));
    transport.failWatches(unknownField());
    await start();
    expect(fieldSelectors()).toEqual([`LIST ${KNOWN}`, `WATCH ${KNOWN}`, 'WATCH -']);
    expect(transport.requests.at(-1)?.query['resourceVersion']).toBe('7');
    expect(states).toEqual([{ phase: 'watching' }]);
  });

  test('is not meant by a 400 that stays without it: that is told, and the selector is kept', async () => {
    transport.answerLists(
      apiError(400, 'BadRequest', 'first'),
      apiError(400, 'BadRequest', 'second'),
      listOf('7', []),
    );
    await start();
    expect(states).toEqual([
      expect.objectContaining({ detail: 'list services: second; retry in 0.2 s' }),
    ]);
    await clock.advance(250);
    expect(fieldSelectors()).toEqual([
      `LIST ${KNOWN}`,
      'LIST -',
      `LIST ${KNOWN}`,
      `WATCH ${KNOWN}`,
    ]);
  });
});
