/** What holds of an election whoever is up, wherever endpoints are, and whoever owned before. */
import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { expect, test } from '@jest/globals';
import type { AnnouncedAddress, CandidateNode } from '../../../src/loadbalancer/announcement.ts';
import { elect, electWinner } from '../../../src/loadbalancer/election.ts';
import { EXCLUDE_LABEL } from '../../../src/model/announcingNode.ts';
import { parsePrefix } from '../../../src/net/prefix.ts';

const NAMES = ['n1', 'n2', 'n3', 'n4', 'n5'];
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

const interfaces = fc.option(
  fc.array(
    fc.record({
      name: fc.constantFrom('eth0', 'eth1'),
      prefixes: fc.subarray([parsePrefix('192.0.2.0/24')!, parsePrefix('10.0.0.0/8')!]),
      defaultRoute: fc.subarray(['IPv4', 'IPv6'] as const),
    }),
    { maxLength: 2 },
  ),
  { nil: undefined },
);

const oneNode = (name: string): fc.Arbitrary<CandidateNode> =>
  fc.record({
    name: fc.constant(name),
    labels: fc.constantFrom<Record<string, string>>({}, { role: 'edge' }, { [EXCLUDE_LABEL]: '' }),
    isCordoned: fc.boolean(),
    isOutOfService: fc.constantFrom(false, false, false, true),
    isNetworkUnavailable: fc.constantFrom(false, false, false, true),
    isNodeReady: fc.boolean(),
    isLeaving: fc.constantFrom(false, false, false, true),
    isAlive: fc.constantFrom(true, true, true, false),
    isReady: fc.constantFrom(true, true, true, false),
    aliveForMs: fc.constantFrom(0, 59_999, 60_000, Infinity),
    unable: fc.constantFrom(new Set<string>(), new Set(['192.0.2.64'])),
    interfaces,
  });

const nodes = fc
  .tuple(...NAMES.map((name) => oneNode(name)))
  .chain((all) => fc.shuffledSubarray(all));

const announced: fc.Arbitrary<AnnouncedAddress> = fc.record({
  address: fc.constantFrom('192.0.2.64', '2001:db8::1'),
  services: fc.array(
    fc.record({
      key: fc.constant('default/web'),
      labels: fc.constant({}),
      isLocal: fc.boolean(),
      endpoints: fc.subarray(NAMES).map((on) => ({ isAny: on.length > 0, nodes: new Set(on) })),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  pool: fc.constantFrom<AnnouncedAddress['pool']>(undefined, {
    announce: [
      {
        nodeSelectors: [],
        serviceSelectors: [],
        interfaces: [],
        preferredNodes: [{ weight: 5, selector: { matchLabels: { role: 'edge' } } }],
      },
    ],
  }),
});

/** Two claim it after a partition. */
const owners = fc.subarray(NAMES).map((names): ReadonlySet<string> => new Set(names));
const NOBODY: ReadonlySet<string> = new Set();
const settings = { ignoreExcludeLabel: false, holdDownMs: 60_000 };

test('every node comes to the same, and each node is a candidate or out', () => {
  fc.assert(
    fc.property(announced, nodes, owners, fc.nat(), (of, all, before, turn) => {
      const election = elect(of, before, { nodes: all, settings, sha256 });
      const turned = [
        ...all.slice(turn % (all.length + 1)),
        ...all.slice(0, turn % (all.length + 1)),
      ];
      expect(elect(of, before, { nodes: turned, settings, sha256 })).toEqual(election);
      if (election.cause === 'NoEndpoints') return;
      const judged = [...election.candidates, ...election.excluded.map((each) => each.node)];
      expect(judged.toSorted()).toEqual(all.map(({ name }) => name).toSorted());
      expect(election.node === undefined).toBe(election.candidates.length === 0);
      expect([...election.candidates, undefined]).toContain(election.node);
      const winner = electWinner(of, before, { nodes: all, settings, sha256 });
      expect(election).toMatchObject(winner);
    }),
  );
});

test('who has won stays, whoever comes that is no better or has just come', () => {
  fc.assert(
    fc.property(announced, nodes, oneNode('n9'), (of, all, late) => {
      const { node } = elect(of, NOBODY, { nodes: all, settings, sha256 });
      if (node === undefined) return;
      const again = elect(of, new Set([node]), { nodes: all, settings, sha256 });
      expect(again.node).toBe(node);
      // The newcomer must not bring the first interface in the subnet: that shuts out the others.
      const newcomer = { ...late, aliveForMs: 59_999, interfaces: [] };
      const joined = [...all, newcomer];
      expect(elect(of, new Set([node]), { nodes: joined, settings, sha256 }).node).toBe(node);
    }),
  );
});
