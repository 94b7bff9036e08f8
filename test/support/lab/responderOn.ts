/** A responder in the network namespace of a station, as a process of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Rival } from '../../../src/loadbalancer/announcer/ports.ts';
import type { CarrierInterface } from '../../../src/loadbalancer/responder/carrierInterfaces.ts';
import type { ProbeAnswer, ProbeRounds } from '../../../src/loadbalancer/responder/probes.ts';
import type {
  ForeignClaim,
  ResponderOptions,
} from '../../../src/loadbalancer/shell/responderParts.ts';
import type { Namespace } from './namespace.ts';
import type { Told } from './responderProcess.ts';

const PROGRAM = fileURLToPath(new URL('./responderProcess.ts', import.meta.url));

export interface Counts {
  readonly announcements: Readonly<Record<string, number>>;
  readonly IPv4: Readonly<Record<string, number>>;
  readonly IPv6: Readonly<Record<string, number>>;
  readonly packetDrops: Readonly<Record<string, number>>;
}

export class ResponderOn {
  /** as told last */
  interfaces: readonly CarrierInterface[] = [];
  readonly foreign: ForeignClaim[] = [];
  /** `subject: error`, or `subject works` */
  readonly failures: string[] = [];
  readonly #child;
  readonly #calls = new Map<number, (result: unknown) => void>();
  #nextCall = 1;

  private constructor(namespace: Namespace, options: unknown) {
    const node = [process.execPath, '--disable-warning=ExperimentalWarning', PROGRAM];
    const argv = ['netns', 'exec', namespace.name, ...node, JSON.stringify(options)];
    this.#child = spawn('ip', argv, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#child.on('message', (message: Told) => this.#hear(message));
  }

  /** Resolves when it has told its interfaces. */
  static async start(
    namespace: Namespace,
    internalAddresses: readonly string[],
    settings: Partial<ResponderOptions['settings']> = {},
  ): Promise<ResponderOn> {
    const all = { interfaces: ['*'], excludeInterfaces: [], refreshIntervalMs: 0, ...settings };
    const responder = new ResponderOn(namespace, { internalAddresses, settings: all });
    const ended = once(responder.#child, 'exit').then(() => {
      throw new Error('the responder ended');
    });
    await Promise.race([once(responder.#child, 'message'), ended]);
    ended.catch(() => undefined);
    // One that has been answered is in front of nothing else: the responder is open.
    await responder.counters();
    return responder;
  }

  setKnown = (addresses: readonly string[]) => this.#call('setKnown', ...addresses);
  answer = (address: string, interfaces: readonly string[]) =>
    this.#call('answerAll', [address], interfaces);
  answerAll = (addresses: readonly string[], interfaces: readonly string[]) =>
    this.#call('answerAll', addresses, interfaces);
  announce = (address: string) => this.#call('announceAll', [address]);
  announceAll = (addresses: readonly string[]) => this.#call('announceAll', addresses);
  silence = (address: string) => this.#call('silence', address);
  defend = (address: string, against: Rival) => this.#call('defend', address, against);
  counters = () => this.#call('counters') as Promise<Counts>;
  close = () => this.#call('close');
  probe = (address: string, interfaces: readonly string[], rounds: ProbeRounds) =>
    this.#call('probe', address, interfaces, rounds) as Promise<ProbeAnswer | undefined>;

  /** Ends the worker in the midst of what it does. @returns the exit code of the process */
  async terminate(): Promise<number> {
    const ended = once(this.#child, 'exit');
    this.#child.send({ id: 0, method: 'terminate', args: [] });
    const [code] = (await ended) as [number];
    return code;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }

  #call(method: string, ...args: readonly unknown[]): Promise<unknown> {
    const id = this.#nextCall++;
    return new Promise((resolve) => {
      this.#calls.set(id, resolve);
      this.#child.send({ id, method, args });
    });
  }

  #hear(message: Told): void {
    switch (message.told) {
      case 'interfaces':
        this.interfaces = message.interfaces;
        break;
      case 'foreign':
        this.foreign.push(message.seen);
        break;
      case 'failure':
        this.failures.push(`${message.subject}${message.error ? `: ${message.error}` : ' works'}`);
        break;
      default:
        this.#calls.get(message.id)?.(message.result);
        this.#calls.delete(message.id);
    }
  }
}
