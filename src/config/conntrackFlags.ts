/** The flags of netfilter's connection table; agent/conntrackSettings.ts applies what they set. */
import type { Flag } from './flag.ts';

export const CONNTRACK_FLAGS: readonly Flag[] = [
  {
    name: 'conntrack-max-per-core',
    type: 'int',
    default: '32768',
    group: 'conntrack',
    fields: ['conntrack.maxPerCore'],
    help: "connections to track for each CPU; 0 leaves the kernel's limit and ignores --conntrack-min",
  },
  {
    name: 'conntrack-min',
    type: 'int',
    default: '131072',
    group: 'conntrack',
    fields: ['conntrack.min'],
    help: 'least number of connections to track, however few CPUs there are',
  },
  {
    name: 'conntrack-tcp-timeout-established',
    type: 'duration',
    default: '24h0m0s',
    group: 'conntrack',
    fields: ['conntrack.tcpEstablishedTimeout'],
    help: "timeout of idle TCP connections; 0s leaves the kernel's",
  },
  {
    name: 'conntrack-tcp-timeout-close-wait',
    type: 'duration',
    default: '1h0m0s',
    group: 'conntrack',
    fields: ['conntrack.tcpCloseWaitTimeout'],
    help: "timeout of TCP connections that one side has closed; 0s leaves the kernel's",
  },
  {
    name: 'conntrack-tcp-be-liberal',
    type: 'bool',
    group: 'conntrack',
    fields: ['conntrack.tcpBeLiberal'],
    help: 'do not take TCP packets outside the window for invalid',
  },
  {
    name: 'conntrack-udp-timeout',
    type: 'duration',
    default: '0s',
    group: 'conntrack',
    fields: ['conntrack.udpTimeout'],
    help: "timeout of UDP flows without an answer; 0s leaves the kernel's",
  },
  {
    name: 'conntrack-udp-timeout-stream',
    type: 'duration',
    default: '0s',
    group: 'conntrack',
    fields: ['conntrack.udpStreamTimeout'],
    help: "timeout of answered UDP flows; 0s leaves the kernel's",
  },
];
