import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import type { Announcement } from '../../../src/config/loadBalancer/settings.ts';
import type {
  AnnouncedAddress,
  AnnouncedService,
  AnnouncingInterface,
  CandidateNode,
} from '../../../src/loadbalancer/announcement.ts';
import { elect } from '../../../src/loadbalancer/election.ts';
import type { Electorate } from '../../../src/loadbalancer/judgement.ts';
import { EXCLUDE_LABEL } from '../../../src/model/announcingNode.ts';
import { parsePrefix } from '../../../src/net/prefix.ts';

const VIP = '192.0.2.64';

const node = (name: string, given: Partial<CandidateNode> = {}): CandidateNode => ({
  name,
  labels: {},
  isCordoned: false,
  isOutOfService: false,
  isNetworkUnavailable: false,
  isNodeReady: true,
  isLeaving: false,
  isAlive: true,
  isReady: true,
  aliveForMs: Infinity,
  unable: new Set(),
  interfaces: undefined,
  ...given,
});

const service = (given: Partial<AnnouncedService> = {}): AnnouncedService => ({
  key: 'default/web',
  labels: {},
  isLocal: false,
  endpoints: { isAny: true, nodes: new Set(['n1', 'n2', 'n3']) },
  ...given,
});

const entry = (given: Partial<Announcement> = {}): Announcement => ({
  nodeSelectors: [],
  serviceSelectors: [],
  interfaces: [],
  preferredNodes: [],
  ...given,
});

const link = (name: string, ...prefixes: readonly string[]): AnnouncingInterface => ({
  name,
  prefixes: prefixes.map((each) => parsePrefix(each)!),
  defaultRoute: [],
});

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

interface Question {
  readonly nodes: readonly CandidateNode[];
  readonly announced?: Partial<AnnouncedAddress>;
  readonly owner?: string;
  readonly settings?: Partial<Electorate['settings']>;
}

function ask({ nodes, announced, owner, settings }: Question) {
  const owners = new Set(owner === undefined ? [] : [owner]);
  return elect({ address: VIP, services: [service()], pool: undefined, ...announced }, owners, {
    nodes,
    settings: { ignoreExcludeLabel: false, holdDownMs: 60_000, ...settings },
    sha256,
  });
}

const three = [node('n1'), node('n2'), node('n3')];
const matching = (key: string, value: string) => ({ matchLabels: { [key]: value } });

describe('who comes first', () => {
  test("the order of equals is MetalLB's: SHA-256 of node#address", () => {
    const expected = ['n1', 'n2', 'n3'].toSorted((a, b) =>
      sha256(`${a}#${VIP}`) < sha256(`${b}#${VIP}`) ? -1 : 1,
    );
    const { candidates, node: winner } = ask({ nodes: three });
    expect(candidates).toEqual(expected);
    expect(winner).toBe(expected[0]);
    expect(ask({ nodes: three.toReversed() }).candidates).toEqual(expected);
  });

  test('a cordoned node comes behind those that are not, and is still taken', () => {
    const [first = ''] = ask({ nodes: three }).candidates;
    const nodes = three.map((each) => ({ ...each, isCordoned: each.name === first }));
    expect(ask({ nodes }).candidates.at(-1)).toBe(first);
    expect(ask({ nodes: [node('n1', { isCordoned: true })] }).node).toBe('n1');
  });

  test('weights add up over the entries that select the node, and cordon comes before them', () => {
    const preferredNodes = [{ weight: 30, selector: matching('role', 'edge') }];
    const more = { nodeSelectors: [matching('zone', 'a')], preferredNodes };
    const pool = { announce: [entry({ preferredNodes }), entry(more)] };
    const nodes = [
      node('n1', { labels: { role: 'edge' } }),
      node('n2', { labels: { role: 'edge', zone: 'a' } }),
      node('n3', { labels: { zone: 'a' } }),
    ];
    expect(ask({ nodes, announced: { pool } }).candidates).toEqual(['n2', 'n1', 'n3']);
    const cordoned = nodes.map((each) => ({ ...each, isCordoned: each.name === 'n2' }));
    expect(ask({ nodes: cordoned, announced: { pool } }).candidates).toEqual(['n1', 'n3', 'n2']);
  });
});

describe('who stays', () => {
  const preferring = {
    announce: [entry({ preferredNodes: [{ weight: 1, selector: matching('a', 'b') }] })],
  };
  const better = (aliveForMs: number) => [
    node('n1'),
    node('n2', { labels: { a: 'b' }, aliveForMs }),
  ];

  test('the owner stays among equals', () => {
    for (const { name } of three) expect(ask({ nodes: three, owner: name }).node).toBe(name);
  });

  test('a better one takes over once it has been up for the hold-down', () => {
    const question = { announced: { pool: preferring }, owner: 'n1' };
    expect(ask({ ...question, nodes: better(59_999) }).node).toBe('n1');
    expect(ask({ ...question, nodes: better(60_000) }).node).toBe('n2');
    expect(ask({ nodes: better(0), announced: { pool: preferring } }).node).toBe('n2');
  });

  test('an owner that is cordoned gives way', () => {
    const nodes = [node('n1', { isCordoned: true }), node('n2'), node('n3')];
    expect(ask({ nodes, owner: 'n1' }).node).not.toBe('n1');
  });

  test('an owner that is no candidate, or unknown, is none', () => {
    const nodes = [node('n1', { isAlive: false }), node('n2')];
    expect(ask({ nodes, owner: 'n1' }).node).toBe('n2');
    expect(ask({ nodes, owner: 'n9' }).node).toBe('n2');
  });
});

describe('who is out, by the first reason', () => {
  const announced = {
    services: [service({ isLocal: true, endpoints: { isAny: true, nodes: new Set(['n2']) } })],
    pool: { announce: [entry({ nodeSelectors: [matching('in', 'yes')] })] },
  };
  // Everything is wrong with it; from the front one thing after the other is put right.
  const cures: readonly (readonly [string, Partial<CandidateNode>])[] = [
    ['Leaving', { isLeaving: false, isOutOfService: false }],
    ['Excluded', { labels: {} }],
    ['NetworkUnavailable', { isNetworkUnavailable: false }],
    ['NotAlive', { isAlive: true }],
    ['NotReady', { isReady: true }],
    ['NotSelected', { labels: { in: 'yes' } }],
    ['NoInterface', { interfaces: [link('eth0', '192.0.2.1/24')] }],
  ];
  const bad = node('n1', {
    isLeaving: true,
    isOutOfService: true,
    labels: { [EXCLUDE_LABEL]: '' },
    isNetworkUnavailable: true,
    isAlive: false,
    isReady: false,
    unable: new Set([VIP]),
    interfaces: [],
  });
  const reasonOf = (each: CandidateNode) => ask({ nodes: [each], announced }).excluded[0]?.reason;

  test.each(cures.map(([reason], i) => [reason, i] as const))('%s', (reason, i) => {
    const cured = Object.assign({}, bad, ...cures.slice(0, i).map(([, cure]) => cure));
    expect(reasonOf(cured)).toBe(reason);
  });

  const sound = Object.assign({}, bad, ...cures.map(([, cure]) => cure)) as CandidateNode;

  test('NoEndpoint, Unable, nothing', () => {
    expect(reasonOf(sound)).toBe('NoEndpoint');
    expect(reasonOf({ ...sound, name: 'n2' })).toBe('Unable');
    const { candidates, cause, interfaces } = ask({
      nodes: [{ ...sound, name: 'n2', unable: new Set() }],
      announced,
    });
    expect([candidates, cause, interfaces]).toEqual([['n2'], undefined, ['eth0']]);
  });

  test('each of the two ways of leaving is one', () => {
    expect(reasonOf({ ...sound, isLeaving: true })).toBe('Leaving');
    expect(reasonOf({ ...sound, isOutOfService: true })).toBe('Leaving');
  });

  test('the label that excludes can be ignored', () => {
    const nodes = [node('n1', { labels: { [EXCLUDE_LABEL]: 'false' } })];
    expect(ask({ nodes }).cause).toBe('NoCandidates');
    expect(ask({ nodes, settings: { ignoreExcludeLabel: true } }).node).toBe('n1');
  });

  test('they are told by name', () => {
    const nodes = three.toReversed().map((each) => ({ ...each, isAlive: false }));
    expect(ask({ nodes }).excluded.map((each) => each.node)).toEqual(['n1', 'n2', 'n3']);
  });
});

describe('for which addresses anybody is asked', () => {
  test('entries count that select one of the Services on it', () => {
    const only = (value: string) => ({
      announce: [entry({ serviceSelectors: [matching('kube-ipvs.io/name', value)] })],
    });
    const services = [service({ labels: { 'kube-ipvs.io/name': 'web' } }), service()];
    expect(ask({ nodes: three, announced: { services, pool: only('web') } }).cause).toBe(undefined);
    const none = ask({ nodes: three, announced: { services, pool: only('db') } });
    expect(none).toEqual({
      address: VIP,
      node: undefined,
      interfaces: [],
      candidates: [],
      excluded: [],
      cause: 'NotAnnounced',
    });
    expect(ask({ nodes: three, announced: { pool: { announce: [] } } }).cause).toBe('NotAnnounced');
  });

  test('without a usable endpoint nobody is; one Service on it that has some is enough', () => {
    const empty = service({ endpoints: { isAny: false, nodes: new Set() } });
    expect(ask({ nodes: three, announced: { services: [empty] } }).cause).toBe('NoEndpoints');
    const both = ask({ nodes: three, announced: { services: [empty, service()] } });
    expect(both.candidates).toHaveLength(3);
  });

  test('of Local Services one with an endpoint here is enough', () => {
    const at = (...names: readonly string[]) =>
      service({ isLocal: true, endpoints: { isAny: true, nodes: new Set(names) } });
    const { candidates } = ask({
      nodes: three,
      announced: { services: [at('n1'), at('n3'), service()] },
    });
    expect(candidates.toSorted()).toEqual(['n1', 'n3']);
  });
});

describe('interfaces', () => {
  const inSubnet = link('eth0', '192.0.2.9/24', '2001:db8::9/64');
  const elsewhere: AnnouncingInterface = { ...link('eth1', '10.0.0.9/8'), defaultRoute: ['IPv4'] };

  test('all in the subnet answer, and nodes without one are out', () => {
    const nodes = [
      node('n1', { interfaces: [link('eth2', '192.0.2.8/25'), elsewhere, inSubnet] }),
      node('n2', { interfaces: [elsewhere] }),
    ];
    const { node: winner, interfaces, excluded } = ask({ nodes });
    expect([winner, interfaces]).toEqual(['n1', ['eth0', 'eth2']]);
    expect(excluded).toEqual([{ node: 'n2', reason: 'NoInterface' }]);
  });

  test("without a subnet anywhere the default route's, of the address's family", () => {
    const nodes = [node('n1', { interfaces: [inSubnet, elsewhere] })];
    const far = ask({ nodes, announced: { address: '198.51.100.1' } });
    expect(far.interfaces).toEqual(['eth1']);
    const far6 = ask({ nodes, announced: { address: '2001:db8:1::1' } });
    expect(far6.excluded).toEqual([{ node: 'n1', reason: 'NoInterface' }]);
  });

  test('named ones are looked at alone, and taken as they are without a subnet', () => {
    const nodes = [node('n1', { interfaces: [inSubnet, elsewhere, link('eth3')] })];
    const pool = { announce: [entry({ interfaces: ['eth[13]'] })] };
    expect(ask({ nodes, announced: { pool } }).interfaces).toEqual(['eth1', 'eth3']);
    const all = { announce: [entry({ interfaces: ['eth*'] })] };
    expect(ask({ nodes, announced: { pool: all } }).interfaces).toEqual(['eth0']);
  });

  test('a node that is out otherwise does not make a subnet', () => {
    const nodes = [
      node('n1', { interfaces: [inSubnet], isAlive: false }),
      node('n2', { interfaces: [elsewhere] }),
    ];
    expect(ask({ nodes }).interfaces).toEqual(['eth1']);
  });

  test('of a node whose interfaces are not known they are not judged', () => {
    const nodes = [node('n1'), node('n2', { interfaces: [inSubnet] })];
    const { candidates, interfaces } = ask({ nodes, owner: 'n1' });
    expect([candidates.length, interfaces]).toEqual([2, []]);
  });
});
