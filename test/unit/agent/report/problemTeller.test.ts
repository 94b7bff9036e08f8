import { beforeEach, describe, expect, test } from '@jest/globals';
import { ProblemBook } from '../../../../src/agent/report/problemBook.ts';
import { ProblemTeller, type Reviewer } from '../../../../src/agent/report/problemTeller.ts';
import type { EventRecorder, ProxyEvent } from '../../../../src/cluster/events.ts';
import type { Problem } from '../../../../src/model/problem.ts';
import { settle } from '../../../support/program/fakeClock.ts';
import { FakeLog } from '../../../support/program/fakeLog.ts';

const bad = (name: string, problem = 'is wrong'): Problem => ({
  path: `Service/shop/${name}.spec.ports[0]`,
  value: 1,
  problem,
});

describe('ProblemBook', () => {
  test('tells what appeared and what went, each once', () => {
    const book = new ProblemBook();
    expect(book.update('a', [bad('a'), bad('b')])).toEqual({
      appeared: [bad('a'), bad('b')],
      cleared: [],
    });
    expect(book.update('a', [bad('b'), bad('c')])).toEqual({
      appeared: [bad('c')],
      cleared: [bad('a')],
    });
    expect(book.update('z', [bad('c')]).appeared).toEqual([bad('c')]);
    expect([book.size, book.origins]).toEqual([3, ['a', 'z']]);
    book.update('a', []);
    expect([book.size, book.origins]).toEqual([1, ['z']]);
  });
});

describe('ProblemTeller', () => {
  let log: FakeLog;
  let events: ProxyEvent[];
  let teller: ProblemTeller;
  let counted: Promise<number>;
  beforeEach(() => {
    log = new FakeLog(1);
    events = [];
    counted = Promise.resolve(1);
    const recorder = { record: (event) => events.push(event) } as Pick<EventRecorder, 'record'>;
    teller = new ProblemTeller({
      log,
      nodeName: 'node-1',
      events: recorder as EventRecorder,
      countNodes: () => counted,
    });
  });

  test('says each problem once, when it comes and when it goes', () => {
    teller.update('services', new Map([['shop/web', [bad('web')]]]));
    teller.update('services', new Map([['shop/web', [bad('web')]]]));
    expect(log.take()).toEqual(['warning Service/shop/web.spec.ports[0] (1): is wrong']);
    expect(teller.size).toBe(1);
    teller.update('services', new Map([['shop/web', []]]));
    expect(log.take()).toEqual(['v1 solved: Service/shop/web.spec.ports[0] (1): is wrong']);
    expect(teller.size).toBe(0);
  });

  test('what one reviewer says leaves what the other said', () => {
    teller.update('source', new Map([['Service/shop/web', [bad('web')]]]));
    teller.replace('services', new Map([['shop/api', [bad('api')]]]));
    expect(teller.size).toBe(2);
  });

  test('an update leaves what it does not mention, a replacement does not', () => {
    teller.update(
      'services',
      new Map([
        ['shop/a', [bad('a')]],
        ['shop/b', [bad('b')]],
      ]),
    );
    teller.update('services', new Map([['shop/c', [bad('c')]]]));
    expect(teller.size).toBe(3);
    log.take();
    teller.replace('services', new Map([['shop/b', [bad('b')]]]));
    expect(teller.size).toBe(1);
    expect(log.take()).toEqual([
      'v1 solved: Service/shop/a.spec.ports[0] (1): is wrong',
      'v1 solved: Service/shop/c.spec.ports[0] (1): is wrong',
    ]);
  });

  test('of very many it lists fifty and says how many more there are', () => {
    const many = Array.from({ length: 60 }, (_, i) => [`shop/s${i}`, [bad(`s${i}`)]] as const);
    teller.update('services', new Map(many));
    expect(log.lines).toHaveLength(51);
    expect(log.lines.at(-1)).toBe('warning 10 more problems: `kube-ipvs plan` lists them all');
    expect(teller.size).toBe(60);
  });

  test('each of very many has its Event all the same: others tell of other ones', async () => {
    const many = Array.from({ length: 60 }, (_, i) => {
      return [`shop/s${i}`, [{ ...bad(`s${i}`), ...taken }]] as const;
    });
    teller.update('services', new Map(many));
    await settle();
    expect(events).toHaveLength(60);
  });

  const taken = { consequence: 'AddressTaken' } as const;
  const tell = (problem: Problem, reviewer: Reviewer = 'services') =>
    teller.update(reviewer, new Map([[problem.path, [problem]]]));

  describe('an Event', () => {
    test('goes to the Service, with the consequence for its reason', async () => {
      tell({ ...bad('web', 'belongs to Service a/b'), ...taken });
      await settle();
      expect(events).toEqual([
        {
          regarding: { kind: 'Service', namespace: 'shop', name: 'web' },
          type: 'Warning',
          reason: 'AddressTaken',
          action: 'Proxy',
          note: 'Service/shop/web.spec.ports[0] (1): belongs to Service a/b; this one gets it when that one lets go',
          about: 'Service/shop/web.spec.ports[0]',
        },
      ]);
    });

    test('is one for an object and a cause, however many of its ports are wrong', async () => {
      const wrong = (port: number, name = 'web'): Problem => ({
        path: `Service/shop/${name}.spec.ports[${port}]`,
        value: port,
        problem: 'x',
        ...taken,
      });
      const skipped = { ...wrong(3), consequence: 'PortSkipped' } as const;
      const problems = [wrong(0), wrong(1), wrong(2), skipped, wrong(0, 'api')];
      teller.update('services', new Map([['shop/web', problems]]));
      await settle();
      expect(events.map(({ reason, regarding, note }) => [reason, regarding.name, note])).toEqual([
        [
          'AddressTaken',
          'web',
          'Service/shop/web.spec.ports[0] (0): x; this one gets it when that one lets go; and 2 more like it',
        ],
        ['PortSkipped', 'web', 'Service/shop/web.spec.ports[3] (3): x; this port is skipped'],
        [
          'AddressTaken',
          'api',
          'Service/shop/api.spec.ports[0] (0): x; this one gets it when that one lets go',
        ],
      ]);
      expect(log.lines).toHaveLength(5);
    });

    test('of a node is one for each thing that fails there', () => {
      const failing = (name: string): Problem => ({
        path: `sysctl ${name}`,
        value: undefined,
        problem: 'x',
        consequence: 'NodeNotProgrammed',
      });
      teller.update('kernel', new Map([['a', [failing('a'), failing('b')]]]));
      expect(events.map(({ note }) => note)).toEqual([
        'sysctl a: x; it is tried again',
        'sysctl b: x; it is tried again',
      ]);
    });

    test("of an endpoint goes to the endpoint's Service", async () => {
      const path = 'EndpointSlice/shop/web.v2-x1.endpoints[0].addresses[0]';
      tell({
        path,
        value: '10.0.0',
        problem: 'x',
        service: 'shop/web',
        consequence: 'EndpointSkipped',
      });
      await settle();
      expect(events[0]?.regarding).toEqual({ kind: 'Service', namespace: 'shop', name: 'web' });
    });

    test('of this node alone goes to the Node', () => {
      const path = 'sysctl net/ipv4/ip_forward';
      tell({ path, value: undefined, problem: 'x', consequence: 'NodeNotProgrammed' }, 'kernel');
      expect(events[0]?.regarding).toEqual({ kind: 'Node', name: 'node-1' });
    });

    test('is not made for a file, nor for what works all the same, which is no problem either', async () => {
      tell({ path: '/etc/a.yaml', value: undefined, problem: 'x' }, 'source');
      tell({ ...bad('web', 'belongs to this node'), consequence: 'AddressNotBound' });
      await settle();
      expect(events).toEqual([]);
      expect(teller.size).toBe(1);
      expect(log.lines).toEqual([
        'warning /etc/a.yaml: x',
        'v1 Service/shop/web.spec.ports[0] (1): belongs to this node: served there, not bound to kube-ipvs0',
      ]);
    });
  });

  test('of what all nodes see, each Event is posted by a few of them', async () => {
    const names = Array.from({ length: 300 }, (_, i) => `node-${i}`);
    const speakers = new Map<string, string[]>();
    for (const nodeName of names) {
      const recorder = {
        record: ({ about }: ProxyEvent) =>
          void speakers.set(about!, [...(speakers.get(about!) ?? []), nodeName]),
      };
      const one = new ProblemTeller({
        log,
        nodeName,
        events: recorder as EventRecorder,
        countNodes: () => Promise.resolve(names.length),
      });
      for (let i = 0; i < 40; i++)
        one.update('services', new Map([[`${i}`, [{ ...bad(`s${i}`), ...taken }]]]));
    }
    await settle();
    expect(speakers.size).toBe(40);
    const posts = [...speakers.values()].flat();
    expect(posts.length).toBeLessThan(40 * 9);
    expect(new Set(posts).size).toBeGreaterThan(100);
  });

  test('what one kernel refuses is posted by whoever sees it', () => {
    counted = Promise.resolve(5_000);
    for (let i = 0; i < 10; i++) {
      tell({ ...bad(`s${i}`), consequence: 'RefusedByKernel' }, 'kernel');
    }
    expect(events).toHaveLength(10);
  });

  test('Events wait until it is known how many Nodes there are', async () => {
    const counting = Promise.withResolvers<number>();
    counted = counting.promise;
    tell({ ...bad('web'), ...taken }, 'source');
    tell({ ...bad('api'), ...taken }, 'services');
    await settle();
    expect(events).toEqual([]);
    expect(log.lines).toHaveLength(2);
    counting.resolve(1);
    await settle();
    expect(events.map(({ regarding }) => regarding.name)).toEqual(['web', 'api']);
  });

  test('are left out when nobody can say, and the next are asked for anew', async () => {
    counted = Promise.reject(new Error('list nodes: 503'));
    tell({ ...bad('web'), ...taken });
    await settle();
    expect(events).toEqual([]);
    expect(log.lines.at(-1)).toBe(
      'v1 1 Events are left out: Nodes cannot be counted: Error: list nodes: 503',
    );
    counted = Promise.resolve(1);
    tell({ ...bad('api'), ...taken });
    await settle();
    expect(events.map(({ regarding }) => regarding.name)).toEqual(['api']);
  });
});
