/** Which pools a Service may have addresses of. */
import type { AllocationSettings, Pool } from '../../config/loadBalancer/settings.ts';
import type { BalancedService } from '../../model/balancedService.ts';
import { type Labels, type LabelSelector, selectorMatches } from '../../model/labelSelector.ts';
import type { Family } from '../../net/family.ts';
import { type Failure, failure } from './cause.ts';
import { compareText } from './claimant.ts';
import type { PoolTable } from './poolTable.ts';

const NAMESPACE_NAME_LABEL = 'kubernetes.io/metadata.name';

/** To be tried in order. */
export interface PoolChoice {
  readonly pools: readonly Pool[];
  /** would do, but for `fallback: Never` */
  readonly leftOut: readonly Pool[];
}

export class Admission {
  readonly #table: PoolTable;
  readonly #fallback: AllocationSettings['fallback'];
  readonly #namespaces: ReadonlyMap<string, Labels>;
  /** those of `autoAssign`, in the order in which they are tried */
  readonly #automatic: readonly Pool[];
  /** of Services that no serviceSelectors can tell apart */
  readonly #byNamespace = new Map<string, PoolChoice>();
  readonly #looksAtServices: boolean;

  constructor(
    table: PoolTable,
    { fallback }: AllocationSettings,
    namespaces: ReadonlyMap<string, Labels>,
  ) {
    this.#table = table;
    this.#fallback = fallback;
    this.#namespaces = namespaces;
    this.#automatic = table.pools
      .filter(({ autoAssign }) => autoAssign)
      .sort((a, b) => rankOf(a) - rankOf(b) || priorityOf(a) - priorityOf(b) || 0);
    this.#looksAtServices = table.pools.some(({ serviceSelectors }) => serviceSelectors);
  }

  admits(pool: Pool, service: BalancedService): boolean {
    return this.obstacle(pool, service) === undefined;
  }

  /** What keeps it out: `its namespaces and namespaceSelectors do not match namespace "b"`. */
  obstacle(pool: Pool, service: BalancedService): string | undefined {
    const { namespaces, namespaceSelectors, serviceSelectors } = pool;
    const { namespace } = service;
    if (namespaces !== undefined || namespaceSelectors !== undefined) {
      const isNamed = namespaces?.includes(namespace) ?? false;
      if (!isNamed && !anyMatches(namespaceSelectors, () => this.#labelsOf(namespace)))
        return `its namespaces and namespaceSelectors do not admit namespace ${namespace}`;
    }
    if (serviceSelectors !== undefined && !anyMatches(serviceSelectors, () => selectable(service)))
      return 'its serviceSelectors do not match the Service';
    return undefined;
  }

  /** Those wanted by name, else those of `autoAssign` that admit it. */
  choose(service: BalancedService, wanted: readonly string[]): PoolChoice | Failure {
    if (wanted.length > 0) return this.#chooseWanted(service, wanted);
    const choice = this.#chooseAutomatic(service);
    return choice.pools.length === 0 ? this.#noneFor(service, choice) : choice;
  }

  /** Why one of these cannot be given by name; undefined: all can. */
  refusal(service: BalancedService, wanted: readonly string[]): Failure | undefined {
    for (const name of wanted) {
      const pool = this.#table.byName(name);
      if (pool === undefined) return unknownPool(name, this.#table.pools);
      const obstacle = this.obstacle(pool, service);
      if (obstacle !== undefined)
        return failure('PoolNotAllowed', `pool ${name} is not for this Service: ${obstacle}`);
    }
    return undefined;
  }

  #chooseWanted(service: BalancedService, wanted: readonly string[]): PoolChoice | Failure {
    const refused = this.refusal(service, wanted);
    if (refused !== undefined) return refused;
    const named = [...new Set(wanted)].map((name) => this.#table.byName(name)!);
    const pools = named.filter(({ draining }) => !draining);
    if (pools.length > 0) return { pools, leftOut: [] };
    return failure('PoolNotAllowed', `${drained(named)}, and nothing new is given from there`);
  }

  #chooseAutomatic(service: BalancedService): PoolChoice {
    if (this.#looksAtServices) return this.#automaticFor(service);
    const known = this.#byNamespace.get(service.namespace) ?? this.#automaticFor(service);
    this.#byNamespace.set(service.namespace, known);
    return known;
  }

  #automaticFor(service: BalancedService): PoolChoice {
    const admitting = this.#automatic.filter((pool) => this.admits(pool, service));
    const restricted = admitting.filter(isRestricted);
    const isClosed = restricted.length > 0 && this.#fallback === 'Never';
    const open = (pools: readonly Pool[]) => pools.filter(({ draining }) => !draining);
    if (!isClosed) return { pools: open(admitting), leftOut: [] };
    return {
      pools: open(restricted),
      leftOut: open(admitting.filter((pool) => !isRestricted(pool))),
    };
  }

  #noneFor(service: BalancedService, { leftOut }: PoolChoice): Failure {
    const { pools } = this.#table;
    if (pools.length === 0)
      return failure('NoPools', 'the LoadBalancerConfiguration of --features has no pools');
    const reasons = pools.map((pool) => `${pool.name}: ${this.#whyNot(pool, service, leftOut)}`);
    return failure(
      'NoPoolForService',
      `no pool gives to this Service by itself (${reasons.join('; ')})`,
    );
  }

  #whyNot(pool: Pool, service: BalancedService, leftOut: readonly Pool[]): string {
    if (!pool.autoAssign) return 'only on request';
    const obstacle = this.obstacle(pool, service);
    if (obstacle !== undefined) return obstacle;
    return leftOut.includes(pool)
      ? 'not after restricted pools, allocation.fallback is Never'
      : 'draining';
  }

  #labelsOf(namespace: string): Labels {
    return { [NAMESPACE_NAME_LABEL]: namespace, ...this.#namespaces.get(namespace) };
  }
}

export function isRestricted({ namespaces, namespaceSelectors, serviceSelectors }: Pool): boolean {
  return (namespaces ?? namespaceSelectors ?? serviceSelectors) !== undefined;
}

/** What selectors of Services see: its labels, its name and its namespace. */
export function selectable({ labels, name, namespace }: BalancedService): Labels {
  return { ...labels, 'kube-ipvs.io/name': name, 'kube-ipvs.io/namespace': namespace };
}

export function unknownPool(name: string, pools: readonly Pool[]): Failure {
  const known = pools.map((pool) => pool.name).sort(compareText);
  const others = known.length === 0 ? 'there are none' : `there are ${known.join(', ')}`;
  return failure('UnknownPool', `there is no pool ${JSON.stringify(name)}, ${others}`);
}

/** None of these pools has an address of the family. */
export function noFamily(family: Family, pools: readonly Pool[]): Failure {
  const names = pools.map(({ name }) => name).join(', ');
  return failure('NoPoolForService', `no pool for this Service has ${family} addresses (${names})`);
}

function drained(pools: readonly Pool[]): string {
  const names = pools.map(({ name }) => name).join(', ');
  return pools.length === 1 ? `pool ${names} is draining` : `pools ${names} are draining`;
}

const rankOf = (pool: Pool) => (isRestricted(pool) ? 0 : 1);
const priorityOf = ({ priority }: Pool) => priority ?? Number.MAX_SAFE_INTEGER;

function anyMatches(selectors: readonly LabelSelector[] | undefined, labels: () => Labels) {
  if (selectors === undefined || selectors.length === 0) return false;
  const seen = labels();
  return selectors.some((selector) => selectorMatches(selector, seen));
}
