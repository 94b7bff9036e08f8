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
import type { Logger } from '../ops/log.ts';

export interface ConntrackSettingsParts {
  readonly log: Logger;
  /** for an Event on the Node: the table may have more connections than it can find quickly */
  readonly onReadOnlySysfs?: (message: string) => void;
  readonly sysctls?: Pick<SysctlClient, 'read' | 'apply'>;
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

const CURE = 'run it privileged, set them on the node, or leave them alone with 0';

export async function applyConntrackSettings(
  settings: ConntrackSettings,
  parts: ConntrackSettingsParts,
): Promise<void> {
  const {
    log,
    sysctls = new SysctlClient(),
    cpuCount = cpus().length || availableParallelism(),
  } = parts;
  const wanted = conntrackSysctls(settings, cpuCount);
  if (wanted.size === 0) return;
  try {
    const refused = await setSysctls(wanted, sysctls, log);
    const max = wanted.get(CONNTRACK_MAX);
    if (max !== undefined && !refused.has(CONNTRACK_MAX)) await growHash(Number(max), parts);
  } catch (error) {
    log.error(`conntrack settings were not applied; ${CURE}`, error);
  }
}

/** @returns the names of those that do not hold */
async function setSysctls(
  wanted: ReadonlyMap<string, string>,
  client: Pick<SysctlClient, 'read' | 'apply'>,
  log: Logger,
): Promise<ReadonlySet<string>> {
  const actual = await client.read([...wanted.keys()]);
  const absent = [...wanted.keys()].filter((name) => !actual.has(name));
  const changes = [...wanted]
    .filter(([name, value]) => actual.has(name) && actual.get(name) !== value)
    .map(([name, value]) => ({ op: 'setSysctl', name, value }) as const);
  const { outcomes } = await client.apply(changes);
  const failed = changes.flatMap(({ name, value }, i) => {
    const error = outcomes[i];
    return error === undefined ? [] : [{ name, value, error }];
  });
  tell({ absent, failed, isMaxForeign: isForeign(failed) }, log);
  const set = changes.filter((_, i) => outcomes[i] === undefined);
  for (const { name, value } of set) log.verbose(1, 'sysctl set', { name, value });
  return new Set([...absent, ...failed.map(({ name }) => name)]);
}

interface FailedSysctl {
  readonly name: string;
  readonly value: string;
  readonly error: Error;
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

function tell({ absent, failed, isMaxForeign }: Unset, log: Logger): void {
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
  log.error(`conntrack settings were not applied; ${CURE}`, told[0]!.error, { sysctls });
}

async function growHash(
  max: number,
  { log, onReadOnlySysfs, hashSize = hashSizeIn(HASH_SIZE_FILE) }: ConntrackSettingsParts,
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
      onReadOnlySysfs?.(message);
    } else {
      const cure = 'set the module parameter nf_conntrack.hashsize on the node';
      log.error(`the conntrack hash size was not set; ${cure}`, error);
    }
  }
}
