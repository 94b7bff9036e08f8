/**
 * Reads a dataplane back from JSON: an earlier `plan -o json`, whole or its `desired` alone, for
 * `--against FILE`. Strict about every value it uses, and silent about fields it does not know, so
 * that an older reader takes a newer file.
 */
import * as v from 'valibot';
import type {
  ActualState,
  Destination,
  IpSet,
  ServerFlag,
  VirtualServer,
} from '../dataplane/state.ts';
import { mapTables, type Tables } from '../dataplane/tables.ts';
import { destinationKey, IP_SET_TYPES, serverKey } from '../dataplane/state.ts';
import type { Problem } from '../model/problem.ts';
import { parseAddress } from '../net/address.ts';
import { hostPrefix, parsePrefix } from '../net/prefix.ts';

const address = v.pipe(
  v.string('must be an IP address in quotes'),
  v.check((text) => parseAddress(text) !== undefined, 'is not an IPv4 or IPv6 address'),
  v.transform((text) => parseAddress(text)!),
);

/** As an address of the dummy device: with full length, or bare. */
const boundAddress = v.pipe(
  v.string('must be an address like 10.96.0.1/32 in quotes'),
  v.check(
    (text) => bareAddress(text) !== undefined,
    'is not one address: write 10.96.0.1/32 or fd00::1/128',
  ),
  v.transform((text) => bareAddress(text)!),
);

const port = v.pipe(
  v.number('must be a number'),
  v.integer('must be a whole number'),
  v.minValue(0, 'must be 0 to 65535'),
  v.maxValue(65_535, 'must be 0 to 65535'),
);

const wholeNumber = v.pipe(
  v.number('must be a number'),
  v.integer('must be a whole number'),
  v.minValue(0, 'must not be negative'),
);

const serverFlag = v.picklist(
  [
    ...(['persistent', 'one-packet', 'sh-fallback', 'sh-port', 'mh-fallback', 'mh-port'] as const),
    ...(['flag-1', 'flag-2', 'flag-3'] as const),
  ] satisfies readonly ServerFlag[],
  'is not a flag of a virtual server',
);

const destination = v.object({
  address,
  port,
  weight: wholeNumber,
  endpoint: v.optional(v.string()),
  node: v.optional(v.string()),
});

const server = v.object({
  address,
  port,
  protocol: v.picklist(['TCP', 'UDP', 'SCTP'], 'must be TCP, UDP or SCTP'),
  scheduler: v.pipe(v.string(), v.nonEmpty('must name a scheduler, for example rr')),
  flags: v.optional(v.array(serverFlag), []),
  persistenceTimeoutSec: v.optional(wholeNumber),
  service: v.optional(v.string()),
  destinations: v.optional(v.array(destination), []),
});

const set = v.object({
  type: v.picklist(IP_SET_TYPES, 'is not a set type that kube-ipvs uses'),
  family: v.picklist(['IPv4', 'IPv6'], 'must be IPv4 or IPv6'),
  entries: v.optional(v.array(v.string()), []),
});

const chains = v.optional(v.record(v.string(), v.array(v.string())), {});
const others = v.optional(v.record(v.string(), v.array(v.string())));
const tables = v.optional(
  v.object({ raw: others, mangle: others, nat: chains, filter: chains }),
  {},
);

const state = v.object(
  {
    virtualServers: v.optional(v.array(server), []),
    addresses: v.optional(v.array(boundAddress), []),
    ipsets: v.optional(v.record(v.string(), set), {}),
    iptables: v.optional(v.object({ ipv4: tables, ipv6: tables }), {}),
    sysctls: v.optional(v.record(v.string(), v.string('must be text: put it in quotes')), {}),
  },
  'must be an object like the one that plan -o json prints',
);

type StateInput = v.InferOutput<typeof state>;
type ServerInput = StateInput['virtualServers'][number];

const SECTIONS = ['virtualServers', 'addresses', 'ipsets', 'iptables', 'sysctls'];

/**
 * @param json a parsed JSON document
 * @returns `state` when there are no problems; the dummy device counts as present, capacities of
 * sets are not in the file
 */
export function stateFromJson(
  json: unknown,
): { readonly state: ActualState } | { readonly problems: readonly Problem[] } {
  const isWhole = isObject(json) && 'desired' in json;
  const content = isWhole ? json['desired'] : json;
  const root = isWhole ? 'desired' : '';
  if (isObject(content) && !SECTIONS.some((section) => section in content))
    return { problems: [{ path: root, value: undefined, problem: NOT_A_PLAN }] };
  const parsed = v.safeParse(state, content);
  if (!parsed.success) return { problems: parsed.issues.map((issue) => problemOf(issue, root)) };
  return { state: stateOf(parsed.output) };
}

const NOT_A_PLAN = `has none of ${SECTIONS.join(', ')}: this is not the output of plan -o json`;

function stateOf(input: StateInput): ActualState {
  const servers = input.virtualServers.map(serverOf);
  const sets = Object.entries(input.ipsets).map(([name, { type, family, entries }]): IpSet => ({
    name,
    type,
    family,
    entries: new Set(entries),
  }));
  return {
    virtualServers: new Map(servers.map((each) => [serverKey(each), each])),
    addresses: new Set(input.addresses),
    ipsets: new Map(sets.map((each) => [each.name, each])),
    iptables: { IPv4: tablesOf(input.iptables.ipv4), IPv6: tablesOf(input.iptables.ipv6) },
    sysctls: new Map(Object.entries(input.sysctls)),
    hasDummyDevice: true,
    foreignServers: [],
    unknown: new Map(),
    unconfirmed: new Map(),
  };
}

function tablesOf({ raw, mangle, nat, filter }: v.InferOutput<typeof tables>): Tables {
  const used = {
    ...(raw === undefined ? {} : { raw }),
    ...(mangle === undefined ? {} : { mangle }),
  };
  return mapTables({ ...used, nat, filter }, (chainsOf) => new Map(Object.entries(chainsOf)));
}

function serverOf({
  destinations,
  persistenceTimeoutSec,
  service,
  ...rest
}: ServerInput): VirtualServer {
  const values = destinations.map(({ endpoint, node, ...fixed }): Destination => ({
    ...fixed,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(node === undefined ? {} : { node }),
  }));
  return {
    ...rest,
    flags: [...rest.flags].toSorted(),
    ...(persistenceTimeoutSec === undefined ? {} : { persistenceTimeoutSec }),
    ...(service === undefined ? {} : { service }),
    destinations: new Map(values.map((each) => [destinationKey(each), each])),
  };
}

/** `10.96.0.1`, `10.96.0.1/32` → `10.96.0.1`; undefined for anything else. */
function bareAddress(text: string): string | undefined {
  const bare = parseAddress(text);
  if (bare !== undefined) return bare;
  const prefix = parsePrefix(text);
  if (prefix === undefined) return undefined;
  return hostPrefix(prefix.address).endsWith(`/${prefix.length}`) ? prefix.address : undefined;
}

function problemOf(issue: v.BaseIssue<unknown>, root: string): Problem {
  const keys = issue.path?.map((item) => item.key) ?? [];
  const path = keys.reduce<string>(
    (before, key) => (typeof key === 'number' ? `${before}[${key}]` : dotted(before, String(key))),
    root,
  );
  const value = typeof issue.input === 'object' ? undefined : issue.input;
  return { path, value, problem: issue.message };
}

function dotted(before: string, key: string): string {
  return before === '' ? key : `${before}.${key}`;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
