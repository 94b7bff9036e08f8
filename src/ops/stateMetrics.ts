/**
 * `kubeipvs_*`: what the dataplane holds and what was done to it. Whoever counts keeps count as
 * things change: a look costs the same however much there is, and anybody may look.
 */
import { Counter, Gauge, type Registry } from 'prom-client';
import { DRIFT_KINDS, type DriftCounts } from '../dataplane/driftKinds.ts';
import type { Family } from '../net/family.ts';
import type { ApplyReport } from '../dataplane/operations.ts';

export interface StateSizes {
  readonly virtualServers: Readonly<Record<Family, number>>;
  readonly destinations: Readonly<Record<Family, number>>;
  readonly addresses: Readonly<Record<Family, number>>;
  readonly sets: readonly SetSize[];
}

export interface SetSize {
  readonly name: string;
  readonly entries: number;
  /** most that it takes; unknown for some that another program has made */
  readonly capacity?: number;
}

/** Destinations that keep their connections and get no new ones. */
export interface Draining {
  readonly destinations: number;
  /** that they carried when they were last looked at */
  readonly connections: number;
  /** 0 without any */
  readonly oldestSec: number;
  readonly started: number;
  /** by what ended them */
  readonly ended: Readonly<Record<string, number>>;
}

/** What is asked of the agent at each scrape. */
export interface Observation {
  readonly sizes: StateSizes;
  /** the source is watching every kind */
  readonly isSourceConnected: boolean;
  /** problems of objects and files that are skipped, in whole or in part */
  readonly problems: number;
  readonly draining: Draining;
  /** in IPVS' table at the last audit; undefined: not known */
  readonly ipvsConnections: number | undefined;
  /** operations that failed and wait for their next try */
  readonly failingOperations: number;
  /** parts of the kernel's state that the last reading could not read */
  readonly unreadParts: number;
  /** wall ms when everything had been read; undefined before the first time */
  readonly lastAuditAtMs: number | undefined;
  /** kube-proxy has come back beside us */
  readonly isOtherProxySeen: boolean;
}

/** Of a round. */
export interface Applied {
  readonly report: ApplyReport;
  readonly repaired: DriftCounts;
}

export class StateMetrics {
  readonly #operations: Counter<'operation' | 'result'>;
  readonly #kernelWrites: Counter;
  readonly #drift: Counter<'kind'>;

  constructor(register: Registry, observe: () => Observation) {
    const registers = [register];
    this.#operations = new Counter({
      name: 'kubeipvs_operations_total',
      help: 'Operations on the dataplane by kind and result',
      labelNames: ['operation', 'result'],
      registers,
    });
    this.#kernelWrites = new Counter({
      name: 'kubeipvs_kernel_writes_total',
      help: 'Writes that reached the kernel: netlink messages, ipset lines, iptables transactions, sysctls',
      registers,
    });
    this.#drift = new Counter({
      name: 'kubeipvs_drift_repaired_total',
      help: 'What somebody else had changed in the kernel and was put right again, by kind',
      labelNames: ['kind'],
      registers,
    });
    for (const kind of DRIFT_KINDS) this.#drift.inc({ kind }, 0);
    registerSizes(register, observe);
    registerStanding(register, observe);
    registerDrains(register, observe);
  }

  applied({ report, repaired }: Applied): void {
    for (const [kind, count] of repaired) this.#drift.inc({ kind }, count);
    for (const { op } of report.done) this.#operations.inc({ operation: op, result: 'done' });
    for (const { operation } of report.failed) {
      this.#operations.inc({ operation: operation.op, result: 'failed' });
    }
    this.#kernelWrites.inc(report.kernelWrites);
  }
}

function registerSizes(register: Registry, observe: () => Observation): void {
  const perFamily: readonly (readonly [string, string, keyof Omit<StateSizes, 'sets'>])[] = [
    ['kubeipvs_virtual_servers', 'Virtual servers of Services', 'virtualServers'],
    ['kubeipvs_destinations', 'Destinations of all virtual servers', 'destinations'],
    ['kubeipvs_addresses', 'Addresses bound to the dummy device', 'addresses'],
  ];
  for (const [name, help, what] of perFamily) {
    register.registerMetric(
      new Gauge({
        name,
        help,
        labelNames: ['ip_family'],
        registers: [],
        collect() {
          const sizes = observe().sizes[what];
          for (const [family, count] of Object.entries(sizes))
            this.set({ ip_family: family }, count);
        },
      }),
    );
  }
  const perSet: readonly (readonly [string, string, (size: SetSize) => number | undefined])[] = [
    ['kubeipvs_ipset_entries', 'Entries of each ipset', ({ entries }) => entries],
    ['kubeipvs_ipset_capacity', 'Entries that each ipset can take', ({ capacity }) => capacity],
    [
      'kubeipvs_ipset_fill_ratio',
      'Entries of each ipset to those that it can take, 0 to 1; a full one is made larger in time',
      ({ entries, capacity }) => (capacity === undefined ? undefined : entries / capacity),
    ],
  ];
  for (const [name, help, read] of perSet) {
    register.registerMetric(
      new Gauge({
        name,
        help,
        labelNames: ['set'],
        registers: [],
        collect() {
          this.reset();
          for (const size of observe().sizes.sets) {
            const value = read(size);
            if (value !== undefined) this.set({ set: size.name }, value);
          }
        },
      }),
    );
  }
}

const STANDING: readonly (readonly [string, string, (observed: Observation) => number])[] = [
  [
    'kubeipvs_source_connected',
    '1 while the source of Services is watched',
    (o) => Number(o.isSourceConnected),
  ],
  [
    'kubeipvs_problems',
    'Problems of objects or files that are skipped in whole or in part',
    (o) => o.problems,
  ],
  [
    'kubeipvs_draining_destinations',
    'Destinations that keep connections and get no new ones',
    (o) => o.draining.destinations,
  ],
  [
    'kubeipvs_draining_connections',
    'Connections of draining destinations when they were last looked at',
    (o) => o.draining.connections,
  ],
  [
    'kubeipvs_oldest_drain_seconds',
    'How long the destination that drains longest does so; 0 without any',
    (o) => o.draining.oldestSec,
  ],
  [
    'kubeipvs_failing_operations',
    'Operations that failed and will be tried again',
    (o) => o.failingOperations,
  ],
  [
    'kubeipvs_unread_parts',
    'Parts of the kernel that could not be read at the last audit: they are left as they are',
    (o) => o.unreadParts,
  ],
  [
    'kubeipvs_last_audit_timestamp_seconds',
    'When everything was last read from the kernel and compared; 0 before the first time',
    (o) => (o.lastAuditAtMs ?? 0) / 1000,
  ],
  [
    'kubeipvs_other_proxy',
    '1 while another Service proxy works on this node too, and both undo each other’s rules',
    (o) => Number(o.isOtherProxySeen),
  ],
];

function registerStanding(register: Registry, observe: () => Observation): void {
  for (const [name, help, read] of STANDING) {
    register.registerMetric(
      new Gauge({
        name,
        help,
        registers: [],
        collect() {
          this.set(read(observe()));
        },
      }),
    );
  }
}

function registerDrains(register: Registry, observe: () => Observation): void {
  register.registerMetric(
    new Counter({
      name: 'kubeipvs_drains_started_total',
      help: 'Destinations that began to drain: they left and carried connections',
      registers: [],
      collect() {
        this.reset();
        this.inc(observe().draining.started);
      },
    }),
  );
  register.registerMetric(
    new Counter({
      name: 'kubeipvs_drains_ended_total',
      help: 'Destinations that drain no more, by how that came',
      labelNames: ['how'],
      registers: [],
      collect() {
        this.reset();
        for (const [how, count] of Object.entries(observe().draining.ended))
          this.inc({ how }, count);
      },
    }),
  );
}
