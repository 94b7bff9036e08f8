/**
 * `process_*`, `nodejs_*` and `kubeipvs_build_info`: what every component of a cluster tells about
 * itself.
 */
import { collectDefaultMetrics, Counter, Gauge, type Registry } from 'prom-client';
import { addressSpaceLimit, namespaceOctets } from './procFiles.ts';

export interface BuildVersion {
  /** `v1.2.3` */
  readonly gitVersion: string;
  readonly gitCommit: string;
  /** RFC 3339 */
  readonly buildDate: string;
  /** version of the run-time: `v24.1.0` */
  readonly nodeVersion: string;
  /** `linux/x64` */
  readonly platform: string;
}

/**
 * At the first scrape, not before: it also observes every garbage collection, of which the start
 * has hundreds.
 */
export function registerProcessMetrics(register: Registry): void {
  const { user, system } = process.cpuUsage();
  // The histogram of event loop delays wakes the process 100 times a second and takes 0.5 % of a
  // core (measured); a proxy that has nothing to do should sleep (eventLoopMetrics.ts looks without
  // waking it). It cannot be left out, only slowed down and hidden.
  collectDefaultMetrics({ register, eventLoopMonitoringPrecision: 60_000 });
  for (const which of ['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99']) {
    register.removeSingleMetric(`nodejs_eventloop_lag_${which}_seconds`);
  }
  // The library counts from here on; these count from the start of the process everywhere else.
  for (const [name, micros] of [
    ['process_cpu_user_seconds_total', user],
    ['process_cpu_system_seconds_total', system],
    ['process_cpu_seconds_total', user + system],
  ] as const) {
    (register.getSingleMetric(name) as Counter | undefined)?.inc(micros / 1e6);
  }
  registerMoreOfGo(register);
}

/** What Go's collector tells besides. Traffic is that of the whole network namespace there, too. */
function registerMoreOfGo(register: Registry): void {
  const registers: Registry[] = [];
  register.registerMetric(
    new Gauge({
      name: 'process_virtual_memory_max_bytes',
      help: 'Maximum amount of virtual memory available in bytes.',
      registers,
      collect() {
        this.set(addressSpaceLimit() ?? 0);
      },
    }),
  );
  for (const [direction, verb, key] of [
    ['receive', 'received', 'in'],
    ['transmit', 'sent', 'out'],
  ] as const) {
    register.registerMetric(
      new Counter({
        name: `process_network_${direction}_bytes_total`,
        help: `Number of bytes ${verb} by the process over the network.`,
        registers,
        collect() {
          this.reset();
          this.inc(namespaceOctets()?.[key] ?? 0);
        },
      }),
    );
  }
}

/**
 * Under a name of its own: `kubernetes_build_info` is what alerts compare between the components of
 * a cluster (kubernetes-mixin's KubeVersionMismatch), and our versions are not Kubernetes'.
 */
export function registerBuildInfo(register: Registry, version: BuildVersion): void {
  const labels = {
    version: version.gitVersion,
    commit: version.gitCommit,
    build_date: version.buildDate,
    node_version: version.nodeVersion,
    platform: version.platform,
  };
  const gauge = new Gauge({
    name: 'kubeipvs_build_info',
    help: 'Version that is running; always 1',
    labelNames: Object.keys(labels),
    registers: [register],
  });
  gauge.set(labels, 1);
}
