/** Services, pools and settings of the load balancer in few words, and what became of them. */
import type {
  AllocationSettings,
  LoadBalancerSettings,
  Pool,
} from '../../../src/config/loadBalancer/settings.ts';
import { allocate, type Allocation } from '../../../src/loadbalancer/allocation/allocate.ts';
import type { AllocationInput } from '../../../src/loadbalancer/allocation/ground.ts';
import { CONDITION_TYPE, namingText } from '../../../src/loadbalancer/condition.ts';
import type { BalancedService } from '../../../src/model/balancedService.ts';
import { slimBalancedService } from '../../../src/model/slimBalancedService.ts';
import { parseRange } from '../../../src/net/addressRange.ts';

export const CLASS = 'kube-ipvs.io/l2';

export function pool(name: string, ranges: string, fields: Partial<Pool> = {}): Pool {
  return {
    name,
    ranges: ranges.split(' ').map((text) => parseRange(text)!),
    autoAssign: true,
    draining: false,
    skipZeroAnd255: false,
    priority: undefined,
    namespaces: undefined,
    namespaceSelectors: undefined,
    serviceSelectors: undefined,
    announce: [],
    ...fields,
  };
}

export function settingsOf(
  pools: readonly Pool[],
  allocation: Partial<AllocationSettings> = {},
  serveUnclassed = false,
): LoadBalancerSettings {
  return {
    loadBalancerClass: CLASS,
    serveUnclassed,
    pools,
    allocation: { outOfPool: 'Keep', fallback: 'Never', sharing: 'SameNamespace', ...allocation },
    announcer: {
      enabled: true,
      probeBeforeUse: true,
      ignoreExcludeLabel: false,
      interfaces: ['*'],
      excludeInterfaces: [],
      refreshIntervalMs: 45_000,
      holdDownMs: 60_000,
      heartbeat: { port: 10_260, intervalMs: 200, misses: 3, secretFile: undefined },
    },
  };
}

export interface ServiceWords {
  /** `YYYY` and the like: sorts as text */
  readonly created?: string;
  readonly namespace?: string;
  /** `4`, `6`, `46`, `64` */
  readonly families?: string;
  readonly policy?: 'SingleStack' | 'PreferDualStack' | 'RequireDualStack';
  /** null: none */
  readonly lbClass?: string | null;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** `80/TCP 53/UDP` */
  readonly ports?: string;
  /** addresses in the status */
  readonly has?: string;
  /** with our condition, which names these addresses, and this as its reason */
  readonly reason?: string;
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>>;
}

/** `default/NAME` of our class, IPv4, port 80/TCP, created in 2026, without status. */
export function service(name: string, words: ServiceWords = {}): BalancedService {
  const { object, problems } = slimBalancedService(rawBalanced(name, words));
  if (object === undefined) throw new Error(JSON.stringify(problems));
  return object;
}

/** The same as an API server has it. */
export function rawBalanced(name: string, words: ServiceWords = {}) {
  const { created = '2026', namespace = 'default', annotations = {}, labels = {} } = words;
  return {
    metadata: {
      name,
      namespace,
      uid: `uid-${name}`,
      resourceVersion: '1',
      creationTimestamp: created,
      annotations,
      labels,
      ...words.metadata,
    },
    spec: specOf(words),
    status: { ...statusOf(words), ...words.status },
  };
}

function specOf(words: ServiceWords) {
  const { families = '4', policy, lbClass = CLASS, ports = '80/TCP', spec = {} } = words;
  return {
    type: 'LoadBalancer',
    ...(lbClass === null ? {} : { loadBalancerClass: lbClass }),
    ipFamilies: families.split('').map((digit) => `IPv${digit}`),
    ...(policy === undefined ? {} : { ipFamilyPolicy: policy }),
    ports: ports.split(' ').map((text) => {
      const [port, protocol] = text.split('/');
      return { port: Number(port), protocol };
    }),
    ...spec,
  };
}

function statusOf({ has = '', reason }: ServiceWords) {
  const ips = has.split(' ').filter((ip) => ip !== '');
  const status = ips.length > 0 ? 'True' : 'False';
  const message = namingText(ips.map((address) => ({ address, pool: 'former' })));
  return {
    loadBalancer: { ingress: ips.map((ip) => ({ ip, ipMode: 'VIP' })) },
    conditions: reason === undefined ? [] : [{ type: CONDITION_TYPE, status, reason, message }],
  };
}

export type Surroundings = Partial<Omit<AllocationInput, 'services' | 'settings'>>;

export function run(
  settings: LoadBalancerSettings,
  services: readonly BalancedService[],
  around: Surroundings = {},
): Allocation {
  const nothing = { namespaces: new Map(), nodes: new Map(), foreignOwners: new Map() };
  return allocate({ settings, services, ...nothing, ...around });
}

/** A line each: `default/a Assigned 192.0.2.1@office`, `default/b Pending (PoolsExhausted)`. */
export function lines({ decisions }: Allocation): readonly string[] {
  return [...decisions].map(([key, { state, addresses, cause }]) => {
    const has = addresses.map(({ address, pool: of }) => ` ${address}@${of ?? '-'}`).join('');
    return `${key} ${state}${has}${cause === undefined ? '' : ` (${cause})`}`;
  });
}
