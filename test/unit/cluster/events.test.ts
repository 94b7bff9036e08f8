import { beforeEach, describe, expect, test } from '@jest/globals';
import {
  EventRecorder,
  type EventRecorderOptions,
  type ProxyEvent,
} from '../../../src/cluster/events.ts';
import { serviceUid } from '../../../src/cluster/serviceUid.ts';
import { FakeClock, settle } from '../../support/program/fakeClock.ts';
import { apiError, ScriptedTransport } from './scriptedTransport.ts';

const starting: ProxyEvent = {
  regarding: { kind: 'Node', name: 'node-a' },
  type: 'Normal',
  reason: 'Starting',
  action: 'StartKubeProxy',
  note: '',
};
const warning: ProxyEvent = {
  regarding: { kind: 'Service', namespace: 'shop', name: 'web' },
  type: 'Warning',
  reason: 'AddressNotBound',
  action: 'BindAddress',
  note: '192.0.2.1 belongs to node node-b',
};

let clock: FakeClock;
let transport: ScriptedTransport;
let logged: string[];
let recorder: EventRecorder;

beforeEach(() => {
  clock = new FakeClock();
  transport = new ScriptedTransport();
  transport.answerSends({ metadata: { name: 'web.1' } });
  logged = [];
  recorder = new EventRecorder({
    transport,
    timing: clock,
    random: () => 0.5,
    nodeName: 'node-a',
    log: (message) => logged.push(message),
  });
});

describe('EventRecorder', () => {
  test('posts an event about the Node into the namespace default', async () => {
    recorder.record(starting);
    await settle();
    expect(transport.requests).toEqual([
      {
        method: 'POST',
        path: '/apis/events.k8s.io/v1/namespaces/default/events',
        query: {},
        body: {
          apiVersion: 'events.k8s.io/v1',
          kind: 'Event',
          metadata: { name: 'node-a.800000000000', namespace: 'default' },
          eventTime: '2026-11-24T15:04:05.678000Z',
          reportingController: 'kube-ipvs',
          reportingInstance: 'kube-ipvs-node-a',
          action: 'StartKubeProxy',
          reason: 'Starting',
          regarding: { apiVersion: 'v1', kind: 'Node', name: 'node-a', uid: 'node-a' },
          note: '',
          type: 'Normal',
        },
      },
    ]);
  });

  test('says the same about the same Service once, and later how often', async () => {
    for (let i = 0; i < 5; i++) recorder.record(warning);
    await clock.advance(6 * 60_000);
    recorder.record(warning);
    await settle();
    expect(transport.requests.map((request) => request.method)).toEqual(['POST', 'PATCH']);
    expect(transport.requests[1]).toMatchObject({
      path: '/apis/events.k8s.io/v1/namespaces/shop/events/web.800000000000',
      body: { series: { count: 6, lastObservedTime: '2026-11-24T15:10:05.678000Z' } },
    });
  });

  test('posts anew when the server has forgotten the event', async () => {
    transport.answerSends({ metadata: { name: 'web.1' } }, apiError(404, 'NotFound'), {
      metadata: {},
    });
    recorder.record(warning);
    await clock.advance(6 * 60_000);
    recorder.record(warning);
    await settle();
    expect(transport.requests.map((request) => request.method)).toEqual(['POST', 'PATCH', 'POST']);
  });

  test('keeps to a budget when thousands of Services are bad at once', async () => {
    for (let i = 0; i < 1000; i++) recorder.record({ ...warning, note: `address ${i}` });
    await settle();
    expect(transport.requests).toHaveLength(25);
    await clock.advance(10_000);
    recorder.record({ ...warning, note: 'one more' });
    await settle();
    expect(transport.requests).toHaveLength(26);
  });

  test('what was saved up while nothing was said is no more than the budget', async () => {
    await clock.advance(60 * 60_000);
    for (let i = 0; i < 100; i++) recorder.record({ ...warning, note: `address ${i}` });
    await settle();
    expect(transport.requests).toHaveLength(25);
  });

  test('what waits for a server that does not answer is bounded', async () => {
    const first = Promise.withResolvers<object>();
    transport.answerSends(first.promise, {});
    for (let i = 0; i < 200; i++) {
      recorder.record({ ...warning, note: `address ${i}` });
      await clock.advance(10_000);
    }
    expect(transport.requests).toHaveLength(1);
    first.resolve({});
    await clock.advance(0);
    expect(transport.requests).toHaveLength(100);
    recorder.record({ ...warning, note: 'one more' });
    await settle();
    expect(transport.requests).toHaveLength(101);
  });

  test('a note is cut to what the API server takes', async () => {
    recorder.record({ ...warning, note: 'x'.repeat(1025) });
    await settle();
    expect(transport.requests[0]?.body).toMatchObject({ note: 'x'.repeat(1024) });
  });

  test('a failure to count on is logged as what it is', async () => {
    transport.answerSends({}, apiError(403, 'Forbidden'));
    recorder.record(warning);
    await clock.advance(6 * 60_000);
    recorder.record(warning);
    await settle();
    expect(logged).toEqual([
      expect.stringMatching(
        /^event AddressNotBound was not posted: patch events: .*lacks the verb "patch"/,
      ),
    ]);
  });

  test('a failure is logged with what is missing, and the next event is posted all the same', async () => {
    transport.answerSends(apiError(403, 'Forbidden'), { metadata: { name: 'web.1' } });
    recorder.record(starting);
    recorder.record(warning);
    await recorder.close();
    expect(logged).toEqual([
      expect.stringContaining('lacks the verb "create" on "events" in API group "events.k8s.io"'),
    ]);
    expect(transport.requests).toHaveLength(2);
  });

  test('forgets first what it has not said for longest', async () => {
    const say = async (note: string) => {
      recorder.record({ ...warning, note });
      await clock.advance(10_000);
    };
    await say('often');
    await say('once');
    await clock.advance(6 * 60_000);
    await say('often');
    for (let i = 0; i < 999; i++) await say(`other ${i}`);
    transport.requests.length = 0;
    await say('often');
    await say('once');
    expect(transport.requests.map(({ method }) => method)).toEqual(['PATCH', 'POST']);
  });

  test('a long name of the node is cut to what the API server takes', async () => {
    const name = 'n'.repeat(253);
    const timing = clock;
    const other = new EventRecorder({
      transport,
      timing,
      random: () => 0.5,
      nodeName: name,
      log: () => undefined,
    });
    other.record({ ...starting, regarding: { kind: 'Node', name } });
    await settle();
    const body = transport.requests[0]?.body as {
      reportingInstance: string;
      metadata: { name: string };
    };
    expect(body.reportingInstance).toHaveLength(128);
    expect(body.metadata.name.length).toBeLessThanOrEqual(253);
  });

  test('takes nothing after close', async () => {
    await recorder.close();
    recorder.record(starting);
    await settle();
    expect(transport.requests).toEqual([]);
  });

  test('an API server that never answers holds the end for a second at most', async () => {
    transport.answerSends(new Promise(() => undefined));
    recorder.record(starting);
    recorder.record(warning);
    let isClosed = false;
    void recorder.close().then(() => (isClosed = true));
    await clock.advance(999);
    expect(isClosed).toBe(false);
    await clock.advance(1);
    expect(isClosed).toBe(true);
    expect(transport.requests).toHaveLength(1);
    expect(transport.signals[0]?.aborted).toBe(true);
  });

  describe('the object that it is about', () => {
    const withUid = (uidOf: EventRecorderOptions['uidOf'] & object) =>
      new EventRecorder({
        transport,
        timing: clock,
        random: () => 0.5,
        nodeName: 'node-a',
        log: (message) => logged.push(message),
        uidOf,
      });
    const said = () =>
      transport.requests.map(
        ({ body }) => body as { metadata: { name: string }; regarding: object },
      );

    test('is not asked for its uid where that is known', async () => {
      const recorderWithUid = withUid(() => Promise.reject(new Error('not to be asked')));
      recorderWithUid.record({ ...warning, uid: 'u-7' });
      await settle();
      expect(said()).toMatchObject([{ regarding: { uid: 'u-7' } }]);
    });

    test('is named by its uid, so that kubectl describe finds it', async () => {
      const asked: string[] = [];
      const recorderWithUid = withUid(async ({ name }) => {
        asked.push(name);
        return 'u-1';
      });
      recorderWithUid.record(warning);
      recorderWithUid.record(starting);
      await settle();
      expect(asked).toEqual(['web']);
      expect(said().map(({ regarding }) => regarding)).toEqual([
        { apiVersion: 'v1', kind: 'Service', namespace: 'shop', name: 'web', uid: 'u-1' },
        { apiVersion: 'v1', kind: 'Node', name: 'node-a', uid: 'node-a' },
      ]);
    });

    test('of the same name, but made anew, has an Event of its own', async () => {
      const shared = { ...warning, about: 'x' };
      for (const uid of ['u-1', 'u-1', 'u-2']) withUid(async () => uid).record(shared);
      await settle();
      const [first, second, third] = said().map(({ metadata }) => metadata.name);
      expect(second).toBe(first);
      expect(third).not.toBe(first);
    });

    test('is named without it when it cannot be found out', async () => {
      withUid(async () => undefined).record(warning);
      withUid(() => Promise.reject(apiError(403, 'Forbidden'))).record(warning);
      await settle();
      const regarding = { apiVersion: 'v1', kind: 'Service', namespace: 'shop', name: 'web' };
      expect(said().map((event) => event.regarding)).toEqual([regarding, regarding]);
      expect(logged).toEqual([]);
    });

    test('is asked for by a list of one', async () => {
      const subject = { kind: 'Service', namespace: 'shop', name: 'web' } as const;
      const asked: unknown[] = [];
      const answering = (answer: unknown) => ({
        getJson: async (...request: readonly unknown[]) => {
          asked.push(request.slice(0, 2));
          return answer;
        },
      });
      const { signal } = new AbortController();
      const uidOf = (answer: unknown) => serviceUid(answering(answer), subject, signal);
      expect(await uidOf({ items: [{ metadata: { uid: 'u-1' } }] })).toBe('u-1');
      expect(asked).toEqual([
        ['/api/v1/namespaces/shop/services', { fieldSelector: 'metadata.name=web', limit: '1' }],
      ]);
      for (const answer of [{ items: [] }, {}, 'x', { items: [{ metadata: { uid: 7 } }] }])
        expect(await uidOf(answer)).toBeUndefined();
    });
  });

  describe('what every node may say', () => {
    const shared: ProxyEvent = { ...warning, about: 'Service/shop/web.spec.externalIPs[0]' };
    const names = () =>
      transport.requests.map(({ body }) => (body as { metadata: { name: string } }).metadata.name);

    test('has a name that follows from what is said', async () => {
      recorder.record(shared);
      await settle();
      const other = new EventRecorder({
        transport,
        timing: clock,
        random: () => 0.1,
        nodeName: 'node-z',
        log: (message) => logged.push(message),
      });
      other.record(shared);
      other.record({ ...shared, about: 'Service/shop/web.spec.externalIPs[1]', note: 'other' });
      await settle();
      const [first, second, third] = names();
      expect(first).toMatch(/^web\.[0-9a-f]{16}$/);
      expect(second).toBe(first);
      expect(third).not.toBe(first);
    });

    test('is no failure when another node has said it', async () => {
      transport.answerSends(apiError(409, 'AlreadyExists'), {});
      recorder.record(shared);
      await clock.advance(6 * 60_000);
      recorder.record(shared);
      await settle();
      expect(logged).toEqual([]);
      expect(transport.requests.map(({ method }) => method)).toEqual(['POST', 'PATCH']);
      expect(transport.requests[1]?.path).toMatch(/\/shop\/events\/web\.[0-9a-f]{16}$/);
    });

    test('is said once an interval however often its words change, then with the last ones', async () => {
      for (let i = 0; i < 72; i++) {
        recorder.record({ ...shared, note: `value ${i}` });
        await clock.advance(5_000);
      }
      recorder.record({ ...shared, note: 'value 72' });
      await settle();
      const notes = transport.requests.map(({ body }) => (body as { note: string }).note);
      expect(notes).toEqual(['value 0', 'value 72']);
    });
  });
});
