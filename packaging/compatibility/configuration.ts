// The rows of flags and fields: their status is in the tables that the program itself reads; what
// differs all the same stands here with its reason. test/e2e/configurationParity.test.ts gives both
// programs the same lines and files.

import { isObject } from '../../src/config/fieldTypes.ts';
import { RUN_FLAGS } from '../../src/config/flags.ts';
import { defaultConfiguration } from '../../src/config/kubeProxyConfiguration.ts';
import type { Row } from './rows.ts';

const OURS = new Set([
  'cleanup-other-modes',
  'dry-run',
  'features',
  'load-balancer-allocator',
  'manifests',
  'takeover',
]);

const FLAG_REMARKS: Readonly<Record<string, string>> = {
  'ipvs-min-sync-period':
    '0s by default, there 1s: a round costs what changed. So a sync period below 1s alone is taken',
  'proxy-mode': 'ipvs alone; empty means ipvs, there iptables',
  'healthz-bind-address':
    'an address without port is taken with --write-config-to too, there only without',
  'metrics-bind-address': 'as --healthz-bind-address',
  'metrics-port': '0 turns the server off, as the help of both says; there it is refused',
  'ipvs-scheduler': 'refused where no kernel could have the name; there the start fails',
  cleanup:
    'foreign virtual servers stay, sysctls are put back, and other modes are left alone unless asked for',
  'nodeport-addresses':
    'localhost serves TCP at 127.0.0.1, which there no NodePort of mode ipvs does',
  'feature-gates':
    'AllowServiceExternalIPs and those of logging mean what they mean there, others change nothing here',
  version: 'called as kube-proxy the answer is its own',
};

const FIELD_REMARKS: Readonly<Record<string, string>> = {
  mode: FLAG_REMARKS['proxy-mode']!,
  'ipvs.scheduler': FLAG_REMARKS['ipvs-scheduler']!,
  featureGates: FLAG_REMARKS['feature-gates']!,
  'logging.flushFrequency': 'a number of nanoseconds is written as a duration',
};

/** What a kube-proxy in mode ipvs does not look at either. */
const IDLE_THERE_TOO =
  /^(nftables|winkernel)\.|^(portRange|windowsRunAsService)$|^iptables\.(min)?[sS]yncPeriod$/;

export function flagRows(): readonly Row[] {
  return RUN_FLAGS.map((flag): Row => {
    const { name, help } = flag;
    if (OURS.has(name)) return [`--${name}`, 'ours', help];
    if (flag.isGone) return [`--${name}`, 'gone', `was: ${help}`];
    const remark = FLAG_REMARKS[name];
    if (flag.isWithoutEffect) return [`--${name}`, 'no effect', remark ?? help];
    return remark === undefined ? [`--${name}`, 'same'] : [`--${name}`, 'differs', remark];
  }).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

export function fieldRows(): readonly Row[] {
  return leaves(defaultConfiguration(), '').map((field): Row => {
    const idle = RUN_FLAGS.find(
      ({ fields, isWithoutEffect }) => isWithoutEffect && fields?.includes(field),
    );
    const remark = FIELD_REMARKS[field];
    if (IDLE_THERE_TOO.test(field)) return [field, 'no effect', 'as there in mode ipvs'];
    if (field === 'clientConnection.acceptContentTypes') return [field, 'no effect', 'JSON always'];
    if (idle !== undefined) return [field, 'no effect', remark ?? idle.help];
    return remark === undefined ? [field, 'same'] : [field, 'differs', remark];
  });
}

/** Dotted paths of what is no object with members of its own. */
function leaves(value: object, path: string): string[] {
  return Object.entries(value).flatMap(([key, member]: [string, unknown]) => {
    const field = path === '' ? key : `${path}.${key}`;
    const hasMembers = isObject(member) && Object.keys(member).length > 0;
    return hasMembers ? leaves(member, field) : [field];
  });
}
