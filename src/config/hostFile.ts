/**
 * `host.yaml` of an offline plan: the machine to plan for, as a HostNetwork. It is our own format,
 * so unlike a KubeProxyConfiguration it is read strictly: an unknown field is an error.
 */
import * as v from 'valibot';
import { DUMMY_DEVICE } from '../dataplane/state.ts';
import type { HostInterface, HostNetwork } from '../model/host.ts';
import type { Problem } from '../model/problem.ts';
import { parseAddress } from '../net/address.ts';
import { FAMILIES, type Family } from '../net/family.ts';
import { parsePrefix } from '../net/prefix.ts';
import { isObject } from './fieldTypes.ts';
import { nodeNameOf } from './nodeName.ts';
import { suggestion } from './suggest.ts';
import { joinPath } from './yamlText.ts';

export type HostFileResult =
  | { readonly host: HostNetwork; readonly problems?: never }
  | { readonly host?: never; readonly problems: readonly Problem[] };

/** A kernel without quirks, and iptables with `--random-fully`, unless the file says otherwise. */
const DEFAULT_KERNEL = '6.1.0';
const DEFAULT_IPTABLES = '1.8.9';

const address = v.pipe(
  v.string('must be text'),
  v.check((value) => parseAddress(value) !== undefined, 'must be an IP address'),
  v.transform((value) => parseAddress(value)!),
);

/** Host bits are kept: `10.0.0.1/24` is an address in a network. */
const interfaceAddress = v.pipe(
  v.string('must be text'),
  v.check(
    (value) => parsePrefix(value) !== undefined,
    'must be an address with its prefix length, such as 192.168.1.10/24',
  ),
  v.transform((value) => {
    const [host, length] = value.split('/') as [string, string];
    return `${parseAddress(host)!}/${length}`;
  }),
);

const listOf = <const Item extends v.GenericSchema>(item: Item) =>
  v.nullish(v.array(item, 'must be a list'), []);

const version = (example: string) =>
  v.pipe(
    v.string(`must be a version in quotes, such as "${example}"`),
    v.regex(/^v?\d+(\.\d+)+/, `must be a version such as "${example}"`),
  );

const object = <const Entries extends v.ObjectEntries>(entries: Entries) =>
  v.pipe(v.custom<object>(isObject, 'must be an object'), v.strictObject(entries));

const interfaceSchema = object({
  name: v.pipe(v.nullish(v.string('must be text'), ''), v.nonEmpty('must be given')),
  up: v.nullish(v.boolean('must be true or false'), true),
  addresses: listOf(interfaceAddress),
});

const iptablesSchema = object({ version: v.nullish(version('1.8.9'), DEFAULT_IPTABLES) });

const hostSchema = object({
  nodeName: v.pipe(v.nullish(v.string('must be text'), ''), v.nonEmpty('must be given')),
  interfaces: listOf(interfaceSchema),
  defaultGateways: listOf(address),
  families: v.nullish(
    v.pipe(
      v.array(v.picklist(FAMILIES, 'must be IPv4 or IPv6'), 'must be a list of IPv4 and IPv6'),
      v.nonEmpty('must hold IPv4, IPv6 or both'),
    ),
    [...FAMILIES],
  ),
  iptables: v.nullish(iptablesSchema),
  kernelVersion: v.nullish(version('6.1.0'), DEFAULT_KERNEL),
  apiServerAddresses: listOf(address),
});

/** @param document what a YAML or JSON reader made of the file */
export function decodeHostFile(document: unknown): HostFileResult {
  const result = v.safeParse(hostSchema, document);
  if (!result.success) return { problems: result.issues.map((issue) => problemOf(issue)) };
  const { nodeName, interfaces, families, iptables, ...rest } = result.output;
  return {
    host: {
      ...rest,
      nodeName: nodeNameOf(nodeName, '') ?? nodeName,
      interfaces: interfaces.filter(({ name }) => name !== DUMMY_DEVICE).map(hostInterface),
      families: FAMILIES.filter((family: Family) => families.includes(family)),
      hasRandomFully: isAtLeast(iptables?.version ?? DEFAULT_IPTABLES, [1, 6, 2]),
    },
  };
}

function hostInterface(entry: { name: string; up: boolean; addresses: string[] }): HostInterface {
  return { name: entry.name, isUp: entry.up, addresses: entry.addresses };
}

/** MASQUERADE knows --random-fully from iptables 1.6.2 on. */
function isAtLeast(text: string, least: readonly number[]): boolean {
  const parts = text
    .replace(/^v/, '')
    .split('.')
    .map((part) => Number.parseInt(part, 10));
  const at = least.findIndex((part, i) => (parts[i] ?? 0) !== part);
  return at < 0 || (parts[at] ?? 0) > least[at]!;
}

function problemOf(issue: v.BaseIssue<unknown>): Problem {
  const keys = (issue.path ?? []).map((item) => item.key as string | number);
  const path = keys.reduce<string>((joined, key) => joinPath(joined, key), '');
  if (issue.type === 'strict_object') {
    const key = String(keys.at(-1));
    const parent = issue.path?.at(-1)?.input;
    return {
      path,
      value: isObject(parent) ? parent[key] : undefined,
      problem: `unknown field${suggestion(key, knownFields(keys))}`,
    };
  }
  return { path: path || 'host file', value: issue.input, problem: issue.message };
}

/** Of the object that the last of these keys is in. */
function knownFields(keys: readonly (string | number)[]): string[] {
  const inner = { interfaces: interfaceSchema, iptables: iptablesSchema }[String(keys[0])];
  const schema = keys.length > 1 && inner !== undefined ? inner : hostSchema;
  return Object.keys(schema.pipe[1].entries);
}
