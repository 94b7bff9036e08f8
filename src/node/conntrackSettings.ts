/**
 * Sets the size and the timeouts of the connection table as the configuration asks, once at the
 * start. Where kube-proxy ends when the kernel refuses one, this goes on: Services work all the
 * same, and the line says what to do.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { CONNTRACK_MAX, conntrackSysctls, missingHashSize } from '../config/conntrackSysctls.ts';
import type { ConntrackSettings } from '../config/resolve.ts';
import { hasCode } from '../kernel/errors.ts';
import { SysctlClient } from '../kernel/sysctl.ts';
import type { Conditions } from '../ops/conditions.ts';
import type { Logger } from '../ops/log.ts';
import { CONNTRACK_HASH_TOO_SMALL, CONNTRACK_NOT_SET } from './conditions.ts';
import { bringSysctls, type FailedSysctl, type Sysctls } from './sysctls.ts';

export interface ConntrackSettingsParts {
  readonly log: Logger;
  /** absent where nobody stays to look at them */
  readonly conditions?: Pick<Conditions, 'set'>;
  readonly sysctls?: Sysctls;
  readonly hashSize?: HashSize;
  /** of the machine, whatever this process may use of it */
  readonly cpuCount?: number;
}

/** Buckets of the table that finds connections; one for all network namespaces. */
export interface HashSize {
  read(): Promise<number>;
  write(size: number): Promise<void>;
}

const HASH_SIZE_FILE = '/sys/module/nf_conntrack/parameters/hashsize';

/** @param file the kernel's, another one in tests */
export function hashSizeIn(file: string): HashSize {
  return {
    read: async () => Number(await readFile(file, 'utf8')),
    write: (size) => writeFile(file, String(size)),
  };
}

const SUBJECT = 'nf_conntrack';
const CURE = 'run it privileged, set them on the node, or leave them alone with 0';

export async function applyConntrackSettings(
  settings: ConntrackSettings,
  parts: ConntrackSettingsParts,
): Promise<void> {
  const { sysctls = new SysctlClient(), cpuCount = cpus().length || availableParallelism() } =
    parts;
  const wanted = conntrackSysctls(settings, cpuCount);
  if (wanted.size === 0) return;
  try {
    const refused = await setSysctls(wanted, sysctls, parts);
    const max = wanted.get(CONNTRACK_MAX);
    if (max !== undefined && !refused.has(CONNTRACK_MAX)) await growHash(Number(max), parts);
  } catch (error) {
    refuse(parts, error);
  }
}

function refuse({ log, conditions }: ConntrackSettingsParts, error: unknown, sysctls?: string) {
  const message = `conntrack settings were not applied; ${CURE}`;
  log.error(message, error, sysctls === undefined ? undefined : { sysctls });
  conditions?.set(CONNTRACK_NOT_SET, SUBJECT, { message, error, isTold: true });
}

/** @returns the names of those that do not hold */
async function setSysctls(
  wanted: ReadonlyMap<string, string>,
  sysctls: Sysctls,
  parts: ConntrackSettingsParts,
): Promise<ReadonlySet<string>> {
  const { set, failed } = await bringSysctls(sysctls, wanted);
  const isAbsent = ({ error }: FailedSysctl) => hasCode(error, 'ENOENT');
  const absent = failed.filter((each) => isAbsent(each)).map(({ name }) => name);
  const refused = failed.filter((each) => !isAbsent(each));
  tell({ absent, failed: refused, isMaxForeign: isForeign(refused) }, parts);
  for (const { name, value } of set) parts.log.verbose(1, 'sysctl set', { name, value });
  return new Set(failed.map(({ name }) => name));
}

interface Unset {
  readonly absent: readonly string[];
  readonly failed: readonly FailedSysctl[];
  /** the maximum is readable and belongs to another network namespace */
  readonly isMaxForeign: boolean;
}

/** A file without the right to write, which even root has to heed; a read-only mount is EROFS. */
function isForeign(failed: readonly FailedSysctl[]): boolean {
  return failed.some(({ name, error }) => name === CONNTRACK_MAX && hasCode(error, 'EACCES'));
}

function tell({ absent, failed, isMaxForeign }: Unset, parts: ConntrackSettingsParts): void {
  const { log } = parts;
  if (absent.length > 0) {
    log.warning(
      'conntrack settings were skipped: this kernel or network namespace does not have them (modprobe nf_conntrack)',
      { sysctls: absent.join(' ') },
    );
  }
  if (isMaxForeign) {
    log.info("nf_conntrack_max was left alone: it can be set in the machine's own network only");
  }
  const told = failed.filter(({ name }) => !(isMaxForeign && name === CONNTRACK_MAX));
  if (told.length === 0) return;
  const sysctls = told.map(({ name, value }) => `${name}=${value}`).join(' ');
  refuse(parts, told[0]!.error, sysctls);
}

async function growHash(
  max: number,
  { log, conditions, hashSize = hashSizeIn(HASH_SIZE_FILE) }: ConntrackSettingsParts,
): Promise<void> {
  try {
    const size = missingHashSize(max, await hashSize.read());
    if (size === undefined) return;
    await hashSize.write(size);
    log.verbose(1, 'conntrack hash size set', { size });
  } catch (error) {
    if (hasCode(error, 'EOPNOTSUPP', 'ENOTSUP')) {
      log.verbose(1, "the conntrack hash size can be set in the machine's own network only");
    } else if (hasCode(error, 'EROFS')) {
      const message = `/sys is mounted read-only: the conntrack hash size stays too small for ${max} connections; set the module parameter nf_conntrack.hashsize on the node`;
      log.warning(message);
      conditions?.set(CONNTRACK_HASH_TOO_SMALL, SUBJECT, { message, isTold: true });
    } else {
      const cure = 'set the module parameter nf_conntrack.hashsize on the node';
      log.error(`the conntrack hash size was not set; ${cure}`, error);
    }
  }
}
