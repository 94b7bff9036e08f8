/**
 * What the world outside this process refuses: the kernel (KernelError) or a program that was run
 * (ExecError). Both carry what is needed to act on them, asked by code and never by message. Which
 * refusals count as success is decided by the ports; whether to try again by the agent.
 */
import { constants } from 'node:os';
import { getSystemErrorMessage } from 'node:util';

/** Where one number has two names, the one the kernel's headers use for it. */
const PREFERRED_NAMES = new Set(['EOPNOTSUPP', 'EAGAIN']);

/** `ENOENT` for 2; `E4096` for a number without a name. */
export function errnoName(errno: number): string {
  const names = Object.entries(constants.errno)
    .filter(([, value]) => value === errno)
    .map(([name]) => name);
  return names.find((name) => PREFERRED_NAMES.has(name)) ?? names[0] ?? `E${errno}`;
}

export interface KernelErrorFields {
  /** what was tried, with its object: `add server 10.96.0.1:80/TCP` */
  readonly op: string;
  /** positive */
  readonly errno: number;
  /** the kernel's own words (NETLINK_EXT_ACK) */
  readonly extack?: string | undefined;
  /** likely reason and cure, where the errno alone misleads */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

export class KernelError extends Error {
  override readonly name = 'KernelError';
  readonly op: string;
  readonly errno: number;
  /** `EEXIST` */
  readonly code: string;
  readonly extack: string | undefined;

  constructor(fields: KernelErrorFields) {
    const { op, errno, extack, hint, cause } = fields;
    const code = errnoName(errno);
    const remarks = [extack, hint].filter((text) => text !== undefined).join('; ');
    const text = `${op}: ${code}, ${getSystemErrorMessage(-errno)}`;
    super(remarks === '' ? text : `${text} (${remarks})`, { cause });
    this.op = op;
    this.errno = errno;
    this.code = code;
    this.extack = extack;
  }

  /** The same refusal with what to do about it, for whoever knows what was asked. */
  withHint(hint: string): KernelError {
    const { op, errno, extack } = this;
    return new KernelError({ op, errno, extack, hint, cause: this });
  }
}

export interface ExecErrorFields {
  readonly argv: readonly string[];
  /** absent when it could not be started, or was ended by a signal */
  readonly exitCode?: number | undefined;
  readonly stderr: string;
  readonly cause?: unknown;
}

export class ExecError extends Error {
  override readonly name = 'ExecError';
  readonly argv: readonly string[];
  readonly exitCode: number | undefined;
  readonly stderr: string;

  constructor(fields: ExecErrorFields) {
    const { argv, exitCode, stderr, cause } = fields;
    const unended = isOfSpawn(cause) ? 'cannot be started' : 'did not run to its end';
    const end = exitCode === undefined ? unended : `exit code ${exitCode}`;
    const reason = stderr.trim() || (cause instanceof Error ? cause.message : '');
    super(`${argv.join(' ')}: ${end}${reason === '' ? '' : `: ${reason}`}`, { cause });
    this.argv = argv;
    this.exitCode = exitCode;
    this.stderr = stderr;
  }
}

/** Node's error of a child that never came to be. */
function isOfSpawn(cause: unknown): boolean {
  if (typeof cause !== 'object' || cause === null || !('syscall' in cause)) return false;
  return typeof cause.syscall === 'string' && cause.syscall.startsWith('spawn');
}

/**
 * True for a KernelError with one of these codes, and for Node's own system errors, which carry
 * `code` too.
 */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  if (typeof error !== 'object' || error === null || !('code' in error)) return false;
  return typeof error.code === 'string' && codes.includes(error.code);
}

/**
 * The thing to be changed or removed is not there, in the words of IPVS (ESRCH, ENOENT) or
 * rtnetlink (EADDRNOTAVAIL, ENODEV).
 */
export function isMissing(error: unknown): boolean {
  return hasCode(error, 'ENOENT', 'ESRCH', 'EADDRNOTAVAIL', 'ENODEV');
}

/**
 * No addon to talk to the kernel with, or a kernel without netlink: nothing that comes by itself.
 */
export function isNotImplemented(error: unknown): boolean {
  return hasCode(error, 'ENOSYS', 'EPROTONOSUPPORT');
}

/** nfnetlink without the module of the subsystem that was asked: to it an invalid message type. */
export function isUnknownSubsystem(error: unknown): boolean {
  return hasCode(error, 'EINVAL', 'EPROTONOSUPPORT');
}

/**
 * What a refusal of netfilter for want of permission takes, whichever program or socket was
 * refused.
 */
export const NET_ADMIN_CURE = 'it takes root or CAP_NET_ADMIN in this network namespace';

export function isNotPermitted(error: unknown): boolean {
  return hasCode(error, 'EPERM', 'EACCES');
}
