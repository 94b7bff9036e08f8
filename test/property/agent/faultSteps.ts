/** What may happen on a node, one thing at a time, as values that can be drawn, read and taken. */
import * as fc from 'fast-check';
import { DUMMY_DEVICE } from '../../../src/dataplane/state.ts';
import {
  NO_TROUBLES,
  SOCKET_TROUBLES,
  type TroubledKernel,
  type Troubles,
} from '../../support/kernel/troubledKernel.ts';
import { type ModelNode, SERVICES } from './modelNode.ts';

/** By others, with no regard for what is ours. */
export const TAMPERINGS: Readonly<Record<string, (kernel: TroubledKernel) => void>> = {
  'an address goes': ({ rtnl, bound }) => {
    const at = rtnl.addresses.findIndex(({ address }) => address === bound[0]);
    if (at >= 0) rtnl.addresses.splice(at, 1);
  },
  'an address comes': ({ rtnl }) => {
    const device = rtnl.links.find(({ name }) => name === DUMMY_DEVICE);
    if (device === undefined) return;
    const address = { family: 'IPv4', address: '192.0.2.77', prefixLength: 32 } as const;
    if (rtnl.addresses.some((each) => each.address === address.address)) return;
    rtnl.addresses.push({ ...address, index: device.index, scope: 0, flags: 0 });
  },
  'the device goes': ({ rtnl }) => {
    const at = rtnl.links.findIndex(({ name }) => name === DUMMY_DEVICE);
    if (at < 0) return;
    const [gone] = rtnl.links.splice(at, 1);
    const left = rtnl.addresses.filter(({ index }) => index !== gone?.index);
    rtnl.addresses.splice(0, Infinity, ...left);
  },
  'a server goes': ({ ipvs }) => {
    ipvs.served.delete(ourServers(ipvs)[0] ?? '');
  },
  'a destination goes': ({ ipvs }) => {
    const destinations = ipvs.served.get(ourServers(ipvs)[0] ?? '')?.destinations;
    destinations?.delete([...destinations.keys()][0] ?? '');
  },
  'a destination comes': ({ ipvs }) => {
    const destinations = ipvs.served.get(ourServers(ipvs)[0] ?? '')?.destinations;
    const [one] = destinations?.values() ?? [];
    if (one === undefined) return;
    const address = one.family === 'IPv4' ? '192.0.2.9' : '2001:db8::9';
    destinations!.set(one.family === 'IPv4' ? `${address}:80` : `[${address}]:80`, {
      ...one,
      address,
      port: 80,
    });
  },
  'a weight changes': ({ ipvs }) => {
    for (const { destinations } of ours(ipvs))
      for (const [key, one] of destinations) destinations.set(key, { ...one, weight: 5 });
  },
  'a scheduler changes': ({ ipvs }) => {
    for (const served of ours(ipvs)) served.service = { ...served.service, scheduler: 'sh' };
  },
  'all servers go': ({ ipvs }) => {
    for (const key of ourServers(ipvs)) ipvs.served.delete(key);
  },
  'entries go': ({ others }) => {
    for (const [name, { entries }] of others.state.ipsets)
      if (name.startsWith('KUBE-')) entries.clear();
  },
  'an entry comes': ({ others }) => {
    others.state.ipsets.get('KUBE-CLUSTER-IP')?.entries.add('192.0.2.5,tcp:5');
  },
  'a set goes with the rules that use it': ({ others }) => {
    others.state.iptables.IPv4.nat?.clear();
    others.state.ipsets.delete('KUBE-CLUSTER-IP');
  },
  'a set is one of another type': ({ others }) => {
    others.state.iptables.IPv4.nat?.clear();
    const set = {
      name: 'KUBE-CLUSTER-IP',
      family: 'IPv4',
      entries: new Set(['10.9.9.9']),
    } as const;
    others.state.ipsets.set(set.name, { ...set, type: 'hash:ip' });
  },
  'a set is one of the other family': ({ others }) => {
    others.state.iptables.IPv4.nat?.clear();
    const set = { name: 'KUBE-CLUSTER-IP', family: 'IPv6', entries: new Set<string>() } as const;
    others.state.ipsets.set(set.name, { ...set, type: 'hash:ip,port' });
  },
  'a set has room for one': ({ others }) => {
    const set = others.state.ipsets.get('KUBE-CLUSTER-IP');
    if (set !== undefined) others.state.ipsets.set(set.name, { ...set, maxElements: 1 });
  },
  'a chain is emptied': ({ others }) => {
    const nat = others.state.iptables.IPv4.nat;
    if (nat?.has('KUBE-SERVICES')) nat.set('KUBE-SERVICES', []);
  },
  'a jump goes': ({ others }) => {
    others.state.iptables.IPv4.nat?.delete('PREROUTING');
  },
  'a jump stands twice': ({ others }) => {
    const nat = others.state.iptables.IPv4.nat;
    const jumps = nat?.get('PREROUTING');
    if (jumps !== undefined) nat.set('PREROUTING', [...jumps, ...jumps]);
  },
  'a sysctl changes': ({ others }) => {
    for (const name of others.state.sysctls.keys())
      if (name.startsWith('net/ipv4/vs/')) others.state.sysctls.set(name, '7');
  },
  'everything is flushed': (kernel) => {
    for (const each of ['the device goes', 'all servers go'] as const) TAMPERINGS[each]!(kernel);
    const { iptables, ipsets } = kernel.others.state;
    for (const { nat, filter } of [iptables.IPv4, iptables.IPv6]) {
      nat?.clear();
      filter?.clear();
    }
    for (const name of ipsets.keys()) if (name.startsWith('KUBE-')) ipsets.delete(name);
  },
};

export type Step =
  | { readonly do: 'serve'; readonly service: number; readonly endpoints: number | undefined }
  | { readonly do: 'connect'; readonly connections: number }
  | { readonly do: 'tamper'; readonly how: string }
  | { readonly do: 'trouble'; readonly what: Partial<Troubles> }
  | { readonly do: 'mend' }
  | { readonly do: 'run'; readonly isWritable: boolean }
  | { readonly do: 'source'; readonly isConnected: boolean }
  | { readonly do: 'restart'; readonly steps: number }
  /** of the time of day */
  | { readonly do: 'jump'; readonly ms: number }
  | { readonly do: 'pass'; readonly ms: number };

const flags = Object.entries(NO_TROUBLES)
  .filter(([, value]) => value === false)
  .map(([name]) => ({ [name]: true }));

/** Each by itself: what can be on at a time is what a sequence adds up to. */
export const TROUBLES: readonly Partial<Troubles>[] = [
  ...SOCKET_TROUBLES.map((ipvs) => ({ ipvs })),
  ...SOCKET_TROUBLES.map((links) => ({ links })),
  ...flags,
];

const DAY_MS = 86_400_000;

export const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('serve' as const),
      service: fc.nat(SERVICES.length - 1),
      endpoints: fc.constantFrom(undefined, 0, 1, 2, 3),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('connect' as const),
      connections: fc.constantFrom(0, 3),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('tamper' as const),
      how: fc.constantFrom(...Object.keys(TAMPERINGS)),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('trouble' as const),
      what: fc.constantFrom(...TROUBLES),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'mend' } as const) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('run' as const), isWritable: fc.boolean() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('source' as const), isConnected: fc.boolean() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('restart' as const),
      steps: fc.constantFrom(0, 1, 4, 100),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('jump' as const),
      ms: fc.constantFrom(-DAY_MS, DAY_MS),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('pass' as const),
      ms: fc.constantFrom(10, 600, 5_000, 31_000),
    }),
  },
);

export async function taken(each: Step, node: ModelNode): Promise<void> {
  switch (each.do) {
    case 'serve':
      return node.service(SERVICES[each.service]!, each.endpoints);
    case 'connect':
      for (const { destinations } of ours(node.kernel.ipvs))
        for (const [key, one] of destinations)
          destinations.set(key, { ...one, activeConnections: each.connections });
      return;
    case 'tamper':
      return node.tamper(TAMPERINGS[each.how]!);
    case 'trouble':
      node.kernel.troubles = { ...node.kernel.troubles, ...each.what };
      return;
    case 'mend':
      node.kernel.troubles = { ...NO_TROUBLES };
      return;
    case 'run':
      node.run(each.isWritable);
      return;
    case 'source':
      return node.connected(each.isConnected);
    case 'restart':
      return node.restart(each.steps);
    case 'jump':
      node.jump(each.ms);
      return;
    case 'pass':
      return node.pass(each.ms);
  }
}

/** As a person reads it. */
export function textOf(each: Step): string {
  const { do: verb, ...rest } = each;
  return `${verb} ${JSON.stringify(rest)}`;
}

type Ipvs = TroubledKernel['ipvs'];

function ourServers(ipvs: Ipvs): string[] {
  return [...ipvs.served.keys()].filter((key) => /^(10\.96|192\.168|\[fd00)/.test(key));
}

function ours(ipvs: Ipvs) {
  return ourServers(ipvs).map((key) => ipvs.served.get(key)!);
}
