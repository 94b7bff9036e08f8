/** `ipvsadm -L --timeout` and `--daemon`. */
import { IP_VS_STATE_MASTER } from '../../netlink/constants.ts';
import type { SyncDaemon, Timeouts } from '../../netlink/ipvs.ts';

export function formatTimeouts({ tcpSec, tcpFinSec, udpSec }: Timeouts): string {
  return `Timeout (tcp tcpfin udp): ${tcpSec} ${tcpFinSec} ${udpSec}\n`;
}

/** @param daemons none, the master, the backup, or both in this order */
export function formatDaemons(daemons: readonly SyncDaemon[]): string {
  return daemons.map(daemonLine).join('');
}

function daemonLine(daemon: SyncDaemon): string {
  const { state, multicastInterface, syncId } = daemon;
  const role = state === IP_VS_STATE_MASTER ? 'master' : 'backup';
  const group = daemon.multicastGroup ?? '';
  const { maxLength = 0, multicastPort = 0, multicastTtl = 0 } = daemon;
  return (
    `${role} sync daemon (mcast=${multicastInterface}, syncid=${syncId}, maxlen=${maxLength}, ` +
    `group=${group}, port=${multicastPort}, ttl=${multicastTtl})\n`
  );
}
