/**
 * What `?verbose` answers at the paths of health: each thing that the answer depends on, then all
 * conditions that stand, in the form of Kubernetes' own components. Every pod may read it, so
 * conditions are told by their titles: subjects and reasons are in the log.
 */
import type { Condition } from './conditions.ts';
import type { HealthPath, ProxyHealth } from './health.ts';

type Check = readonly [name: string, isWell: boolean, problem: string];

/** @param present conditions that stand now */
export function verboseText(
  path: HealthPath,
  health: ProxyHealth,
  present: readonly Condition[],
): string {
  const checks = checksOf(health)[path];
  const lines = checks.map(([name, isWell, problem]) =>
    isWell ? `[+]${name} ok` : `[-]${name} failed: ${problem}`,
  );
  const conditions = present.map(
    ({ code, title, affectsHealth }) => `[${affectsHealth === false ? '!' : '-'}]${code}: ${title}`,
  );
  const result = health[path]().isHealthy ? 'passed' : 'failed';
  return [...lines, ...conditions, `${path} check ${result}`, ''].join('\n');
}

function checksOf(health: ProxyHealth): Readonly<Record<HealthPath, readonly Check[]>> {
  const ready: Check = ['first-round', health.isReady, 'not done yet'];
  const eligible: Check = [
    'node-eligible',
    health.isNodeEligible,
    'the Node is leaving the cluster, or is gone',
  ];
  const families = Array.from(health.families, ([family, isWell]): Check => [
    family,
    isWell,
    'behind, or cannot be programmed',
  ]);
  return {
    livez: [['loop', health.isAlive, 'a round does not end']],
    readyz: [ready],
    healthz: [ready, eligible, ...families],
  };
}
