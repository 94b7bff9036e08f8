/**
 * The configuration in the form in which kube-proxy 1.37.2 writes it in mode ipvs: members sorted,
 * an empty list as null, what is optional and not set left out, and what only other modes read,
 * which it does not keep, as nothing. Read again it means the same.
 */
import { fieldOf } from './applyFlags.ts';
import { isObject } from './fieldTypes.ts';
import type { KubeProxyConfiguration } from './kubeProxyConfiguration.ts';

/** Left out where they say nothing. */
const OPTIONAL = [
  'featureGates',
  'logging.vmodule',
  'logging.options.text.splitStream',
  'logging.options.json.splitStream',
  'windowsRunAsService',
];

const OF_OTHER_MODES = {
  'iptables.syncPeriod': '0s',
  'iptables.minSyncPeriod': '0s',
  'nftables.syncPeriod': '0s',
  'nftables.minSyncPeriod': '0s',
  'nftables.masqueradeAll': false,
  portRange: '',
};

export function writtenConfiguration(configuration: KubeProxyConfiguration): object {
  const isUnset = (field: string) => isNothing(fieldOf(configuration, field));
  return written(configuration, '', new Set(OPTIONAL.filter(isUnset))) as object;
}

function written(value: unknown, path: string, left: ReadonlySet<string>): unknown {
  if (Object.hasOwn(OF_OTHER_MODES, path)) return OF_OTHER_MODES[path as never];
  if (Array.isArray(value)) return value.length === 0 ? null : value;
  if (!isObject(value)) return value;
  const members = Object.keys(value)
    .toSorted()
    .map((key) => ({ key, field: path === '' ? key : `${path}.${key}` }))
    .filter(({ field }) => !left.has(field));
  return Object.fromEntries(
    members.map(({ key, field }) => [key, written(value[key], field, left)]),
  );
}

function isNothing(value: unknown): boolean {
  return value === false || (Object.keys(value as object).length === 0 && value !== true);
}
