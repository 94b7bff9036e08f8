/** A nodePort at one loopback address: accepts, picks an endpoint, relays. */
import { createServer, type Server, type Socket } from 'node:net';
import { type DestinationKey, destinationKey } from '../../dataplane/state.ts';
import type { HostPort } from '../../net/hostPort.ts';
import type { EndpointPicker } from '../endpointPicker.ts';
import type { Forward } from '../forward.ts';
import type { RelayLimit } from './relayLimit.ts';
import { reach, relay } from './relay.ts';

export interface ListenerParts {
  readonly at: HostPort;
  /** as it is now; undefined: gone */
  readonly forward: () => Forward | undefined;
  readonly picker: EndpointPicker;
  readonly limit: RelayLimit;
  readonly onEnded: (outcome: RelayOutcome) => void;
}

export type RelayOutcome = 'forwarded' | 'unreachable' | 'limit';

/** Of the endpoints of one connection; one that is just going is passed over. */
const MAX_TRIES = 4;
const REACH_MS = 3_000;

export class LocalhostListener {
  readonly #parts: ListenerParts;
  readonly #server: Server;
  readonly #ending = new AbortController();
  readonly #sockets = new Set<Socket>();

  constructor(parts: ListenerParts) {
    this.#parts = parts;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      // What it says before anybody listens must not end the process.
      socket.on('error', () => undefined);
      void this.#serve(socket);
    });
  }

  get isListening(): boolean {
    return this.#server.listening;
  }

  /** @throws Error, such as EADDRINUSE */
  listen(): Promise<void> {
    const { address: host, port } = this.#parts.at;
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host, port }, () => {
        this.#server.off('error', reject);
        // Running out of descriptors is one connection's trouble.
        this.#server.on('error', () => undefined);
        resolve();
      });
    });
  }

  /** No new connections. @returns when the last of those that are open has ended by itself */
  retire(): Promise<void> {
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  /** At once, with all connections. */
  close(): void {
    this.#server.close();
    this.#ending.abort();
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async #serve(client: Socket): Promise<void> {
    const { limit, onEnded, at } = this.#parts;
    const release = limit.take(at.port);
    if (release === undefined) {
      client.resetAndDestroy();
      return onEnded('limit');
    }
    try {
      onEnded(await this.#forward(client));
    } finally {
      release();
    }
  }

  async #forward(client: Socket): Promise<RelayOutcome> {
    const { forward: current, picker } = this.#parts;
    const from = client.remoteAddress ?? '';
    const tried = new Set<DestinationKey>();
    const gone = new AbortController();
    client.once('close', () => gone.abort());
    const signal = AbortSignal.any([gone.signal, this.#ending.signal]);
    while (tried.size < MAX_TRIES && !signal.aborted) {
      const forward = current();
      const endpoint = forward && picker.pick(forward, from, tried);
      if (forward === undefined || endpoint === undefined) break;
      const ended = picker.opened(forward, from, endpoint);
      const socket = await reach(endpoint, REACH_MS, signal);
      try {
        if (socket !== undefined && !client.destroyed) {
          await relay(client, socket);
          return 'forwarded';
        }
        socket?.destroy();
      } finally {
        ended();
      }
      tried.add(destinationKey(endpoint));
    }
    client.resetAndDestroy();
    return 'unreachable';
  }
}
