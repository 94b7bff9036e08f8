/**
 * What each sysctl was before this program set it for the first time, written to a file before it
 * is set, so that `cleanup` can put it back: the value is nowhere else. Several processes note here
 * (the init container, the proxy), one after the other.
 */
import { mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { replaceFile } from './replaceFile.ts';

/** tmpfs: lives exactly as long as the settings that it tells of. */
export const SYSCTL_NOTES_FILE = '/run/kube-ipvs/sysctls.json';

const VERSION = 1;

export interface SysctlNote {
  /** found when it was set for the first time */
  readonly before: string;
  /** set last; what stands there instead is somebody else's */
  readonly written: string;
}

export type SysctlNoteMap = ReadonlyMap<string, SysctlNote>;

export class SysctlNotes {
  readonly #file: string;

  /** @param file another one in tests */
  constructor(file: string = SYSCTL_NOTES_FILE) {
    this.#file = file;
  }

  /** By path below /proc/sys. A missing or unreadable file has none. */
  async read(): Promise<SysctlNoteMap> {
    try {
      const content: unknown = JSON.parse(await readFile(this.#file, 'utf8'));
      return new Map(entriesOf(content).filter(isNoteEntry));
    } catch {
      return new Map();
    }
  }

  /** The first value that is noted of a sysctl stays its value before. @throws Error */
  async add(notes: SysctlNoteMap): Promise<void> {
    const known = await this.read();
    const merged = [...notes].map(([name, { before, written }]) => {
      const first = known.get(name)?.before ?? before;
      return [name, { before: first, written }] as const;
    });
    await this.#write(new Map([...known, ...merged]));
  }

  /** They hold what they held before. @throws Error */
  async remove(names: ReadonlySet<string>): Promise<void> {
    const left = [...(await this.read())].filter(([name]) => !names.has(name));
    if (left.length === 0) await rm(this.#file, { force: true });
    else await this.#write(new Map(left));
  }

  async #write(notes: SysctlNoteMap): Promise<void> {
    await mkdir(path.dirname(this.#file), { recursive: true });
    const sysctls = Object.fromEntries([...notes].toSorted(([a], [b]) => (a < b ? -1 : 1)));
    await replaceFile(this.#file, JSON.stringify({ version: VERSION, sysctls }));
  }
}

function entriesOf(content: unknown): [string, unknown][] {
  if (typeof content !== 'object' || content === null || !('sysctls' in content)) return [];
  const { sysctls } = content;
  return typeof sysctls === 'object' && sysctls !== null ? Object.entries(sysctls) : [];
}

function isNoteEntry(entry: [string, unknown]): entry is [string, SysctlNote] {
  const note = entry[1] as Partial<SysctlNote> | null;
  return typeof note?.before === 'string' && typeof note.written === 'string';
}
