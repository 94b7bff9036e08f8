/**
 * The door for Nodes: keeps what a proxy asks of them (addresses, pod ranges, zone, whether they
 * are leaving). A bad address or range is dropped alone.
 */
import type { Address } from '../net/address.ts';
import { formatPrefix } from '../net/prefix.ts';
import { parseSloppyAddress, parseSloppyPrefix } from '../net/sloppy.ts';
import { readAnnouncingNode } from './announcingNode.ts';
import { asText, Fields, type Slim } from './fields.ts';
import type { NodeResource } from './resources.ts';

const ZONE_LABEL = 'topology.kubernetes.io/zone';
/** taint that the cluster autoscaler puts on a node it is about to remove */
const LEAVING_TAINT = 'ToBeDeletedByClusterAutoscaler';

/**
 * @param isAnnouncing whether what the announcing of load balancer addresses goes by is kept too
 * @see k8s.io/api/core/v1 Node
 */
export function slimNode(raw: unknown, isAnnouncing = false): Slim<NodeResource> {
  const { root, metadata, name } = Fields.open(raw, 'Node', false);
  const spec = root.object('spec');
  const zone = metadata.object('labels').string(ZONE_LABEL);
  const object: NodeResource = {
    name,
    ...readAddresses(root.object('status')),
    podCIDRs: readPodCIDRs(spec),
    ...(zone ? { zone } : {}),
    isLeaving: metadata.value('deletionTimestamp') !== undefined || hasLeavingTaint(spec),
    ...(isAnnouncing ? { announcing: readAnnouncingNode(root) } : {}),
  };
  return root.isUsable ? { object, problems: root.problems } : { problems: root.problems };
}

function readAddresses(status: Fields): Pick<NodeResource, 'addresses' | 'externalAddresses'> {
  const internal = new Set<Address>();
  const external = new Set<Address>();
  for (const item of status.items('addresses', 'address')) {
    const type = item.string('type');
    if (type !== 'InternalIP' && type !== 'ExternalIP') continue;
    const address = parseSloppyAddress(asText(item.value('address')));
    if (address === undefined) item.reject('address', 'must be an IP address');
    else (type === 'InternalIP' ? internal : external).add(address);
  }
  const externalAddresses = [...external].filter((address) => !internal.has(address));
  return {
    addresses: [...internal, ...externalAddresses],
    ...(externalAddresses.length === 0 ? {} : { externalAddresses }),
  };
}

function readPodCIDRs(spec: Fields): string[] {
  const listed = spec.texts('podCIDRs');
  const single = spec.value('podCIDR');
  const ranges = new Set<string>();
  for (const [index, text] of listed.entries()) {
    const prefix = parseSloppyPrefix(text);
    if (prefix === undefined) spec.drop('podCIDRs', 'must be address/length', index);
    else ranges.add(formatPrefix(prefix));
  }
  if (listed.length > 0 || single === undefined || single === '') return [...ranges];
  const prefix = parseSloppyPrefix(asText(single));
  if (prefix === undefined) spec.drop('podCIDR', 'must be address/length');
  return prefix === undefined ? [] : [formatPrefix(prefix)];
}

function hasLeavingTaint(spec: Fields): boolean {
  return spec
    .list('taints')
    .some((taint) => (taint as { key?: unknown } | null)?.key === LEAVING_TAINT);
}
