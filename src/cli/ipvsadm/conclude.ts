/**
 * The request that the options of a command line add up to, once each of them has been taken and
 * they fit the command.
 */
import type { ServiceIdentity, Timeouts } from '../../netlink/ipvs.ts';
import type { Draft } from './draft.ts';
import type { CommandName } from './optionTable.ts';
import type { ChangeRequest, ListRequest } from './request.ts';
import { BadValue, timeoutIn } from './values.ts';

/** @throws BadValue */
export function timeoutsFrom(words: readonly string[]): Timeouts {
  const [tcp, tcpFin, udp] = words;
  if (tcp === undefined || tcpFin === undefined || udp === undefined) {
    throw new BadValue('--set option requires 3 timeout values');
  }
  return { tcpSec: timeoutIn(tcp, 0), tcpFinSec: timeoutIn(tcpFin, 0), udpSec: timeoutIn(udp, 0) };
}

/** @throws BadValue @param command one that changes something */
export function changeFrom(
  command: Exclude<CommandName, 'list' | 'save' | 'restore'>,
  draft: Draft,
  timeouts: Timeouts | undefined,
): ChangeRequest {
  switch (command) {
    case 'add-service':
    case 'edit-service':
      return { command, service: draft.service() };
    case 'delete-service':
      return { command, service: draft.identity()! };
    case 'add-server':
    case 'edit-server': {
      const destination = draft.destination();
      return { command, service: draft.identity()!, destination };
    }
    case 'delete-server':
      return { command, service: draft.identity()!, destination: draft.server() };
    case 'zero': {
      const service = draft.identity();
      return service === undefined || isUnspecified(service) ? { command } : { command, service };
    }
    case 'set':
      return { command, timeouts: timeouts! };
    case 'start-daemon':
      return { command, daemon: draft.daemon() };
    case 'stop-daemon':
      return { command, daemon: draft.daemon() };
    default:
      return { command };
  }
}

const COLUMN_OPTIONS = ['stats', 'rate', 'thresholds', 'persistent-conn', 'tun-info'] as const;

/** @throws BadValue */
export function listFrom(draft: Draft): ListRequest {
  const has = (...names: readonly string[]) => names.some((name) => draft.given.has(name));
  const isOther = has('connection', 'timeout', 'daemon');
  const isPersistentOfSetting = has('timeout', 'daemon') && has('persistent-conn');
  if ((isOther && has('stats', 'rate', 'thresholds')) || isPersistentOfSetting) {
    throw new BadValue('options conflicts in the list command');
  }
  const isNumeric = has('numeric');
  if (has('connection')) {
    return { command: 'connections', isNumeric, hasEngineColumns: has('persistent-conn') };
  }
  if (has('timeout')) return { command: 'timeouts' };
  if (has('daemon')) return { command: 'daemons' };
  const selection = draft.identity();
  return {
    command: 'table',
    columns: COLUMN_OPTIONS.find((name) => has(name)) ?? 'normal',
    isExact: has('exact'),
    isNumeric,
    isSorted: !has('nosort'),
    ...(selection !== undefined && { selection }),
  };
}

/** For ipvsadm such a service is none. */
function isUnspecified(service: ServiceIdentity): boolean {
  if (service.fwmark !== undefined) return false;
  return service.port === 0 && (service.address === '0.0.0.0' || service.address === '::');
}
