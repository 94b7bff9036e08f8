// What the proxies say of themselves, after all that was asked of them.

import type { Demo } from '../demo.ts';

export async function proxyHealth({ proxies, report }: Demo) {
  report.chapter(
    'What the proxies say of themselves',
    'Their health server (:10256/healthz, for load balancers outside) and two of their metrics (:10249/metrics).',
  );
  for (const proxy of proxies) {
    const status = await proxy.healthz();
    const failing = await proxy.metric('kubeipvs_failing_operations');
    const problems = await proxy.metric('kubeipvs_problems');
    const isWell = status === 200 && failing === 0 && problems === 0;
    const said = `healthz ${status}, failing operations ${failing}, objects with problems ${problems}`;
    report.statement(
      `The proxy of ${proxy.node.name} is healthy, nothing fails, no object is wrong`,
      isWell ? undefined : said,
    );
  }
}
