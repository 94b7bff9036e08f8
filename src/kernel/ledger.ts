/**
 * The virtual servers that we programmed on addresses that are not on our dummy device (NodePorts,
 * Services on the node's own address), written to a file so that the next process knows them as
 * ours and may remove them. Nothing else tells such a server from one that keepalived or an
 * administrator made. A lost ledger costs a left-over, never a foreign server.
 */
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { ServerKey } from '../dataplane/state.ts';
import { replaceFile } from './replaceFile.ts';

/** tmpfs: lives exactly as long as the kernel state it describes. */
export const LEDGER_FILE = '/run/kube-ipvs/ledger.json';

const VERSION = 1;

export class Ledger {
  readonly #file: string;
  #keys: Set<ServerKey>;
  /** counts the changes */
  #revision = 0;
  /** that the file holds */
  #savedRevision = 0;

  private constructor(file: string, keys: Set<ServerKey>) {
    this.#file = file;
    this.#keys = keys;
  }

  /** A missing or unreadable file is an empty ledger. */
  static async open(file: string = LEDGER_FILE): Promise<Ledger> {
    return new Ledger(file, new Set(await readKeys(file)));
  }

  has(key: ServerKey): boolean {
    return this.#keys.has(key);
  }

  /** It holds what the file does not. */
  get isDirty(): boolean {
    return this.#revision !== this.#savedRevision;
  }

  add(key: ServerKey): void {
    if (!this.#keys.has(key)) this.#revision++;
    this.#keys.add(key);
  }

  delete(key: ServerKey): void {
    if (this.#keys.delete(key)) this.#revision++;
  }

  /**
   * Writes the file if something changed. Only a file that is in place counts: after a failure
   * everything is still to be written.
   */
  async save(): Promise<void> {
    if (!this.isDirty) return;
    const revision = this.#revision;
    const servers = [...this.#keys].sort();
    await mkdir(path.dirname(this.#file), { recursive: true });
    await replaceFile(this.#file, JSON.stringify({ version: VERSION, servers }));
    this.#savedRevision = revision;
  }
}

async function readKeys(file: string): Promise<readonly ServerKey[]> {
  try {
    const content: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (typeof content !== 'object' || content === null || !('servers' in content)) return [];
    const { servers } = content;
    return Array.isArray(servers) ? servers.filter((key) => typeof key === 'string') : [];
  } catch {
    return [];
  }
}
