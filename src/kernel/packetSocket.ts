/**
 * A packet socket of the native addon seen from TypeScript: whole Ethernet frames of one interface
 * and one EtherType. Checks arguments before they cross over and turns refusals into KernelError;
 * what frames mean is decided by wire/, when they are sent by whoever opens one.
 */
import { loadedAddon, translated, translatedLater } from './addon.ts';
import { isNotPermitted, KernelError } from './errors.ts';

export interface PacketSocketOptions {
  /** of the interface, as rtnetlink numbers them */
  readonly ifindex: number;
  /** linux/if_ether.h (ETH_P_*): 0x0806, 0x86dd */
  readonly etherType: number;
  /** `struct sock_filter[]`, 1 to 4096 instructions (wire/socketFilters.ts); absent: all pass */
  readonly filter?: Uint8Array;
  /** such as /run/netns/node1; absent = the namespace of this process */
  readonly networkNamespacePath?: string;
}

export interface ReceivedFrames {
  /** frames back to back, each cut to 2,048 bytes; {@link framesOf} takes them apart */
  readonly bytes: Uint8Array;
  readonly lengths: Uint32Array;
  /** frames that the kernel had no room for since those of the last time */
  readonly dropped: number;
}

/**
 * One `receive` at a time (EBUSY otherwise); the rest at any time. All failures are KernelErrors.
 * ENETDOWN, ENXIO and ENODEV mean that the interface went: this socket is of no use any more.
 */
export interface PacketSocket {
  /**
   * Waits for frames to this node, to its groups or to everybody, by no VLAN of the interface;
   * never what this node sends. Up to 64 at a time.
   *
   * @param timeoutMs -1: no limit; ETIMEDOUT, or ECANCELED by close
   */
  receive(timeoutMs: number): Promise<ReceivedFrames>;
  /**
   * Sends whole frames in this order, without waiting: they have gone when the call returns.
   *
   * @returns how many went, from the first on; fewer where the device's queue is full or one is
   * refused: sending the rest tells why
   */
  send(frames: readonly Uint8Array[]): number;
  /** @param mac 6 bytes; the device lets frames to this group pass, switches are told nothing */
  joinMulticast(mac: Uint8Array): void;
  /** Throws away what is queued. @returns how many frames */
  drain(): number;
  /** Idempotent; ends a `receive` that waits. */
  close(): void;
}

/** Tests put a function in its place that plays the segment. */
export type OpenPacketSocket = (options: PacketSocketOptions) => PacketSocket;

const INSTRUCTION_BYTES = 8;
const MAX_INSTRUCTIONS = 4096;

/** What is queued already when it returns passed the filter; nothing came before it. */
export const openPacketSocket: OpenPacketSocket = (options) => {
  checkOptions(options);
  const { PacketSocket } = loadedAddon();
  const on = `on interface ${options.ifindex}`;
  const native = opened(`open packet socket ${on}`, () => new PacketSocket(options));
  return {
    receive: (timeoutMs) =>
      translatedLater(`receive frames ${on}`, () => native.receive(timeoutMs)),
    send: (frames) => translated(`send frames ${on}`, () => native.send(frames)),
    joinMulticast: (mac) => {
      translated(`join a multicast group ${on}`, () => {
        native.joinMulticast(mac);
      });
    },
    drain: () => translated(`drain packet socket ${on}`, () => native.drain()),
    close: () => {
      native.close();
    },
  };
};

/** Views of the frames, good as long as the bytes are. */
export function* framesOf({ bytes, lengths }: ReceivedFrames): Generator<Uint8Array> {
  let at = 0;
  for (const length of lengths) {
    yield bytes.subarray(at, at + length);
    at += length;
  }
}

function opened(op: string, open: () => PacketSocket): PacketSocket {
  try {
    return translated(op, open);
  } catch (error) {
    if (!(error instanceof KernelError) || !isNotPermitted(error)) throw error;
    throw error.withHint('it takes root or CAP_NET_RAW in this network namespace');
  }
}

function checkOptions({ ifindex, etherType, filter }: PacketSocketOptions): void {
  checkNumber('ifindex', ifindex, 0x7fff_ffff);
  checkNumber('etherType', etherType, 0xffff);
  if (filter === undefined) return;
  checkNumber('instructions of the filter', filter.length / INSTRUCTION_BYTES, MAX_INSTRUCTIONS);
}

function checkNumber(name: string, value: number, limit: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= limit) return;
  throw new RangeError(`${name}: ${value}, not an integer between 1 and ${limit}`);
}
