/**
 * How many clients may be connected: every pod may connect, and file descriptors are what the proxy
 * starts iptables with.
 */
import type { Socket } from 'node:net';

export class ConnectionLimit {
  readonly #max: number;
  /** the oldest first */
  readonly #connections = new Set<Socket>();

  constructor(max: number) {
    this.#max = max;
  }

  /** How many are connected. */
  get size(): number {
    return this.#connections.size;
  }

  /**
   * The oldest makes room, and not the newest: else whoever holds them all would keep probes out.
   * The oldest of the peer that has most: a pod that opens thousands ends its own.
   */
  admit(socket: Socket): void {
    this.#connections.add(socket);
    socket.on('close', () => this.#connections.delete(socket));
    if (this.#connections.size <= this.#max) return;
    const ofPeers = [...Map.groupBy(this.#connections, (each) => each.remoteAddress).values()];
    const most = ofPeers.reduce((one, other) => (other.length > one.length ? other : one));
    this.#connections.delete(most[0]!);
    most[0]!.destroy();
  }
}
