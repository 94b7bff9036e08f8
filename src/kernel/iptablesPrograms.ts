/** The programs of iptables: what each variant of them is called, and whether it is installed. */
import { access, constants } from 'node:fs/promises';
import path from 'node:path';
import type { Family } from '../net/family.ts';

export type IptablesVariant = 'legacy' | 'nft' | 'plain';

export const PROGRAM: Readonly<Record<Family, string>> = { IPv4: 'iptables', IPv6: 'ip6tables' };

/** @returns `ip6tables-nft-save`; the plain name where the system has but one variant */
export function programName(
  family: Family,
  variant: IptablesVariant,
  tool: '' | '-save' | '-restore' = '',
): string {
  return `${PROGRAM[family]}${variant === 'plain' ? '' : `-${variant}`}${tool}`;
}

/**
 * Whether a program can be run at all, without running it: processes are what start-up time is made
 * of.
 */
export type IsInstalled = (program: string) => Promise<boolean>;

export const isInPath: IsInstalled = async (program) => {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter);
  const checks = folders.map((folder) => access(path.join(folder, program), constants.X_OK));
  return (await Promise.allSettled(checks)).some(({ status }) => status === 'fulfilled');
};
