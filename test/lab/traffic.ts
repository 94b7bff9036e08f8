// The lab's servers and clients as promises: one native process (traffic.c) holds every socket in
// every namespace. Says what happened to a flow, not whether that is right.

import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { trafficTool } from './workshop.mjs';
import { patience } from './patience.ts';

/**
 * `udp-large`: datagrams of 5,000 bytes both ways, more than an Ethernet frame holds; the server
 * must be one of its kind.
 */
export type FlowProtocol = 'tcp' | 'udp' | 'udp-large' | 'sctp' | 'http';

/**
 * What a client saw of its flow. `refused`: a reset or an ICMP port unreachable. `dropped`: nothing
 * in time.
 */
export type FlowResult =
  | { readonly kind: 'answered'; readonly by: string; readonly client: string }
  | { readonly kind: 'refused' }
  | { readonly kind: 'dropped' }
  | { readonly kind: 'error'; readonly code: string };

export interface FlowTarget {
  /** Network namespace the client is in, a name as `ip netns` lists it; `-` for the lab's own. */
  readonly from: string;
  readonly protocol: FlowProtocol;
  readonly address: string;
  readonly port: number;
  /**
   * How long to wait for the answer, times the lab's patience; default 1,500 (a lost SYN is sent
   * again after 1,000).
   */
  readonly timeoutMs?: number;
}

/** A flow kept open, to see what becomes of it when the Service changes. */
export interface HeldFlow {
  /** What the opening of the flow met; only an answered one can be asked again. */
  readonly opened: FlowResult;
  /** Asks again on the same flow (same connection; for UDP the same source port). */
  ask(timeoutMs?: number): Promise<FlowResult>;
  close(): Promise<void>;
}

const defaultTimeoutMs = 1500;

export class Traffic {
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #waiting = new Map<string, (answer: string) => void>();
  #count = 0;

  constructor() {
    this.#process = spawn(trafficTool(), [], { stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface({ input: this.#process.stdout }).on('line', (line) => this.#answered(line));
    this.#process.stdin.on('error', () => {}); // seen by its exit
    this.#process.on('exit', () => {
      for (const settle of this.#waiting.values()) settle('error EPIPE');
      this.#waiting.clear();
    });
  }

  /**
   * Answers `NAME CLIENTADDRESS` on the port, in both address families. @throws when the port
   * cannot be bound
   */
  async serve(namespace: string, name: string, protocol: FlowProtocol, port: number) {
    await this.#order(['serve', namespace, name, protocol, port]);
  }

  /** Ends every server of the namespace; needed before the namespace can go away. */
  async stop(namespace: string) {
    await this.#order(['stop', namespace]);
  }

  /**
   * Writes a sysctl as the namespace sees it, e.g. `net/ipv4/ip_forward`. @throws when it is not
   * there
   */
  async sysctl(namespace: string, path: string, value: string | number) {
    await this.#order(['sysctl', namespace, path, value]);
  }

  /** One new flow. Many may run at once: `Promise.all(targets.map((t) => traffic.probe(t)))`. */
  async probe(target: FlowTarget): Promise<FlowResult> {
    return parseResult(await this.#send(['probe', ...flowWords(target)]).answer);
  }

  async hold(target: FlowTarget): Promise<HeldFlow> {
    const { id, answer } = this.#send(['hold', ...flowWords(target)]);
    return {
      opened: parseResult(await answer),
      ask: async (timeoutMs = defaultTimeoutMs) =>
        parseResult(await this.#send(['say', id, patience(timeoutMs)]).answer),
      close: () => this.#order(['end', id]),
    };
  }

  /** Ends the process and with it every server and flow. */
  close() {
    return new Promise<void>((resolve) => {
      if (this.#process.exitCode !== null || this.#process.signalCode !== null) return resolve();
      this.#process.once('exit', () => resolve());
      this.#process.stdin.end();
    });
  }

  #send(words: readonly (string | number)[]) {
    const id = `f${++this.#count}`;
    const answer = new Promise<string>((resolve) => this.#waiting.set(id, resolve));
    this.#process.stdin.write(`${id} ${words.join(' ')}\n`);
    return { id, answer };
  }

  async #order(words: readonly (string | number)[]) {
    const answer = await this.#send(words).answer;
    if (answer !== 'done') throw new Error(`traffic: ${words.join(' ')}: ${answer}`);
  }

  #answered(line: string) {
    const space = line.indexOf(' ');
    const id = line.slice(0, space);
    this.#waiting.get(id)?.(line.slice(space + 1));
    this.#waiting.delete(id);
  }
}

function flowWords({ from, protocol, address, port, timeoutMs = defaultTimeoutMs }: FlowTarget) {
  return [from, protocol, address, port, patience(timeoutMs)];
}

function parseResult(answer: string): FlowResult {
  const [word = '', first = '', second = ''] = answer.split(' ');
  if (word === 'answered') return { kind: 'answered', by: first, client: second };
  if (word === 'refused' || word === 'dropped') return { kind: word };
  return { kind: 'error', code: first };
}
