/**
 * One connection of a process of this node, carried to an endpoint. Each direction ends by itself
 * (a client that has sent everything may still wait for the answer), and a reset is passed on as a
 * reset.
 */
import { connect, type Socket } from 'node:net';
import type { Endpoint } from '../../model/servicePort.ts';

/** A peer that is gone without a word is noticed some time. */
const KEEP_ALIVE_MS = 60_000;
/** Where one side has ended and the other never does; kube-proxy's default for CLOSE_WAIT. */
const HALF_CLOSED_MS = 3_600_000;

/**
 * @param timeoutMs for the endpoint to answer
 * @returns undefined when it does not, or `signal` fires first
 */
export function reach(
  { address, port }: Endpoint,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, allowHalfOpen: true, noDelay: true });
    const settle = (reached: Socket | undefined) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', fail);
      socket.off('error', fail);
      if (reached === undefined) socket.on('error', () => undefined).destroy();
      resolve(reached);
    };
    const fail = () => settle(undefined);
    const timer = setTimeout(fail, timeoutMs);
    signal.addEventListener('abort', fail);
    socket.once('connect', () => settle(socket)).once('error', fail);
    if (signal.aborted) fail();
  });
}

/** Both have to be half-open sockets. Resolves when both are closed; never rejects. */
export function relay(client: Socket, endpoint: Socket): Promise<void> {
  const sides = [
    [client, endpoint],
    [endpoint, client],
  ] as const;
  const ends = sides.map(([from, to]) => {
    from.setKeepAlive(true, KEEP_ALIVE_MS);
    // Ends the other side's writing when this one has been read to its end.
    from.pipe(to);
    from.once('end', () => to.setTimeout(HALF_CLOSED_MS, () => to.resetAndDestroy()));
    return new Promise<void>((resolve) => {
      from
        .on('error', () => undefined)
        .once('close', (hadError) => {
          if (hadError || !from.readableEnded) to.resetAndDestroy();
          resolve();
        });
    });
  });
  return Promise.all(ends).then(() => undefined);
}
