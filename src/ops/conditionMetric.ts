/** `kubeipvs_condition`: what is wrong with this node, by code, counted when somebody looks. */
import { Gauge, type Registry } from 'prom-client';

/**
 * @param counts standing subjects by code; 0 for those that nothing has, which an alert can name
 * all the same
 */
export function registerConditions(
  register: Registry,
  counts: () => ReadonlyMap<string, number>,
): void {
  register.registerMetric(
    new Gauge({
      name: 'kubeipvs_condition',
      help: 'How many have each condition now; docs/conditions.md says what they mean',
      labelNames: ['code'],
      registers: [],
      collect() {
        this.reset();
        for (const [code, count] of counts()) this.set({ code }, count);
      },
    }),
  );
}
