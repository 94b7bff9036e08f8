/**
 * The listeners of health-check node ports: opened and closed until they are those that are wanted,
 * one step at a time, each tried again by itself while its place is taken.
 */
import type { ServerOptions } from 'node:http';
import type { ByFamily } from '../../desired/nodeAddresses.ts';
import { type Address, joinHostPort } from '../../net/address.ts';
import { ConnectionLimit } from '../../ops/connectionLimit.ts';
import type { HttpAnswer } from '../../ops/httpListener.ts';
import { HttpServer, type HttpServerOptions } from '../../ops/httpServer.ts';
import type { Logger } from '../../ops/log.ts';
import type { HealthCheck } from '../healthCheck.ts';
import { HEALTH_CHECK_PORT_NOT_SERVED } from './conditions.ts';

export interface HealthPortsParts extends Pick<HttpServerOptions, 'clock' | 'conditions'> {
  readonly log: Logger;
  readonly answer: (check: HealthCheck) => HttpAnswer;
  /** at each attempt that fails, with what is the matter */
  readonly onNotListening: (check: HealthCheck, problem: string) => void;
}

interface HealthPort {
  readonly check: HealthCheck;
  readonly address: Address;
}

/**
 * Load balancers ask now and then, from few addresses, over connections that some of them keep: one
 * that ends just when it is used again is a check that failed.
 */
const TIMES: ServerOptions = { keepAliveTimeout: 120_000, connectionsCheckingInterval: 5_000 };
/** Of all ports together. */
const MAX_CONNECTIONS = 512;

export class HealthPorts {
  readonly #parts: HealthPortsParts;
  readonly #connections = new ConnectionLimit(MAX_CONNECTIONS);
  readonly #servers = new Map<string, HttpServer>();
  #wanted: ReadonlyMap<string, HealthPort> = new Map();
  #work: Promise<void> = Promise.resolve();

  constructor(parts: HealthPortsParts) {
    this.#parts = parts;
  }

  /** How many are listened on. */
  get listening(): number {
    return [...this.#servers.values()].filter(({ port }) => port !== undefined).length;
  }

  /** Returns at once; what is listened on already and still wanted goes on. */
  want(checks: Iterable<HealthCheck>, addresses: ByFamily<readonly Address[]>): void {
    const wanted = new Map<string, HealthPort>();
    for (const check of checks) {
      for (const address of addresses[check.family]) {
        wanted.set(nameOf(check, address), { check, address });
      }
    }
    this.#wanted = wanted;
    this.#work = this.#work.then(() => this.#settle());
  }

  async close(): Promise<void> {
    this.want([], { IPv4: [], IPv6: [] });
    await this.#work;
  }

  /** A port may go from one Service to another, so what is not wanted is closed first. */
  async #settle(): Promise<void> {
    const gone = [...this.#servers].filter(([name]) => !this.#wanted.has(name));
    await Promise.all(gone.map(([name, server]) => this.#close(name, server)));
    const missing = [...this.#wanted].filter(([name]) => !this.#servers.has(name));
    await Promise.all(missing.map(([name, port]) => this.#open(name, port)));
  }

  async #open(name: string, port: HealthPort): Promise<void> {
    const server = new HttpServer(this.#optionsOf(name, port));
    this.#servers.set(name, server);
    this.#parts.log.verbose(2, 'opening health check', { service: name });
    await server.start();
  }

  async #close(name: string, server: HttpServer): Promise<void> {
    this.#parts.log.verbose(2, 'closing health check', { service: name });
    await server.close();
    this.#servers.delete(name);
  }

  #optionsOf(name: string, { check, address }: HealthPort): HttpServerOptions {
    const { log, answer, onNotListening, clock, conditions } = this.#parts;
    // Any path and any method, as a health check may be configured.
    const route = () => answer(check);
    return {
      name,
      title: `health check of Service ${check.namespace}/${check.name}`,
      at: { address, port: check.port },
      isOneFamily: true,
      routes: { get: () => route },
      isBare: true,
      isHardFail: false,
      times: TIMES,
      connections: this.#connections,
      notListening: HEALTH_CHECK_PORT_NOT_SERVED,
      clock,
      conditions,
      onError: (message, error) => log.error(message, error),
      onNotListening: (problem) => onNotListening(check, problem),
      onListening: (isLate) => {
        if (isLate) log.info('health check is listened on now', { service: name });
      },
    };
  }
}

/** `shop/web 0.0.0.0:31070` */
function nameOf({ namespace, name, port }: HealthCheck, address: Address): string {
  return `${namespace}/${name} ${joinHostPort(address, port)}`;
}
