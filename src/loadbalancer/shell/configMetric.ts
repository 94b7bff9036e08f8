/** Whether what the load balancer goes by is what its files say now. */
import { Gauge, type Registry } from 'prom-client';

export function registerConfigOk(register: Registry, isOk: () => boolean): void {
  const gauge: Gauge = new Gauge({
    name: 'kubeipvs_lb_config_ok',
    help: '0 while a changed LoadBalancerConfiguration is refused and the one before it stays in force',
    registers: [register],
    collect: () => gauge.set(isOk() ? 1 : 0),
  });
}
