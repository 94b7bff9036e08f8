/**
 * Kernel parameters under /proc/sys, named by their path below it (`net/ipv4/vs/conntrack`). Which
 * values are right is decided in desired/; here is only how to read and write them, and what a
 * refusal means.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import path from 'node:path';
import type { Operation } from '../dataplane/operations.ts';
import { hasCode, KernelError } from './errors.ts';
import { SysctlNotes } from './sysctlNotes.ts';

export type SysctlOperation = Extract<Operation, { readonly op: 'setSysctl' }>;

export function isSysctlOperation(operation: Operation): operation is SysctlOperation {
  return operation.op === 'setSysctl';
}

export interface SysctlReport {
  /** one an operation, in the order given; undefined = it holds now */
  readonly outcomes: readonly (Error | undefined)[];
  readonly kernelWrites: number;
}

const ROOT = '/proc/sys';

export class SysctlClient {
  readonly #root: string;
  readonly #notes: Pick<SysctlNotes, 'add'> | null;

  /**
   * @param root another directory in tests
   * @param notes where the values before are kept; null: nowhere
   */
  constructor(
    root = ROOT,
    notes: Pick<SysctlNotes, 'add'> | null = root === ROOT ? new SysctlNotes() : null,
  ) {
    this.#root = root;
    this.#notes = notes;
  }

  /** Those that this kernel has; the words of a value with several are separated by one blank. */
  async read(names: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const values = await Promise.all(names.map((name) => this.#readOne(name)));
    const found = names.flatMap((name, i) => {
      const value = values[i];
      return value === undefined ? [] : [[name, value] as const];
    });
    return new Map(found);
  }

  /** In the order given; goes on after failures. */
  async apply(run: readonly SysctlOperation[]): Promise<SysctlReport> {
    if (this.#notes !== null && run.length > 0) await this.#note(run, this.#notes);
    const outcomes: (Error | undefined)[] = [];
    for (const operation of run) outcomes.push(await this.#writeOne(operation));
    return { outcomes, kernelWrites: run.length };
  }

  /** Before they are written: what a crash leaves behind is noted then. */
  async #note(run: readonly SysctlOperation[], notes: Pick<SysctlNotes, 'add'>): Promise<void> {
    try {
      const present = await this.read(run.map(({ name }) => name));
      const changed = run.flatMap(({ name, value }) => {
        const before = present.get(name);
        return before === undefined || before === value
          ? []
          : [[name, { before, written: value }] as const];
      });
      if (changed.length > 0) await notes.add(new Map(changed));
    } catch {
      // Services need the value more than cleanup does; the ledger beside it says what is wrong.
    }
  }

  async #writeOne({ name, value }: SysctlOperation): Promise<Error | undefined> {
    const file = this.#pathOf(name);
    try {
      await writeFile(file, value);
      return undefined;
    } catch (error) {
      return sysctlError(`set sysctl ${name} to ${value}`, name, error);
    }
  }

  async #readOne(name: string): Promise<string | undefined> {
    const file = this.#pathOf(name);
    try {
      return (await readFile(file, 'utf8')).trim().replaceAll(/\s+/g, ' ');
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined;
      throw sysctlError(`read sysctl ${name}`, name, error);
    }
  }

  #pathOf(name: string): string {
    if (!/^[\w.-]+(?:\/[\w.-]+)*$/.test(name) || name.split('/').includes('..'))
      throw new TypeError(`not the name of a sysctl: ${JSON.stringify(name)}`);
    return path.join(this.#root, name);
  }
}

function sysctlError(op: string, name: string, cause: unknown): KernelError {
  const errno = Math.abs((cause as NodeJS.ErrnoException).errno ?? constants.errno.EIO);
  return new KernelError({ op, errno, hint: hintFor(name, errno), cause });
}

function hintFor(name: string, errno: number): string | undefined {
  const { ENOENT, EACCES, EPERM, EROFS, EINVAL } = constants.errno;
  switch (errno) {
    case ENOENT:
      if (name.startsWith('net/ipv4/vs/'))
        return 'the kernel module ip_vs is not loaded, or too old to know it: modprobe ip_vs';
      return 'this kernel does not have it';
    case EACCES:
    case EPERM:
    case EROFS:
      return 'it takes root and a writable /proc/sys: a container must be privileged';
    case EINVAL:
      return 'the kernel does not take this value';
    default:
      return undefined;
  }
}
