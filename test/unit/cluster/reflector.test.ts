import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Reflector, ReflectorState } from '../../../src/cluster/reflector.ts';
import { type FakeClock, settle } from '../../support/program/fakeClock.ts';
import { ReflectorHarness } from './reflectorHarness.ts';
import { apiError, listOf, rawService, type ScriptedTransport } from './scriptedTransport.ts';

let harness: ReflectorHarness;
let clock: FakeClock;
let transport: ScriptedTransport;
let states: ReflectorState[];
let reflector: Reflector;
let heard: string[];

beforeEach(() => {
  harness = new ReflectorHarness();
  ({ clock, transport, states, reflector, heard } = harness);
});

afterEach(() => reflector.stop());

const start = () => harness.start();
const told = () => harness.told();

/** Waits after failures; deadlines of watches are left out. */
function pauses(): number[] {
  return clock.sleeps.filter((ms) => ms < 300_000).map((ms) => Math.round(ms));
}

function methods(): string[] {
  return transport.requests.map((request) => request.method);
}

describe('list', () => {
  test('is read in pages and then watched from its version, with bookmarks and a time limit', async () => {
    transport.answerLists(
      listOf('7', [rawService('a', '1')], 'next'),
      listOf('7', [rawService('b', '2')]),
    );
    await start();
    expect(told()).toEqual(['+default/a', '+default/b', 'listed']);
    expect(transport.requests.map((request) => request.query)).toEqual([
      {
        labelSelector: '!service.kubernetes.io/service-proxy-name,!service.kubernetes.io/headless',
        fieldSelector: 'spec.clusterIP!=None,spec.type!=ExternalName',
        limit: '500',
        resourceVersion: '0',
      },
      expect.objectContaining({ limit: '500', continue: 'next' }),
      expect.objectContaining({
        watch: '1',
        allowWatchBookmarks: 'true',
        resourceVersion: '7',
        timeoutSeconds: '599',
        fieldSelector: 'spec.clusterIP!=None,spec.type!=ExternalName',
      }),
    ]);
    expect(states).toEqual([{ phase: 'watching' }]);
  });

  test('that fails in the middle deletes nothing and starts again', async () => {
    transport.answerLists(
      listOf('7', [rawService('a', '1')], 'next'),
      apiError(0, 'ECONNRESET'),
      listOf('8', [rawService('b', '2')]),
    );
    await start();
    expect(told()).toEqual(['+default/a']);
    await clock.advance(250);
    expect(told()).toEqual(['+default/b', '-default/a', 'listed']);
  });

  test('whose continue token expired is asked for in one piece', async () => {
    transport.answerLists(
      listOf('7', [rawService('a', '1')], 'next'),
      apiError(410, 'Expired'),
      listOf('9', [rawService('a', '1')]),
    );
    await start();
    expect(told()).toEqual(['+default/a', 'listed']);
    expect(Object.keys(transport.requests[2]!.query)).toEqual(['labelSelector', 'fieldSelector']);
  });

  test('that is no list is a failure that is told and retried', async () => {
    transport.answerLists({ hello: 'world' }, listOf('1', []));
    await start();
    expect(states).toEqual([
      expect.objectContaining({ phase: 'failing', detail: expect.stringContaining('is no list') }),
    ]);
    await clock.advance(250);
    expect(told()).toEqual(['listed']);
  });

  test('that is empty in the way of old servers is a list', async () => {
    transport.answerLists({ metadata: { resourceVersion: '7' }, items: null });
    await start();
    expect(told()).toEqual(['listed']);
    expect(states).toEqual([{ phase: 'watching' }]);
  });

  test('that no longer holds an unreadable object ends its problem', async () => {
    const bad = { metadata: { namespace: 'default', name: 'bad' }, spec: { type: 'Odd' } };
    transport.answerLists(listOf('7', [bad]), listOf('8', []));
    await start();
    transport.failWatches(apiError(410, 'Gone'));
    transport.stream.break('ECONNRESET');
    await clock.advance(1000);
    expect(told()).toEqual([
      'Service/default/bad: 1 problems',
      'listed',
      'Service/default/bad: 0 problems',
      'listed',
    ]);
  });

  test('an unreadable object is a problem of its own; the others are taken', async () => {
    transport.answerLists(
      listOf('7', [
        { metadata: { namespace: 'default', name: 'bad' }, spec: { type: 'Odd' } },
        rawService('a', '1'),
      ]),
    );
    await start();
    expect(told()).toEqual(['Service/default/bad: 1 problems', '+default/a', 'listed']);
    transport.stream.send({ type: 'MODIFIED', object: rawService('bad', '8') });
    await settle();
    expect(told()).toEqual(['Service/default/bad: 0 problems', '+default/bad']);
  });
});

describe('watch', () => {
  beforeEach(async () => {
    transport.answerLists(listOf('7', [rawService('a', '1')]));
    await start();
    told();
  });

  test('tells additions, changes and deletions in order', async () => {
    transport.stream.send(
      { type: 'ADDED', object: rawService('b', '8') },
      { type: 'MODIFIED', object: rawService('a', '9', 81) },
      { type: 'DELETED', object: rawService('b', '10') },
    );
    await settle();
    expect(told()).toEqual(['+default/b', '+default/a', '-default/b']);
  });

  test('a change of fields that nobody reads makes no event', async () => {
    transport.stream.send({ type: 'MODIFIED', object: { ...rawService('a', '8'), extra: 1 } });
    await settle();
    expect(told()).toEqual([]);
  });

  test('events cut anywhere, one byte at a time, come out whole', async () => {
    const lines = [
      { type: 'ADDED', object: { ...rawService('ž🐎', '8') } },
      { type: 'ADDED', object: rawService('c', '9') },
    ];
    for (const byte of Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))) {
      transport.stream.sendBytes(Uint8Array.of(byte));
    }
    await settle();
    await clock.advance(0);
    expect(told()).toEqual(['+default/ž🐎', '+default/c']);
  });

  test('a line cut off by the end is not taken, and the next watch starts before it', async () => {
    await clock.advance(2000);
    transport.stream.send({ type: 'ADDED', object: rawService('b', '8') });
    transport.stream.sendText(
      JSON.stringify({ type: 'ADDED', object: rawService('c', '9') }).slice(0, -9),
    );
    transport.stream.end();
    await settle();
    expect(told()).toEqual(['+default/b']);
    expect(transport.requests.at(-1)).toMatchObject({
      method: 'WATCH',
      query: { resourceVersion: '8' },
    });
    expect(pauses()).toEqual([]);
  });

  test('a reset in the middle of a line resumes from the last whole event after a pause', async () => {
    transport.stream.send({ type: 'ADDED', object: rawService('b', '8') });
    transport.stream.sendText('{"type":"ADDED","object":{"meta');
    transport.stream.break('ECONNRESET');
    await settle();
    expect(states.at(-1)).toMatchObject({
      phase: 'failing',
      detail: 'watch services: broken: ECONNRESET; retry in 0.2 s',
      sinceMs: Date.UTC(2026, 10, 24, 15, 4, 5, 678),
    });
    await clock.advance(250);
    expect(methods()).toEqual(['LIST', 'WATCH', 'WATCH']);
    expect(transport.requests.at(-1)?.query['resourceVersion']).toBe('8');
    expect(states.at(-1)).toEqual({ phase: 'watching' });
    expect(told()).toEqual(['+default/b']);
  });

  test('all that is heard is told, with its time', async () => {
    const listedAt = clock.wallMs();
    await clock.advance(1_000);
    transport.stream.send({ type: 'ADDED', object: rawService('a', '8') });
    transport.stream.send({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '42' } } });
    await settle();
    expect(heard).toEqual([
      `services listed ${listedAt}`,
      `services ADDED ${listedAt + 1_000}`,
      `services BOOKMARK ${listedAt + 1_000}`,
    ]);
  });

  test('a bookmark moves the version', async () => {
    transport.stream.send({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '42' } } });
    transport.stream.break('ECONNRESET');
    await clock.advance(250);
    expect(transport.requests.at(-1)?.query['resourceVersion']).toBe('42');
  });

  test('an ERROR event with 410 lists again and deletes what vanished', async () => {
    transport.answerLists(listOf('20', [rawService('b', '15')]));
    transport.stream.send({
      type: 'ERROR',
      object: { kind: 'Status', code: 410, reason: 'Expired' },
    });
    await clock.advance(250);
    expect(methods()).toEqual(['LIST', 'WATCH', 'LIST', 'WATCH']);
    expect(told()).toEqual(['+default/b', '-default/a', 'listed']);
    expect(transport.requests.at(-1)?.query['resourceVersion']).toBe('20');
  });

  test('HTTP status 410 lists again too', async () => {
    transport.failWatches(apiError(410, 'Gone'));
    transport.stream.break('ECONNRESET');
    await clock.advance(1000);
    expect(methods()).toEqual(['LIST', 'WATCH', 'WATCH', 'LIST', 'WATCH']);
  });

  test('any other ERROR event and a line that is no JSON watch again from the same version', async () => {
    transport.stream.send({
      type: 'ERROR',
      object: { kind: 'Status', code: 500, reason: 'InternalError' },
    });
    await clock.advance(250);
    transport.stream.sendText('<html>\n');
    await clock.advance(500);
    expect(methods()).toEqual(['LIST', 'WATCH', 'WATCH', 'WATCH']);
    expect(transport.requests.at(-1)?.query['resourceVersion']).toBe('7');
  });

  test.each([
    ['an event without a version', '{"type":"ADDED","object":{"metadata":{"name":"b"}}}\n'],
    ['a bookmark without a version', '{"type":"BOOKMARK","object":{}}\n'],
    ['a line without an end', 'x'.repeat(2 ** 25 + 1)],
  ])('%s is told, and the watch begins anew', async (_, text) => {
    transport.stream.sendText(text);
    await settle();
    expect(states.at(-1)).toMatchObject({
      phase: 'failing',
      cause: '0 Protocol',
      detail: expect.stringMatching(/^watch services: .*(resourceVersion|longer than 33554432 b)/),
    });
    await clock.advance(250);
    expect(transport.requests.at(-1)).toMatchObject({
      method: 'WATCH',
      query: { resourceVersion: '7' },
    });
    expect(told()).toEqual([]);
  });

  test('an event type of a later API is passed over', async () => {
    transport.stream.send(
      { type: 'NOVEL', object: {} },
      { type: 'ADDED', object: rawService('b', '8') },
    );
    await settle();
    expect(told()).toEqual(['+default/b']);
  });
});

describe('retries', () => {
  beforeEach(() => transport.answerLists(listOf('7', [])));

  test('wait longer after each failure in a row, up to 15 s', async () => {
    transport.failWatches(...Array.from({ length: 9 }, () => apiError(0, 'ECONNREFUSED')));
    await start();
    await clock.advance(120_000);
    expect(pauses()).toEqual([250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
    expect(states.at(-1)).toEqual({ phase: 'watching' });
  });

  test('start small again after a watch that lasted', async () => {
    transport.failWatches(...Array.from({ length: 4 }, () => apiError(0, 'ECONNREFUSED')));
    await start();
    await clock.advance(60_000);
    transport.stream.break('ECONNRESET');
    await clock.advance(1000);
    expect(pauses()).toEqual([250, 500, 1000, 2000, 250]);
  });

  test('grow when the server accepts watches only to end them at once', async () => {
    await start();
    for (const pauseMs of [250, 500, 1000, 2000]) {
      transport.stream.end();
      await clock.advance(pauseMs);
    }
    expect(pauses()).toEqual([250, 500, 1000, 2000]);
  });

  test.each([
    [7, 10_500],
    [3600, 90_000],
    [9_999_999, 90_000],
    [-5, 250],
  ])('respect a Retry-After of %s s up to a minute', async (retryAfterSec, pauseMs) => {
    transport.failWatches(Object.assign(apiError(429, 'TooManyRequests'), { retryAfterSec }));
    await start();
    await clock.advance(0);
    expect(pauses()).toEqual([pauseMs]);
  });

  test('after 401 read the credentials anew', async () => {
    transport.answerLists(apiError(401, 'Unauthorized'), listOf('7', []));
    await start();
    expect(transport.refreshes).toBe(1);
    await clock.advance(250);
    expect(told()).toEqual(['listed']);
  });

  test('a server that never ends a watch is left after the agreed time', async () => {
    await start();
    await clock.advance(599_000 + 15_000);
    await clock.advance(250);
    expect(states[1]).toMatchObject({
      phase: 'failing',
      detail: expect.stringContaining('not ended after 599 s'),
    });
    expect(methods()).toEqual(['LIST', 'WATCH', 'WATCH']);
  });
});

describe('stop', () => {
  test('takes nothing of a list that comes after it', async () => {
    const list = Promise.withResolvers<object>();
    transport.answerLists(list.promise);
    await start();
    const stopping = reflector.stop();
    list.resolve(listOf('7', [rawService('a', '1')]));
    await stopping;
    expect(told()).toEqual([]);
    expect(states).toEqual([]);
    expect(methods()).toEqual(['LIST']);
  });

  test('ends an open watch and tells nothing more', async () => {
    transport.answerLists(listOf('7', []));
    await start();
    await reflector.stop();
    transport.stream.send({ type: 'ADDED', object: rawService('b', '8') });
    await settle();
    expect(told()).toEqual(['listed']);
    expect(methods()).toEqual(['LIST', 'WATCH']);
  });

  test('ends a pause', async () => {
    transport.answerLists(apiError(0, 'ECONNREFUSED'));
    await start();
    await reflector.stop();
    await clock.advance(60_000);
    expect(methods()).toEqual(['LIST']);
  });
});
