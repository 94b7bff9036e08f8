/** Sending more frames than a device's queue may have room for. */
import type { PacketSocket } from '../../../src/kernel/packetSocket.ts';
import { patience } from '../../lab/patience.ts';

/**
 * Sends all of them in their order, the rest again where the queue was full: a socket may have 277
 * small frames under way (net.core.wmem_default), which a busy machine takes off late.
 *
 * @throws when nothing goes for too long
 */
export async function sendAll(socket: PacketSocket, frames: readonly Uint8Array[]): Promise<void> {
  let sent = 0;
  let deadline = Date.now() + patience(10_000);
  while (sent < frames.length) {
    const count = socket.send(frames.slice(sent));
    sent += count;
    if (count > 0) deadline = Date.now() + patience(10_000);
    else if (Date.now() > deadline) throw new Error(`${sent} of ${frames.length} frames went`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
