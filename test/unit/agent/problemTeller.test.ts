import { beforeEach, describe, expect, test } from '@jest/globals';
import { ProblemBook } from '../../../src/agent/problemBook.ts';
import { ProblemTeller } from '../../../src/agent/problemTeller.ts';
import type { EventRecorder, ProxyEvent } from '../../../src/cluster/events.ts';
import type { Problem } from '../../../src/model/problem.ts';
import { FakeLog } from '../../support/fakeLog.ts';

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
  beforeEach(() => {
    log = new FakeLog(1);
    events = [];
    const recorder = { record: (event) => events.push(event) } as Pick<EventRecorder, 'record'>;
    teller = new ProblemTeller({ log, events: recorder as EventRecorder });
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
});
