/**
 * `npm run takeover`: takes a node over from the real kube-proxy and hands it back, then restarts
 * the proxy again and again, all under load, and tells what became of each flow.
 *
 *   npm run takeover -- [--services N] [--rate N] [--held N] [--restarts N] [--seed N]
 *
 * Exit status 0 only if nothing failed or broke and every first round wrote what `plan` had said.
 */
import { parseArgs } from 'node:util';
import { type Act, act, apiServerAway, handBack, takeOver, type Taken } from './acts.ts';
import { undocumented, writesByKind } from './documented.ts';
import { randomNumbers } from '../support/program/randomNumbers.ts';
import { restart, type Restarts } from './restarts.ts';
import { Scene } from './scene.ts';

const { values } = parseArgs({
  options: {
    services: { type: 'string', default: '300' },
    rate: { type: 'string', default: '500' },
    held: { type: 'string', default: '100' },
    restarts: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
  },
});
const [services, rate, held] = [values.services, values.rate, values.held].map(Number) as [
  number,
  number,
  number,
];
const restarts = Number(values.restarts);

/** Each act is followed by that much load on what it left. */
const FLOWS_AFTER = rate * 10;

const problems: string[] = [];
const began = Date.now();
const say = (text: string) =>
  process.stdout.write(`${((Date.now() - began) / 1000).toFixed(0).padStart(5)} s  ${text}\n`);

const scene = await Scene.open({ services, timeoutSec: 3_600, say });
try {
  await show(scene);
} catch (error) {
  problems.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
} finally {
  await scene.close();
}
for (const problem of problems) process.stdout.write(`WRONG: ${problem}\n`);
process.exitCode = problems.length === 0 ? 0 : 1;

async function show(on: Scene): Promise<void> {
  say(`${services} Services; kube-proxy makes its first round`);
  const acts: Act[] = [];
  const first = await on.startKubeProxy();
  await on.synced(first);
  say(`load: ${rate} new flows a second, ${held} held ones`);
  await on.startLoad(rate, held);
  const during = async <T>(name: string, perform: () => Promise<T>): Promise<T> => {
    let result: T;
    acts.push(await act(on, name, FLOWS_AFTER, async () => (result = await perform())));
    return result!;
  };
  await during('kube-proxy alone', async () => undefined);
  const taken = await during('takeover from kube-proxy', () => takeOver(on, first));
  judge(taken);
  const second = await during('hand-back to kube-proxy', () => handBack(on, taken.run));
  const again = await during('takeover again', () => takeOver(on, second));
  judge(again);
  const restarted = await during(`${restarts} restarts`, () =>
    restart(on, again.run, restarts, randomNumbers(Number(values.seed))),
  );
  const left = await on.plan();
  if (left.length > 0) problems.push(`after the restarts ${left.length} operations are left`);
  await during('API server away, and back', () => apiServerAway(on, restarted.run));
  const counts = await on.endLoad();
  tell(acts, restarted);
  say(`all flows: ${JSON.stringify({ ...counts, troubles: undefined })}`);
  problems.push(...counts.troubles);
  if (counts.failed + counts.broken > counts.troubles.length) problems.push('and more');
}

function judge({ planned, operations, left }: Taken): void {
  console.table(writesByKind(planned));
  if (operations !== planned.length) {
    problems.push(`the first round did ${operations} operations, plan had ${planned.length}`);
  }
  if (left.length > 0) problems.push(`after the takeover ${left.length} operations are left`);
  problems.push(...undocumented(planned).map((what) => `not a documented difference: ${what}`));
}

function tell(acts: readonly Act[], restarted: Restarts): void {
  console.table(Object.fromEntries(acts.map(({ name, ...figures }) => [name, figures])));
  const { bySigterm, bySigkill, byCrash, crashedBefore } = restarted;
  say(
    `restarts: ${bySigterm} by SIGTERM, ${bySigkill} by SIGKILL, ${byCrash} by a crash, of which ${crashedBefore.length} in the middle of a start`,
  );
  say(`crashed before message ${crashedBefore.join(', ')}`);
}
