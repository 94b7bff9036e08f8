/** What a reflector does with everything that comes as the beginning of a watch, and without it. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { ReflectorState } from '../../../src/cluster/reflector.ts';
import { type FakeClock, settle } from '../../support/program/fakeClock.ts';
import { ReflectorHarness } from './reflectorHarness.ts';
import { apiError, listOf, rawService, type ScriptedTransport } from './scriptedTransport.ts';

let harness: ReflectorHarness;
let clock: FakeClock;
let transport: ScriptedTransport;
let notes: string[];
let states: ReflectorState[];

beforeEach(() => {
  harness = new ReflectorHarness();
  ({ clock, transport, notes, states } = harness);
  transport.hasInitialEvents = true;
});

afterEach(() => harness.reflector.stop());

const start = () => harness.start();
const told = () => harness.told();

function added(name: string, version: string, port = 80): object {
  return { type: 'ADDED', object: rawService(name, version, port) };
}

function bookmark(resourceVersion: string, annotations = {}): object {
  return { type: 'BOOKMARK', object: { metadata: { resourceVersion, annotations } } };
}

function end(version: string): object {
  return bookmark(version, { 'k8s.io/initial-events-end': 'true' });
}

/** Each request in short: how, and not older than what. */
function asked(): string[] {
  return transport.requests.map(({ method, query }) => {
    const { resourceVersion, resourceVersionMatch, limit } = query;
    const parts = [method, resourceVersion, resourceVersionMatch, limit && `by ${limit}`];
    return parts.filter((part) => part !== undefined && part !== '').join(' ');
  });
}

describe('initial events', () => {
  test('are asked for first, told as they come, and followed by the changes of the same watch', async () => {
    await start();
    expect(transport.requests.map(({ query }) => query)).toEqual([
      {
        labelSelector: '!service.kubernetes.io/service-proxy-name,!service.kubernetes.io/headless',
        fieldSelector: 'spec.clusterIP!=None,spec.type!=ExternalName',
        watch: '1',
        allowWatchBookmarks: 'true',
        sendInitialEvents: 'true',
        resourceVersionMatch: 'NotOlderThan',
        resourceVersion: '',
        timeoutSeconds: '599',
      },
    ]);
    transport.stream.send(added('a', '3'));
    await settle();
    expect(told()).toEqual(['+default/a']);
    expect(states).toEqual([]);
    transport.stream.send(added('b', '2'), end('7'), added('c', '8'));
    await settle();
    expect(told()).toEqual(['+default/b', 'listed', '+default/c']);
    expect(states).toEqual([{ phase: 'watching' }]);
    expect(harness.heard.map((line) => line.split(' ')[1])).toEqual(['listed', 'ADDED']);
    expect(notes).toEqual([]);
  });

  test('give the version of their end, not of an object, to the next watch', async () => {
    await start();
    transport.stream.send(added('a', '3'), end('7'));
    await clock.advance(2_000);
    transport.stream.end();
    await settle();
    expect(asked()).toEqual(['READ NotOlderThan', 'WATCH 7']);
    expect(states).toEqual([{ phase: 'watching' }, { phase: 'watching' }]);
  });

  test('once complete are a watch, which breaks as one', async () => {
    await start();
    transport.stream.send(end('7'));
    transport.stream.break('ECONNRESET');
    await settle();
    expect(states.at(-1)).toMatchObject({
      detail: 'watch services: broken: ECONNRESET; retry in 0.2 s',
    });
  });

  test('after 410 are not older than what is known, and only their end deletes what vanished', async () => {
    await start();
    transport.stream.send(added('a', '3'), added('b', '3'), end('7'), added('c', '8'));
    await settle();
    told();
    transport.stream.send({ type: 'ERROR', object: { code: 410, reason: 'Expired' } });
    await clock.advance(250);
    expect(asked()).toEqual(['READ NotOlderThan', 'READ 8 NotOlderThan']);
    transport.stream.send(added('b', '9', 81), added('d', '10'));
    await settle();
    expect(told()).toEqual(['+default/b', '+default/d']);
    // Between the snapshot and its end.
    transport.stream.send({ type: 'DELETED', object: rawService('d', '11') }, end('12'));
    await settle();
    expect(told()).toEqual(['-default/d', '-default/a', '-default/c', 'listed']);
  });

  test('that no longer hold an unreadable object end its problem', async () => {
    const bad = { metadata: { namespace: 'default', name: 'bad', resourceVersion: '2' }, spec: {} };
    await start();
    transport.stream.send(
      { type: 'ADDED', object: { ...bad, spec: { type: 'Odd' } } },
      end('7'),
      bookmark('8'),
      { type: 'ERROR', object: { code: 410, reason: 'Expired' } },
    );
    await clock.advance(250);
    transport.stream.send(end('9'));
    await settle();
    expect(told()).toEqual([
      'Service/default/bad: 1 problems',
      'listed',
      'Service/default/bad: 0 problems',
      'listed',
    ]);
  });

  test('that break off delete nothing, and are asked for again after a pause, of this moment', async () => {
    await start();
    transport.stream.send(added('a', '3'));
    transport.stream.break('ECONNRESET');
    await settle();
    expect(states).toEqual([
      expect.objectContaining({
        phase: 'failing',
        detail: 'list services: broken: ECONNRESET; retry in 0.2 s',
      }),
    ]);
    await clock.advance(250);
    transport.stream.send(added('b', '4'), end('7'));
    await settle();
    expect(asked()).toEqual(['READ NotOlderThan', 'READ NotOlderThan']);
    expect(told()).toEqual(['+default/a', '+default/b', '-default/a', 'listed']);
  });

  test('of a version that could not even be watched from are asked for as of this moment', async () => {
    await start();
    transport.stream.send(end('7'), { type: 'ERROR', object: { code: 410, reason: 'Expired' } });
    await clock.advance(250);
    expect(asked()).toEqual(['READ NotOlderThan', 'READ NotOlderThan']);
  });

  test('of a server that is behind what we know are asked for as of this moment, without a pause', async () => {
    await start();
    transport.stream.send(end('7'), added('a', '9'));
    transport.stream.send({ type: 'ERROR', object: { code: 410, reason: 'Expired' } });
    await clock.advance(250);
    const causes = [{ reason: 'ResourceVersionTooLarge' }];
    transport.stream.send({
      type: 'ERROR',
      object: { code: 504, reason: 'Timeout', details: { causes } },
    });
    await settle();
    expect(asked()).toEqual(['READ NotOlderThan', 'READ 9 NotOlderThan', 'READ NotOlderThan']);
    expect(notes).toEqual([]);
  });

  test('stay the way after what passes: credentials, a server that is busy, or away', async () => {
    transport.failWatches(
      apiError(401, 'Unauthorized'),
      apiError(429, 'TooManyRequests'),
      apiError(503, 'ServiceUnavailable'),
      apiError(0, 'ECONNREFUSED'),
    );
    await start();
    await clock.advance(5_000);
    expect(asked()).toEqual(Array.from({ length: 5 }, () => 'READ NotOlderThan'));
    expect(transport.refreshes).toBe(1);
    expect(notes).toEqual([]);
  });
});

describe('a server without initial events', () => {
  const FROM_CACHE = ['LIST 0 by 500', 'WATCH 7'];
  const read = ['READ NotOlderThan', ...FROM_CACHE];
  beforeEach(() => transport.answerLists(listOf('7', [rawService('a', '1')])));

  test.each([
    ['refuses them', 422, 'Invalid'],
    ['is behind a front end that does not let them pass', 403, 'Forbidden'],
    ['knows no such parameter', 400, 'BadRequest'],
    ['has an etcd that cannot report progress', 500, 'InternalError'],
  ])('%s: it is listed from its cache without a pause, and that is noted', async (_, code, why) => {
    // The first is for the field selector.
    transport.failWatches(...(code === 400 ? [apiError(400, 'Bad')] : []), apiError(code, why));
    await start();
    expect(asked().slice(-3)).toEqual(read);
    expect(told()).toEqual(['+default/a', 'listed']);
    expect(states).toEqual([{ phase: 'watching' }]);
    expect(notes).toEqual([
      `services: no initial events by a watch (${code} ${why}): read by lists`,
    ]);
  });

  test.each([
    [
      'begins with an error',
      [{ type: 'ERROR', object: { code: 500, reason: 'InternalError', message: 'no progress' } }],
      'no progress',
    ],
    ['sends a bookmark that ends nothing', [bookmark('6')], 'a bookmark came that ends nothing'],
  ])('%s: likewise', async (_, events, reason) => {
    await start();
    transport.stream.send(...events);
    await settle();
    expect(asked()).toEqual(read);
    expect(notes).toEqual([`services: no initial events by a watch (${reason}): read by lists`]);
  });

  test('says nothing for half a minute: likewise', async () => {
    await start();
    await clock.advance(29_999);
    expect(asked()).toEqual(['READ NotOlderThan']);
    await clock.advance(1);
    expect(asked()).toEqual(read);
    expect(notes[0]).toContain('nothing came for 30 s');
  });

  test('may be slow as long as something comes', async () => {
    await start();
    for (let i = 0; i < 4; i++) {
      transport.stream.send(added('a', '1'));
      await clock.advance(29_000);
    }
    transport.stream.send(end('7'));
    await clock.advance(200_000);
    expect(asked()).toEqual(['READ NotOlderThan']);
    expect(told()).toEqual(['+default/a', 'listed']);
  });

  test('is listed as of this moment when some of them had come: its cache may be older', async () => {
    await start();
    transport.stream.send(added('b', '3'));
    transport.stream.end();
    await settle();
    expect(asked()).toEqual(['READ NotOlderThan', 'LIST by 500', 'WATCH 7']);
    expect(told()).toEqual(['+default/b', '+default/a', '-default/b', 'listed']);
  });

  test('breaks them off twice: it is listed', async () => {
    await start();
    transport.stream.send(added('b', '3'));
    transport.stream.break('ECONNRESET');
    await clock.advance(250);
    transport.stream.send(added('b', '3'));
    transport.stream.break('ECONNRESET');
    await settle();
    expect(asked()).toEqual(['READ NotOlderThan', 'READ NotOlderThan', 'LIST by 500', 'WATCH 7']);
  });

  test('is not asked for them again', async () => {
    transport.failWatches(apiError(422, 'Invalid'));
    await start();
    transport.stream.send(added('b', '8'));
    transport.stream.send({ type: 'ERROR', object: { code: 410, reason: 'Expired' } });
    await clock.advance(250);
    expect(asked()).toEqual([...read, 'LIST 8 NotOlderThan', 'WATCH 7']);
    expect(notes).toHaveLength(1);
  });

  test.each([
    ['410', apiError(410, 'Expired')],
    [
      'its cache is behind',
      Object.assign(apiError(504, 'Timeout'), { causes: ['ResourceVersionTooLarge'] }),
    ],
  ])('whose list from the cache fails (%s) is listed as of this moment', async (_, error) => {
    transport.failWatches(apiError(422, 'Invalid'));
    transport.answerLists(error, listOf('7', []));
    await start();
    expect(asked()).toEqual(['READ NotOlderThan', 'LIST 0 by 500', 'LIST by 500', 'WATCH 7']);
    expect(states).toEqual([{ phase: 'watching' }]);
  });

  test('whose pages broke off is listed as of this moment', async () => {
    transport.failWatches(apiError(422, 'Invalid'));
    transport.answerLists(
      listOf('7', [rawService('a', '1')], 'next'),
      apiError(0, 'ECONNRESET'),
      listOf('7', []),
    );
    await start();
    await clock.advance(250);
    expect(asked().slice(1)).toEqual(['LIST 0 by 500', 'LIST by 500', 'LIST by 500', 'WATCH 7']);
  });
});

test('stopped in the middle of initial events it notes and deletes nothing', async () => {
  await start();
  transport.stream.send(added('a', '3'));
  await settle();
  await harness.reflector.stop();
  expect(told()).toEqual(['+default/a']);
  expect(notes).toEqual([]);
  expect(asked()).toEqual(['READ NotOlderThan']);
});
