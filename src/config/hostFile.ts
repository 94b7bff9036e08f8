/** `host.yaml` of an offline plan: the machine to plan for, as a HostNetwork. */
import * as v from 'valibot';
import { DUMMY_DEVICE } from '../dataplane/state.ts';
import type { HostInterface, HostNetwork } from '../model/host.ts';
import { FAMILIES, type Family } from '../net/family.ts';
import { nodeNameOf } from './nodeName.ts';
import {
  address,
  type DecodedFile,
  decodeFile,
  interfaceAddress,
  listOf,
  givenText,
  object,
} from './ownFile.ts';

/** A kernel without quirks, and iptables with `--random-fully`, unless the file says otherwise. */
const DEFAULT_KERNEL = '6.1.0';
const DEFAULT_IPTABLES = '1.8.9';

const version = (example: string) =>
  v.pipe(
    v.string(`must be a version in quotes, such as "${example}"`),
    v.regex(/^v?\d+(\.\d+)+/, `must be a version such as "${example}"`),
  );

const interfaceSchema = object({
  name: givenText,
  up: v.nullish(v.boolean('must be true or false'), true),
  addresses: listOf(interfaceAddress),
});

const iptablesSchema = object({ version: v.nullish(version('1.8.9'), DEFAULT_IPTABLES) });

const hostSchema = object({
  nodeName: givenText,
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
export function decodeHostFile(document: unknown): DecodedFile<HostNetwork> {
  const { value, problems } = decodeFile(hostSchema, document, 'host file');
  if (problems !== undefined) return { problems };
  const { nodeName, interfaces, families, iptables, ...rest } = value;
  return {
    value: {
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
