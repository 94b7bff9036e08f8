/** What the iptables programs say when they refuse, with the rule that they mean and what to do. */
import { ExecError, NET_ADMIN_CURE } from './errors.ts';
import { isMissingProgram } from './exec.ts';

/** Exit code of a program that waited for the lock in vain, among other things. */
const LOCKED = 4;

/** Somebody holds the lock that all tables of all families have in common. */
export function isLocked(error: unknown): error is ExecError {
  return error instanceof ExecError && error.exitCode === LOCKED && error.stderr.includes('lock');
}

/**
 * Adds the line that the program complains about, and what to do.
 *
 * @param stdin what it was given to restore
 */
export function explained(error: ExecError, stdin: string): ExecError {
  const { argv, exitCode, cause } = error;
  const stderr = error.stderr.trim();
  const number = /line:? (\d+)/.exec(stderr)?.[1];
  const line = number === undefined ? undefined : stdin.split('\n')[Number(number) - 1];
  const remarks = [
    line === undefined || line === 'COMMIT' ? undefined : `in: ${line}`,
    cureFor(error),
  ].filter((text) => text !== undefined);
  const text = remarks.length === 0 ? stderr : `${stderr} (${remarks.join('; ')})`;
  return new ExecError({ argv, exitCode, stderr: text, cause });
}

function cureFor(error: ExecError): string | undefined {
  const { stderr } = error;
  if (isMissingProgram(error)) return undefined;
  if (/[Pp]ermission denied|Operation not permitted/.test(stderr)) return NET_ADMIN_CURE;
  if (isLocked(error)) return 'another program holds /run/xtables.lock; it is tried again';
  if (/Couldn't load match|No chain\/target\/match by that name/.test(stderr))
    return 'a netfilter module of the kernel is missing: xt_set, xt_comment, xt_mark, xt_addrtype, xt_conntrack or xt_MASQUERADE';
  return undefined;
}
