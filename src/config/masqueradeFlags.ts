/** Flags of masquerading, and of how traffic of this node's pods is told from other traffic. */
import type { Flag } from './flag.ts';

export const MASQUERADE_FLAGS: readonly Flag[] = [
  {
    name: 'masquerade-all',
    type: 'bool',
    group: 'masquerade',
    fields: ['iptables.masqueradeAll'],
    help: 'masquerade everything sent to a ClusterIP',
  },
  {
    name: 'iptables-masquerade-bit',
    type: 'int',
    default: '14',
    group: 'masquerade',
    fields: ['iptables.masqueradeBit'],
    help: 'bit of the packet mark that asks for masquerading, 0 to 31',
  },
  {
    name: 'detect-local-mode',
    value: 'MODE',
    type: 'string',
    default: 'ClusterCIDR',
    group: 'masquerade',
    fields: ['detectLocalMode'],
    help: 'how traffic of local pods is told from other traffic: ClusterCIDR, NodeCIDR, BridgeInterface or InterfaceNamePrefix',
  },
  {
    name: 'cluster-cidr',
    value: 'CIDR[,CIDR]',
    type: 'string',
    group: 'masquerade',
    fields: ['clusterCIDR'],
    help: 'CIDR of the pods, or one of each family separated by a comma',
  },
  {
    name: 'pod-bridge-interface',
    value: 'NAME',
    type: 'string',
    group: 'masquerade',
    fields: ['detectLocal.bridgeInterface'],
    help: 'bridge of the pods, for --detect-local-mode=BridgeInterface',
  },
  {
    name: 'pod-interface-name-prefix',
    value: 'PREFIX',
    type: 'string',
    group: 'masquerade',
    fields: ['detectLocal.interfaceNamePrefix'],
    help: "prefix of the pods' interfaces, for --detect-local-mode=InterfaceNamePrefix",
  },
];
