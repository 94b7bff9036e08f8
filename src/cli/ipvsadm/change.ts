/** A change as netlink messages, and a refusal of the kernel in ipvsadm's words. */
import { constants } from 'node:os';
import {
  encodeDeleteDaemon,
  encodeDeleteDestination,
  encodeDeleteService,
  encodeFlush,
  encodeNewDaemon,
  encodeNewDestination,
  encodeNewService,
  encodeSetDestination,
  encodeSetService,
  encodeSetTimeouts,
  encodeZero,
} from '../../netlink/ipvsRequests.ts';
import type { ByteWriter } from '../../net/bytes.ts';
import type { MessageHead } from '../../netlink/message.ts';
import type { ChangeRequest } from './request.ts';

const E = constants.errno;

/** Appends the one message that the change is. */
export function encodeChange(out: ByteWriter, head: MessageHead, change: ChangeRequest): void {
  switch (change.command) {
    case 'add-service':
      return encodeNewService(out, head, change.service);
    case 'edit-service':
      return encodeSetService(out, head, change.service);
    case 'delete-service':
      return encodeDeleteService(out, head, change.service);
    case 'add-server':
      return encodeNewDestination(out, head, change.service, change.destination);
    case 'edit-server':
      return encodeSetDestination(out, head, change.service, change.destination);
    case 'delete-server':
      return encodeDeleteDestination(out, head, change.service, change.destination);
    case 'flush':
      return encodeFlush(out, head);
    case 'zero':
      return encodeZero(out, head, change.service);
    case 'set':
      return encodeSetTimeouts(out, head, change.timeouts);
    case 'start-daemon':
      return encodeNewDaemon(out, head, change.daemon);
    case 'stop-daemon':
      return encodeDeleteDaemon(out, head, change.daemon);
  }
}

type Texts = Readonly<Record<number, string>>;

const NO_SERVICE = 'No such service';
const NO_SCHEDULER = 'Scheduler or persistence engine not found';
const NOT_DEFINED = 'Service not defined';

const TEXTS: Readonly<Partial<Record<ChangeRequest['command'], Texts>>> = {
  'add-service': { [E.EEXIST]: 'Service already exists', [E.ENOENT]: NO_SCHEDULER },
  'edit-service': { [E.ESRCH]: NO_SERVICE, [E.ENOENT]: NO_SCHEDULER },
  'delete-service': { [E.ESRCH]: NO_SERVICE },
  zero: { [E.ESRCH]: NO_SERVICE },
  'add-server': { [E.ESRCH]: NOT_DEFINED, [E.EEXIST]: 'Destination already exists' },
  'edit-server': { [E.ESRCH]: NOT_DEFINED, [E.ENOENT]: 'No such destination' },
  'delete-server': { [E.ESRCH]: NOT_DEFINED, [E.ENOENT]: 'No such destination' },
  'start-daemon': { [E.EEXIST]: 'Daemon has already run' },
  'stop-daemon': { [E.ESRCH]: 'No daemon is running' },
};

/** Those of ipvsadm, then those of the C library for what IPVS can answer besides. */
const COMMON_TEXTS: Texts = {
  [E.EPERM]: 'Permission denied (you must be root)',
  [E.EINVAL]: 'Invalid operation.  Possibly wrong module version, address not unicast, ...',
  [E.ENOPROTOOPT]: 'Protocol not available',
  [E.ENOMEM]: 'Memory allocation problem',
  [E.EOPNOTSUPP]: 'Operation not supported with IPv6',
  [E.EAFNOSUPPORT]: 'Operation not supported with specified address family',
  [E.EMSGSIZE]: 'Module is wrong version',
  [E.ENOENT]: 'No such file or directory',
  [E.ESRCH]: 'No such process',
  [E.EEXIST]: 'File exists',
  [E.ENODEV]: 'No such device',
  [E.EBUSY]: 'Device or resource busy',
  [E.ERANGE]: 'Numerical result out of range',
  [E.EADDRNOTAVAIL]: 'Cannot assign requested address',
  [E.ENOBUFS]: 'No buffer space available',
  [E.EAGAIN]: 'Resource temporarily unavailable',
};

export function refusalText(command: ChangeRequest['command'], errno: number): string {
  return TEXTS[command]?.[errno] ?? COMMON_TEXTS[errno] ?? `Unknown error ${errno}`;
}
