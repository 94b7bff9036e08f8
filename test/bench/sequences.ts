/**
 * Exactly one answerer for each address: random sequences of what happens to nodes, over real
 * processes and packets, judged by tcpdump at the switch. As root. A sequence can be had again by
 * its seed; when something happens within it is up to the machine.
 *
 *   node test/bench/sequences.ts [--count N] [--seed N] [--steps N] [--nodes N]
 */
import { parseArgs } from 'node:util';
import { runSequence, type Verdict } from '../support/loadbalancer/sequences/run.ts';
import { Stage } from '../support/loadbalancer/sequences/stage.ts';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    steps: { type: 'string', default: '6' },
    nodes: { type: 'string', default: '3' },
  },
});
const [count, firstSeed, steps, nodes] = [
  values.count,
  values.seed,
  values.steps,
  values.nodes,
].map(Number) as [number, number, number, number];

const LOCAL = ['192.0.2.66', '2001:db8:1::66'];
const ADDRESSES = ['192.0.2.64', '192.0.2.65', '2001:db8:1::64', '2001:db8:1::65', ...LOCAL];

async function freshStage(): Promise<Stage> {
  const stage = await Stage.open({
    count: nodes,
    addresses: ADDRESSES,
    local: LOCAL,
    askEveryMs: 20,
  });
  await stage.settle();
  return stage;
}

function tell({ seed, tookMs, overlaps, violations, story }: Verdict): void {
  const longest = (isContest: boolean) => {
    const of = overlaps.filter((each) => each.isContest === isContest);
    return `${of.length} (${Math.max(0, ...of.map((each) => each.toMs - each.fromMs)).toFixed(0)} ms)`;
  };
  const seconds = (tookMs / 1000).toFixed(1);
  console.log(
    `seed ${seed}: ${seconds} s; hand-overs that overlap ${longest(false)}, contests ${longest(true)}`,
  );
  if (violations.length === 0) return;
  for (const violation of violations) console.log(`  WRONG: ${violation}`);
  console.log(story);
}

let stage = await freshStage();
const verdicts: Verdict[] = [];
for (let seed = firstSeed; seed < firstSeed + count; seed++) {
  const verdict = await runSequence(stage, seed, steps);
  tell(verdict);
  verdicts.push(verdict);
  if (verdict.violations.length === 0) continue;
  await stage.close();
  stage = await freshStage();
}
await stage.close();

const wrong = verdicts.filter(({ violations }) => violations.length > 0);
const times = (isContest: boolean) =>
  verdicts
    .flatMap(({ overlaps }) => overlaps)
    .filter((each) => each.isContest === isContest)
    .map(({ fromMs, toMs }) => toMs - fromMs)
    .sort((a, b) => a - b);
for (const [what, of] of [
  ['hand-overs', times(false)],
  ['contests', times(true)],
] as const) {
  const at = (part: number) => (of[Math.floor(part * (of.length - 1))] ?? 0).toFixed(0);
  console.log(`${what}: ${of.length} overlaps, p50 ${at(0.5)}, p99 ${at(0.99)}, most ${at(1)} ms`);
}
console.log(`${count} sequences of ${steps} steps, ${wrong.length} wrong`);
process.exitCode = wrong.length === 0 ? 0 : 1;
