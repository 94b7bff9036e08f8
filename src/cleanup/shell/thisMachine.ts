/** A cleanup's parts on the machine that this process runs on. */
import { access } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DataplaneOptions } from '../../dataplane/options.ts';
import { desiredIptables } from '../../desired/iptables.ts';
import { interfaceAddresses } from '../../desired/nodeAddresses.ts';
import { serviceRules } from '../../desired/serviceContributor.ts';
import { IpsetClient } from '../../kernel/ipset.ts';
import { IpvsClient } from '../../kernel/ipvsClient.ts';
import { KernelHostObserver } from '../../kernel/hostObserver.ts';
import { LEDGER_FILE } from '../../kernel/ledger.ts';
import { LinkClient } from '../../kernel/linkClient.ts';
import { run } from '../../kernel/exec.ts';
import { SysctlClient } from '../../kernel/sysctl.ts';
import { SysctlNotes } from '../../kernel/sysctlNotes.ts';
import { FAMILIES } from '../../net/family.ts';
import type { CleanupParts } from './findState.ts';
import { NFT_KERNEL } from './otherModes.ts';

const IPVS_FILE = '/proc/net/ip_vs';

/** Which jumps there are depends on no option. */
const ANY_OPTIONS: DataplaneOptions = {
  scheduler: 'rr',
  masqueradeAll: false,
  masqueradeBit: 14,
  strictArp: false,
  allowsExternalIPs: true,
  excludeCidrs: [],
  nodePortAddresses: [],
  detectLocal: { IPv4: { kind: 'none' }, IPv6: { kind: 'none' } },
  timeoutsSec: { tcp: 0, tcpFin: 0, udp: 0 },
};

export function thisMachine(): {
  readonly parts: CleanupParts;
  readonly close: () => Promise<void>;
} {
  const ipvs = new IpvsClient();
  const links = new LinkClient();
  const sets = new IpsetClient();
  const observer = new KernelHostObserver({
    nodeName: hostname(),
    hasRandomFully: true,
    apiServerAddresses: [],
  });
  const parts: CleanupParts = {
    ipvs,
    links,
    sets,
    // Without a book of its own: what is put back is nobody's to put back again.
    sysctls: new SysctlClient('/proc/sys', null),
    notes: new SysctlNotes(),
    hasIpvs: () =>
      access(IPVS_FILE).then(
        () => true,
        () => false,
      ),
    look: { run },
    nft: NFT_KERNEL,
    jumps: desiredIptables([{ rules: serviceRules }], ANY_OPTIONS, {
      families: FAMILIES,
      hasRandomFully: true,
    }),
    nodeAddresses: async () => new Set(interfaceAddresses(await observer.read())),
    ledgerFile: LEDGER_FILE,
    sleep: (ms) => sleep(ms),
  };
  const close = async () => {
    ipvs.close();
    links.close();
    observer.close();
    await sets.close();
  };
  return { parts, close };
}
