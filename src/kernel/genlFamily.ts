/**
 * A netlink socket of one generic netlink family: looks the family's number up by name (which loads
 * the kernel's module), and again when the module was reloaded meanwhile. Commands and their
 * meaning are the caller's.
 */
import { constants } from 'node:os';
import type { ByteWriter } from '../net/bytes.ts';
import { GENL_ID_CTRL, NETLINK_GENERIC } from '../netlink/constants.ts';
import { decodeFamily, encodeGetFamily } from '../netlink/genl.ts';
import type { MessageHead } from '../netlink/message.ts';
import { type OpenSocket, openSocket, type SocketOptions } from './addon.ts';
import { hasCode, KernelError } from './errors.ts';
import { type Decode, type NetlinkRequest, NetlinkSocket, type Outcome } from './netlinkSocket.ts';

export type Encode = (out: ByteWriter, head: MessageHead) => void;
export type NamespaceOptions = Pick<SocketOptions, 'networkNamespacePath'>;

export class GenericSocket {
  readonly #name: string;
  readonly #socket: NetlinkSocket;
  #id: Promise<number> | undefined;

  constructor(name: string, options: NamespaceOptions = {}, open: OpenSocket = openSocket) {
    this.#name = name;
    this.#socket = new NetlinkSocket({ ...options, protocol: NETLINK_GENERIC }, open);
  }

  /** See {@link NetlinkSocket.execute}. */
  async execute(commands: readonly Encode[], batch?: number): Promise<readonly Outcome[]> {
    return this.#withFamily(
      (type) => this.#socket.execute(requests(type, commands), batch),
      (outcomes) => outcomes.length > 0 && outcomes.every(isNoEntry),
    );
  }

  /** See {@link NetlinkSocket.get}. */
  async get<T>(op: string, command: Encode, decode: Decode<T>): Promise<T> {
    return this.#reading((type) => this.#socket.get(op, { type, encode: command }, decode));
  }

  /** See {@link NetlinkSocket.dump}. */
  async dump<T>(
    op: string,
    commands: readonly Encode[],
    decode: Decode<T>,
  ): Promise<readonly (readonly T[])[]> {
    return this.#reading((type) => this.#socket.dump(op, requests(type, commands), decode));
  }

  close(): void {
    this.#socket.close();
  }

  async #reading<T>(read: (type: number) => Promise<T>): Promise<T> {
    const result = await this.#withFamily(
      (type) =>
        read(type).then(
          (value) => ({ value }),
          (error: unknown) => ({ error }),
        ),
      (outcome) => 'error' in outcome && hasCode(outcome.error, 'ENOENT'),
    );
    if ('error' in result) throw result.error;
    return result.value;
  }

  /**
   * A stale number is answered ENOENT like some honest refusals, so it is looked up again before
   * that answer is believed; nothing is sent twice unless the number has changed.
   */
  async #withFamily<R>(run: (type: number) => Promise<R>, mayBeStale: (result: R) => boolean) {
    const known = await this.#resolve();
    const result = await run(known);
    if (!mayBeStale(result)) return result;
    this.#id = undefined;
    const current = await this.#resolve();
    return current === known ? result : run(current);
  }

  #resolve(): Promise<number> {
    this.#id ??= this.#lookUp().catch((error: unknown) => {
      this.#id = undefined;
      throw error;
    });
    return this.#id;
  }

  async #lookUp(): Promise<number> {
    const op = `look up generic netlink family ${this.#name}`;
    const request: NetlinkRequest = {
      type: GENL_ID_CTRL,
      encode: (out, head) => {
        encodeGetFamily(out, head, this.#name);
      },
    };
    try {
      const family = await this.#socket.get(op, request, decodeFamily);
      return family.id;
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error;
      const hint = `this kernel has no ${this.#name} and could not load it: install or load its module`;
      throw new KernelError({ op, errno: constants.errno.ENOENT, hint, cause: error });
    }
  }
}

function requests(type: number, commands: readonly Encode[]): NetlinkRequest[] {
  return commands.map((encode) => ({ type, encode }));
}

function isNoEntry(outcome: Outcome): boolean {
  return outcome.errno === constants.errno.ENOENT;
}
