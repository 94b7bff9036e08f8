import { beforeEach, expect, test } from '@jest/globals';
import { openConditions } from '../../../../src/agent/conditions.ts';
import {
  countNodeProblems,
  judgeEligibility,
  type NodeReviewParts,
  reviewNode,
} from '../../../../src/agent/report/nodeReview.ts';
import type { Consequence } from '../../../../src/model/consequence.ts';
import { formatProblem, type Problem } from '../../../../src/model/problem.ts';
import type { NodeEvent } from '../../../../src/ops/conditionEvents.ts';
import { type Conditions } from '../../../../src/ops/conditions.ts';
import { ProxyHealth } from '../../../../src/ops/health.ts';
import { FakeClock } from '../../../support/program/fakeClock.ts';
import { FakeLog } from '../../../support/program/fakeLog.ts';

const families = ['IPv4', 'IPv6'] as const;

let clock: FakeClock;
let log: FakeLog;
let events: NodeEvent[];
let health: ProxyHealth;
let parts: NodeReviewParts;

beforeEach(() => {
  clock = new FakeClock();
  log = new FakeLog(1);
  events = [];
  const codes = () => conditions.healthCodes;
  health = new ProxyHealth({ families, timeoutMs: 60_000, clock, codes });
  health.roundEnded(true, clock.wallMs());
  const sink = { record: (event: NodeEvent) => void events.push(event) };
  const told = { log, clock, health, families, nodeName: 'node-1', events: sink };
  const conditions: Conditions = openConditions(told);
  parts = { log, conditions, nodeName: 'node-1' };
});

const problem = (why: string, consequence: Consequence): Problem => ({
  path: 'Node/node-1',
  value: undefined,
  problem: why,
  consequence,
});

test.each(['NodeUnknown', 'NodeGone', 'PodsNotTold'] as const)(
  '%s is a line and an Event of the Node, a problem that is counted, and solved',
  (code) => {
    const found = problem('it is odd', code);
    reviewNode(parts, [found]);
    reviewNode(parts, [found]);
    expect(log.take()).toEqual([`warning ${formatProblem(found)}`]);
    expect(events).toEqual([
      {
        regarding: { kind: 'Node', name: 'node-1' },
        type: 'Warning',
        reason: code,
        action: 'Proxy',
        note: formatProblem(found),
      },
    ]);
    expect(countNodeProblems(parts.conditions)).toBe(1);
    expect(parts.conditions.counts().get(code)).toBe(1);
    expect(health.healthz().isHealthy).toBe(true);
    reviewNode(parts, []);
    expect(log.take()).toEqual([`v1 solved: ${formatProblem(found)}`]);
    expect(countNodeProblems(parts.conditions)).toBe(0);
  },
);

test('what is found wrong with other words is told at once, and the first is solved', () => {
  reviewNode(parts, [problem('no Node', 'NodeUnknown')]);
  log.take();
  reviewNode(parts, [problem('no Node, but Node b is here', 'NodeUnknown')]);
  expect(log.take()).toEqual([
    expect.stringMatching(/^warning Node\/node-1: no Node, but Node b is here;/),
    expect.stringMatching(/^v1 solved: Node\/node-1: no Node;/),
  ]);
});

test('a Node that leaves is named by /healthz, without a line or an Event', async () => {
  judgeEligibility(parts, false);
  judgeEligibility(parts, false);
  expect(JSON.parse(health.healthz().body)).toMatchObject({
    nodeEligible: false,
    conditions: ['NodeNotEligible'],
  });
  judgeEligibility(parts, true);
  expect(health.healthz().isHealthy).toBe(true);
  await clock.advance(300_000);
  parts.conditions.remind();
  expect([log.lines, events]).toEqual([[], []]);
});
