/**
 * What somebody else can do to what is ours, as a script in the node's namespace, with what it is
 * counted as and what it does to connections until it is put right. For the cluster of
 * tampering.test.ts.
 */
import type { DriftKind } from '../../../src/dataplane/driftKinds.ts';

export const VIP4 = '10.96.0.10';
export const VIP6 = 'fd00:10:96::10';
/** of a Service that nobody asks: a destination with connections would have to be drained */
export const QUIET_VIP = '10.96.0.11';
/** the pod `a` */
const SERVED = '10.244.1.10:8080';

export interface Tampering {
  readonly title: string;
  readonly script: string;
  readonly counts: Readonly<Partial<Record<DriftKind, number>>>;
  /** new connections, and those just under way, may be lost until it is put right */
  readonly losesNew?: true;
  /**
   * Connections that the kernel itself ends: from Linux 5.9 on those to a destination that goes
   * away, with `expire_nodest_conn`.
   */
  readonly ends?: (connection: Connection) => boolean;
}

export interface Connection {
  /** of the Service */
  readonly address: string;
  /** name of the pod */
  readonly by: string;
}

const SERVER4 = `-t ${VIP4}:80`;
const SERVER6 = `-t [${VIP6}]:80`;
const PORTALS = '-m comment --comment "kubernetes service portals" -j KUBE-SERVICES';
const SET = 'KUBE-CLUSTER-IP';
const SET6 = 'KUBE-6-CLUSTER-IP';
const ENTRY = `${SET} ${VIP4},tcp:80`;

/** Told by the kernel: put right without an audit. */
export const OF_THE_DEVICE: readonly Tampering[] = [
  {
    title: "an address of each family is removed, and one that is nobody's is added",
    script: `
ip address del ${VIP4}/32 dev kube-ipvs0
ip address del ${VIP6}/128 dev kube-ipvs0
ip address add 192.0.2.77/32 dev kube-ipvs0`,
    counts: { address: 3 },
    losesNew: true,
  },
  {
    title: 'the device is deleted',
    script: 'ip link del kube-ipvs0',
    counts: { device: 1 },
    losesNew: true,
  },
];

/** Found by the audit. */
export const OF_THE_REST: readonly Tampering[] = [
  {
    title: 'virtual servers: one is deleted, one made persistent, one is added on our address',
    script: `
ipvsadm -D ${SERVER4}
ipvsadm -E ${SERVER6} -s rr -p 60
ipvsadm -A -t ${VIP4}:81 -s rr`,
    counts: { server: 3 },
    losesNew: true,
    ends: ({ address }) => address === VIP4,
  },
  {
    // Without its entry an address of ours is refused: KUBE-IPVS-FILTER.
    title: "a destination and an entry are deleted, and others that are nobody's are added",
    script: `
ipvsadm -d ${SERVER4} -r ${SERVED}
ipvsadm -a -t ${QUIET_VIP}:80 -r 10.244.1.99:8080 -m
ipset del ${ENTRY}
ipset add ${SET} 192.0.2.5,tcp:5`,
    counts: { destination: 2, entry: 2 },
    losesNew: true,
    ends: ({ address, by }) => address === VIP4 && by === 'a',
  },
  {
    title: 'schedulers and a weight are changed',
    script: `
ipvsadm -E ${SERVER4} -s sh
ipvsadm -E ${SERVER6} -s wlc
ipvsadm -e ${SERVER4} -r ${SERVED} -m -w 0`,
    counts: { scheduler: 2, weight: 1 },
  },
  {
    // As somebody must who wants to have the set itself: no rule may use it.
    title: 'sets: one is destroyed, one of another type, one has room for one',
    script: `set -e
iptables -t nat -F KUBE-POSTROUTING
for tables in iptables ip6tables; do
  $tables -t nat -F KUBE-SERVICES
  $tables -F KUBE-IPVS-FILTER
done
ipset destroy KUBE-LOOP-BACK
ipset destroy ${SET}
ipset create ${SET} hash:ip
ipset destroy ${SET6}
ipset create ${SET6} hash:ip,port family inet6 maxelem 1`,
    counts: { set: 3, chain: 5 },
    losesNew: true,
  },
  {
    title:
      'rules: a chain is emptied, a rule replaced, a jump deleted, one is there twice; a sysctl',
    script: `
iptables -t nat -F KUBE-POSTROUTING
ip6tables -t nat -R KUBE-MARK-MASQ 1 -j MARK --set-xmark 0x1/0x1
iptables -t nat -D PREROUTING ${PORTALS}
iptables -t nat -A OUTPUT ${PORTALS}
echo 0 > /proc/sys/net/ipv4/vs/expire_quiescent_template`,
    counts: { chain: 2, jump: 2, sysctl: 1 },
  },
];

/** With something wrong besides that is over before long. */
export const WITH_A_FAULT: readonly Tampering[] = [
  {
    title: 'a chain is emptied while the xtables lock is held for ten seconds',
    script: `
iptables -t nat -F KUBE-POSTROUTING
flock /run/xtables.lock sleep 10 > /dev/null 2>&1 &`,
    counts: { chain: 1 },
  },
  {
    title: 'an entry is deleted and the ipset child killed',
    script: `ipset del ${ENTRY}; pkill -KILL -x ipset`,
    counts: { entry: 1 },
    losesNew: true,
  },
];

/** Nothing of ours is left. */
export const REMOVE_EVERYTHING = `
ip link del kube-ipvs0
for server in ${VIP4}:80 [${VIP6}]:80 ${QUIET_VIP}:80; do ipvsadm -D -t $server; done
for tables in iptables ip6tables; do for table in nat filter; do
  $tables-save -t $table | grep -e '-[jg] KUBE-' | grep -v -e '-A KUBE-' | sed "s/^-A/$tables -t $table -D/" | sh
  for verb in F X; do
    $tables-save -t $table | sed -n "s/^:\\(KUBE-[^ ]*\\).*/$tables -t $table -$verb \\1/p" | sh
  done
done; done
for set in $(ipset list -n | grep KUBE-); do ipset destroy $set; done`;

/**
 * @param intact lines of `ipset save`, and of `iptables-save` with family and table before each
 * @returns what goes with {@link REMOVE_EVERYTHING}, but the sysctls
 */
export function everythingIn(intact: string): Tampering['counts'] {
  const count = (pattern: RegExp) => new Set(intact.match(pattern)).size;
  return {
    device: 1,
    server: 3,
    set: count(/^ *create KUBE-\S+/gm),
    chain: count(/^\S+ \S+ :KUBE-\S+/gm),
    jump: count(/^\S+ \S+ -A (?!KUBE-)\S+(?= .*-[jg] KUBE-)/gm),
  };
}
