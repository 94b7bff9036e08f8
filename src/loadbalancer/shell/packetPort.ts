/**
 * The packet socket of one interface and one family: opened, read without end, and opened again
 * when it has failed, for as long as the interface is there. What frames mean is not known here.
 */
import { hasCode } from '../../kernel/errors.ts';
import {
  framesOf,
  openPacketSocket,
  type OpenPacketSocket,
  type PacketSocket,
} from '../../kernel/packetSocket.ts';
import type { Family } from '../../net/family.ts';
import type { Clock } from '../../time/clock.ts';
import { ETHERTYPE_ARP, ETHERTYPE_IPV6 } from '../../wire/ethernet.ts';
import { arpFilter, neighborFilter } from '../../wire/socketFilters.ts';
import type { CarrierInterface } from '../responder/carrierInterfaces.ts';

/** Before it is opened again; doubled each time that this fails. */
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 5000;

export interface PacketPortOptions {
  readonly clock: Clock;
  /** @returns the answers, which are sent at once */
  readonly onFrames: (
    interfaceName: string,
    family: Family,
    frames: Iterable<Uint8Array>,
  ) => readonly Uint8Array[];
  /** So many were answered, so long after they had been read. */
  readonly onAnswered?: (count: number, tookMs: number) => void;
  /** undefined: it works again */
  readonly onFailure: (subject: string, error: unknown) => void;
  /** tests put a function in its place */
  readonly openPacketSocket?: OpenPacketSocket;
}

export class PacketPort {
  readonly #options: PacketPortOptions;
  readonly #carrier: Pick<CarrierInterface, 'name' | 'ifindex'>;
  readonly #family: Family;
  /** frames that were lost on the way: by the kernel, for want of room, or when they were sent */
  dropped = 0;
  #socket: PacketSocket | undefined;
  #retryMs = FIRST_RETRY_MS;
  #cancelRetry = (): void => undefined;
  #isFailing = false;
  #isClosed = false;

  constructor(
    carrier: Pick<CarrierInterface, 'name' | 'ifindex'>,
    family: Family,
    options: PacketPortOptions,
  ) {
    this.#carrier = carrier;
    this.#family = family;
    this.#options = options;
    this.#open();
  }

  /** What does not go is lost, and counted. */
  send(frames: readonly Uint8Array[]): void {
    if (frames.length === 0) return;
    let sent = 0;
    try {
      sent = this.#socket?.send(frames) ?? 0;
    } catch (error) {
      // ENOBUFS and the like pass by themselves.
      if (isGone(error)) this.#fail(error);
    }
    this.dropped += frames.length - sent;
  }

  drain(): void {
    try {
      this.#socket?.drain();
    } catch (error) {
      this.#fail(error);
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelRetry();
    this.#shut();
    if (this.#isFailing) this.#options.onFailure(this.#subject, undefined);
  }

  get #subject(): string {
    const protocol = this.#family === 'IPv4' ? 'ARP' : 'Neighbor Discovery';
    return `${protocol} on ${this.#carrier.name}`;
  }

  #open(): void {
    const isArp = this.#family === 'IPv4';
    const open = this.#options.openPacketSocket ?? openPacketSocket;
    try {
      this.#socket = open({
        ifindex: this.#carrier.ifindex,
        etherType: isArp ? ETHERTYPE_ARP : ETHERTYPE_IPV6,
        filter: isArp ? arpFilter() : neighborFilter(),
      });
    } catch (error) {
      this.#fail(error);
      return;
    }
    void this.#serve(this.#socket);
  }

  async #serve(socket: PacketSocket): Promise<void> {
    const { onFrames, onFailure, onAnswered, clock } = this.#options;
    const { name } = this.#carrier;
    try {
      for (;;) {
        const received = await socket.receive(-1);
        const readMs = clock.monotonicMs();
        if (this.#socket !== socket) return;
        this.#retryMs = FIRST_RETRY_MS;
        if (this.#isFailing) onFailure(this.#subject, undefined);
        this.#isFailing = false;
        this.dropped += received.dropped;
        const answers = onFrames(name, this.#family, framesOf(received));
        this.send(answers);
        if (answers.length > 0) onAnswered?.(answers.length, clock.monotonicMs() - readMs);
      }
    } catch (error) {
      if (this.#socket === socket) this.#fail(error);
    }
  }

  /**
   * An interface that goes is told by rtnetlink, in a moment; that is no failure. One that is still
   * there then is.
   */
  #fail(error: unknown): void {
    this.#shut();
    if (this.#isClosed) return;
    if (!isGone(error) || this.#retryMs > FIRST_RETRY_MS) {
      this.#isFailing = true;
      this.#options.onFailure(this.#subject, error);
    }
    this.#cancelRetry = this.#options.clock.after(this.#retryMs, () => this.#open());
    this.#retryMs = Math.min(LONGEST_RETRY_MS, 2 * this.#retryMs);
  }

  #shut(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
  }
}

const isGone = (error: unknown): boolean => hasCode(error, 'ENETDOWN', 'ENXIO', 'ENODEV');
