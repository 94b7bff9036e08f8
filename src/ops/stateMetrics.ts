/**
 * `kubeipvs_*`: what the dataplane holds and what was done to it. Sizes are taken when somebody
 * looks, not per change, and hold for a second: a look costs a walk over the state, and anybody may
 * look.
 */
import { Counter, Gauge, type Registry } from 'prom-client';
import { DRIFT_KINDS, type DriftCounts } from '../dataplane/driftKinds.ts';
import type { DataplaneState } from '../dataplane/state.ts';
import { familyOf } from '../net/address.ts';
import type { Family } from '../net/family.ts';
import type { ApplyReport } from '../dataplane/operations.ts';
import type { Clock } from '../time/clock.ts';

export interface StateSizes {
  readonly virtualServers: Readonly<Record<Family, number>>;
  readonly destinations: Readonly<Record<Family, number>>;
  readonly addresses: Readonly<Record<Family, number>>;
  /** entries by name of the set */
  readonly setEntries: ReadonlyMap<string, number>;
}

/** What is asked of the agent at each scrape. */
export interface Observation {
  readonly sizes: StateSizes;
  /** the source is watching every kind */
  readonly isSourceConnected: boolean;
  /** problems of objects and files that are skipped, in whole or in part */
  readonly problems: number;
  readonly drainingDestinations: number;
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
  const perFamily: readonly (readonly [string, string, keyof Omit<StateSizes, 'setEntries'>])[] = [
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
  register.registerMetric(
    new Gauge({
      name: 'kubeipvs_ipset_entries',
      help: 'Entries of each ipset',
      labelNames: ['set'],
      registers: [],
      collect() {
        this.reset();
        for (const [set, count] of observe().sizes.setEntries) this.set({ set }, count);
      },
    }),
  );
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
    (o) => o.drainingDestinations,
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

/**
 * How long sizes hold: whoever asks more often than that, be it by intent, costs no more walks over
 * the state.
 */
const SIZES_HOLD_MS = 1_000;

/** Sizes of the state that grows and shrinks in place. */
export class StateMeasure {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  #taken:
    { readonly of: DataplaneState; readonly sizes: StateSizes; readonly atMs: number } | undefined;

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** @returns sizes at most a second old */
  sizesOf(state: DataplaneState): StateSizes {
    const nowMs = this.#clock.monotonicMs();
    const taken = this.#taken;
    if (taken?.of === state && nowMs - taken.atMs < SIZES_HOLD_MS) return taken.sizes;
    const sizes = measureState(state);
    this.#taken = { of: state, sizes, atMs: nowMs };
    return sizes;
  }
}

/** Counts a state; costs what the state holds. */
export function measureState(state: DataplaneState): StateSizes {
  const virtualServers = { IPv4: 0, IPv6: 0 };
  const destinations = { IPv4: 0, IPv6: 0 };
  const addresses = { IPv4: 0, IPv6: 0 };
  for (const server of state.virtualServers.values()) {
    const family = familyOf(server.address);
    virtualServers[family]++;
    destinations[family] += server.destinations.size;
  }
  for (const address of state.addresses) addresses[familyOf(address)]++;
  const setEntries = new Map([...state.ipsets.values()].map((set) => [set.name, set.entries.size]));
  return { virtualServers, destinations, addresses, setEntries };
}
