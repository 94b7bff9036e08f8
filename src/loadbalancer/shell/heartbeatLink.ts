/**
 * Heartbeats on the network: UDP sockets of both families, signatures. What is not from somebody
 * with the key is dropped and counted here; who is believed of the others is peers/.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { type Address, familyOf, joinHostPort, parseAddress } from '../../net/address.ts';
import type { Family } from '../../net/family.ts';
import type { Clock } from '../../time/clock.ts';
import {
  decodeHeartbeat,
  encodeHeartbeat,
  type Heartbeat,
  type HeartbeatRefusal,
  joinSignature,
  splitSignature,
} from '../../wire/heartbeat.ts';
import type { Outgoing } from '../peers/peers.ts';
import { HeartbeatKeys } from './heartbeatKeys.ts';
import { SendFailures } from './sendFailures.ts';

/** Asked for; what a burst of long tables needs. The kernel gives no more than rmem_max. */
const RECEIVE_BUFFER_BYTES = 1 << 20;
const FAMILIES: readonly Family[] = ['IPv4', 'IPv6'];
const ANY: Readonly<Record<Family, Address>> = { IPv4: '0.0.0.0', IPv6: '::' };
/** A kernel without the family, or with the family switched off. */
const NO_FAMILY: readonly unknown[] = ['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EPROTONOSUPPORT'];

/** `signature`: of no key of ours; `source`: from an address that is none, or has a zone. */
export type DatagramRefusal = HeartbeatRefusal | 'signature' | 'source';

export interface HeartbeatLinkOptions {
  /** UDP, of all nodes the same; 0: any that is free, for tests */
  readonly port: number;
  /**
   * Ours, that datagrams are to come from and go to; absent: all. Peers take none from an address
   * that is not an InternalIP of this Node, and the kernel may choose another one.
   */
  readonly addresses?: readonly Address[] | undefined;
  /** path; undefined: not signed */
  readonly secretFile: string | undefined;
  readonly clock: Pick<Clock, 'after'>;
  readonly onHeartbeat: (heartbeat: Heartbeat, from: Address) => void;
  readonly onDropped: (reason: DatagramRefusal) => void;
  /** Each datagram that could not be sent. @param code an errno's name */
  readonly onSendFailure: (code: string) => void;
  /** tests put a function in its place */
  readonly createSocket?: typeof createSocket;
  /** What does not work, told once; undefined: works again. */
  readonly onFailure: (subject: string, error: Error | undefined) => void;
}

/** The port cannot be had; says which and what to do. */
export class HeartbeatPortError extends Error {
  override readonly name = 'HeartbeatPortError';
}

export class HeartbeatLink {
  /** Where we are heard, and what is sent goes to. */
  readonly port: number;
  readonly #options: HeartbeatLinkOptions;
  readonly #keys: HeartbeatKeys;
  readonly #sockets: ReadonlyMap<Family, Socket>;
  readonly #failures: SendFailures;
  /** told, and not over */
  #hasSocketError = false;
  #pending = 0;
  #onDrained = (): void => undefined;
  #isClosing = false;

  /** @throws HeartbeatKeyError, HeartbeatPortError */
  static async open(options: HeartbeatLinkOptions): Promise<HeartbeatLink> {
    const { secretFile, clock, onFailure } = options;
    const onProblem = (error: Error | undefined) => onFailure('heartbeat key', error);
    const keys = await HeartbeatKeys.open({ path: secretFile, clock, onProblem });
    try {
      return new HeartbeatLink(options, keys, await openSockets(options));
    } catch (error) {
      keys.close();
      throw error;
    }
  }

  private constructor(
    options: HeartbeatLinkOptions,
    keys: HeartbeatKeys,
    sockets: ReadonlyMap<Family, Socket>,
  ) {
    this.#options = options;
    this.#keys = keys;
    this.#sockets = sockets;
    this.#failures = new SendFailures(options.onFailure);
    for (const socket of sockets.values()) {
      socket.on('message', (datagram, from) => this.#receive(datagram, from));
      socket.on('error', (error) => this.#noteSocket(error));
    }
    const [socket] = sockets.values();
    this.port = socket!.address().port;
  }

  /** Families that datagrams can be sent by. */
  get families(): readonly Family[] {
    return [...this.#sockets.keys()];
  }

  /** What cannot be sent is counted, and told once. */
  send(outgoing: readonly Outgoing[]): void {
    if (this.#isClosing) return;
    this.#failures.countRound();
    for (const each of outgoing) this.#sendOne(each);
  }

  /** After what was given to be sent has gone. */
  async close(): Promise<void> {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#keys.close();
    if (this.#pending > 0) {
      await new Promise<void>((resolve) => {
        this.#onDrained = resolve;
      });
    }
    await Promise.all([...this.#sockets.values()].map(closed));
  }

  #sendOne({ to, heartbeat }: Outgoing): void {
    const socket = this.#sockets.get(familyOf(to));
    if (socket === undefined) return this.#sent(to, 'EAFNOSUPPORT');
    const signed = encodeHeartbeat(heartbeat);
    const datagram = joinSignature({ signed, signature: this.#keys.sign(signed) });
    this.#pending++;
    socket.send(datagram, this.port, to, (error: NodeJS.ErrnoException | null) => {
      this.#pending--;
      this.#sent(to, error === null ? undefined : (error.code ?? error.name));
      if (this.#pending === 0) this.#onDrained();
    });
  }

  #sent(to: Address, code: string | undefined): void {
    if (code !== undefined) this.#options.onSendFailure(code);
    this.#failures.note(to, code);
  }

  #receive(datagram: Uint8Array, { address }: RemoteInfo): void {
    if (this.#isClosing) return;
    this.#noteSocket(undefined);
    const read = this.#read(datagram);
    if (typeof read === 'string') return this.#options.onDropped(read);
    const from = parseAddress(address);
    if (from === undefined) return this.#options.onDropped('source');
    this.#options.onHeartbeat(read, from);
  }

  /** undefined: something came, so it works. */
  #noteSocket(error: Error | undefined): void {
    const hasError = error !== undefined;
    if (hasError !== this.#hasSocketError) this.#options.onFailure('heartbeat socket', error);
    this.#hasSocketError = hasError;
  }

  /** What costs most, the signature, last but for what only a holder of the key can make us do. */
  #read(datagram: Uint8Array): Heartbeat | DatagramRefusal {
    const parts = splitSignature(datagram);
    if (typeof parts === 'string') return parts;
    return this.#keys.isRight(parts) ? decodeHeartbeat(parts.signed) : 'signature';
  }
}

async function openSockets(options: HeartbeatLinkOptions): Promise<ReadonlyMap<Family, Socket>> {
  const sockets = new Map<Family, Socket>();
  let { port } = options;
  try {
    for (const family of FAMILIES) {
      const socket = await openSocket(family, port, options);
      if (socket === undefined) continue;
      sockets.set(family, socket);
      port = socket.address().port;
    }
    if (sockets.size === 0)
      throw new HeartbeatPortError('heartbeats: there is neither IPv4 nor IPv6');
    return sockets;
  } catch (error) {
    await Promise.all([...sockets.values()].map(closed));
    throw error;
  }
}

/** @returns undefined where there is no such family, or none of its addresses is ours */
async function openSocket(
  family: Family,
  port: number,
  { addresses, createSocket: create = createSocket }: HeartbeatLinkOptions,
): Promise<Socket | undefined> {
  const own = addresses?.find((address) => familyOf(address) === family);
  if (addresses !== undefined && own === undefined) return undefined;
  const address = own ?? ANY[family];
  const socket = create({
    type: family === 'IPv4' ? 'udp4' : 'udp6',
    ipv6Only: family === 'IPv6',
    recvBufferSize: RECEIVE_BUFFER_BYTES,
    // All are addresses already, and what is sent last goes before the socket is closed.
    lookup: (name, of, answer) => answer(null, name, of as number),
  });
  try {
    const listening = once(socket, 'listening');
    socket.bind({ address, port, exclusive: true });
    await listening;
    return socket;
  } catch (cause) {
    await closed(socket);
    const { code, message } = cause as NodeJS.ErrnoException;
    if (own === undefined && NO_FAMILY.includes(code)) return undefined;
    const cure =
      code === 'EADDRINUSE'
        ? 'another program has it, perhaps a second kube-ipvs; announcer.heartbeat.port of all nodes may be another one'
        : message;
    const place = joinHostPort(address, port);
    throw new HeartbeatPortError(`heartbeats: UDP ${place} cannot be had: ${cure}`, { cause });
  }
}

async function closed(socket: Socket): Promise<void> {
  const end = once(socket, 'close');
  socket.close();
  await end;
}
