/**
 * The lab's side of the takeover: two nodes with pods, their servers, a client outside, and load
 * (test/lab/load.c) on the Services' addresses. Called through the line of test/support/lab/lab.ts.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { Topology } from '../lab/topology.ts';
import { openWayToMachine } from '../lab/wayToMachine.ts';
import { loadTool } from '../lab/workshop.mjs';
import { CLIENT_POD, EXTERNAL_RANGES, NODE, POD_PORT, PODS } from './objects.ts';

/** Builds the cluster; about 5 s in the lab kernel. */
export async function buildCluster(): Promise<void> {
  const topology = await Topology.create();
  await openWayToMachine(topology.nodes);
  await topology.addPod(NODE.name, CLIENT_POD, 20);
  for (const { name, node, host } of PODS) {
    await topology.addPod(node, name, host);
    for (const protocol of ['tcp', 'udp', 'sctp'] as const) {
      await topology.traffic.serve(name, name, protocol, POD_PORT);
    }
  }
  await topology.route(topology.outside, EXTERNAL_RANGES, topology.node(NODE.name));
}

export interface LoadCounts {
  readonly elapsedMs: number;
  readonly started: number;
  readonly answered: number;
  readonly failed: number;
  /** answered after 900 ms or more: a packet had to be sent again */
  readonly slow: number;
  readonly worstMs: number;
  /** flows started in the worst whole second; -1 before the first one is over */
  readonly leastPerSecond: number;
  readonly held: number;
  /** questions on held flows after the first one */
  readonly asked: number;
  readonly broken: number;
  /** `failed 1234 udp-10:client:10.96.1.11 timeout`: the first ones of failed and broken flows */
  readonly troubles: readonly string[];
}

const MAX_TROUBLES = 50;

class Load {
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #troubles: string[] = [];
  #waiting: ((line: string) => void)[] = [];
  #last = '';
  readonly ready: Promise<void>;
  readonly #ended: Promise<void>;

  constructor(targetsFile: string, rate: number, held: number) {
    const argv = [targetsFile, String(rate), String(held)];
    this.#process = spawn(loadTool(), argv, { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: this.#process.stdout });
    this.ready = new Promise((resolve) => {
      if (held === 0) resolve();
      lines.on('line', (line) => (line === 'ready' ? resolve() : this.#take(line)));
    });
    this.#ended = new Promise((resolve) => lines.once('close', resolve));
  }

  counts(): Promise<LoadCounts> {
    const answer = new Promise<string>((resolve) => this.#waiting.push(resolve));
    this.#process.stdin.write('\n');
    return answer.then((line) => this.#parse(line));
  }

  async end(): Promise<LoadCounts> {
    this.#process.stdin.end();
    await this.#ended;
    return this.#parse(this.#last);
  }

  #take(line: string): void {
    if (!line.startsWith('counts ')) {
      if (this.#troubles.length < MAX_TROUBLES) this.#troubles.push(line);
      return;
    }
    this.#last = line;
    this.#waiting.shift()?.(line);
  }

  #parse(line: string): LoadCounts {
    const value = (name: string) => Number(new RegExp(` ${name}=(-?\\d+)`).exec(line)?.[1] ?? NaN);
    return {
      elapsedMs: value('elapsed'),
      started: value('started'),
      answered: value('answered'),
      failed: value('failed'),
      slow: value('slow'),
      worstMs: value('worst'),
      leastPerSecond: value('least'),
      held: value('held'),
      asked: value('asked'),
      broken: value('broken'),
      troubles: [...this.#troubles],
    };
  }
}

let load: Load | undefined;

/** Returns when all held flows are open. */
export async function startLoad(targetsFile: string, rate: number, held: number): Promise<void> {
  load = new Load(targetsFile, rate, held);
  await load.ready;
}

export function loadCounts(): Promise<LoadCounts> {
  return load!.counts();
}

/** Waits for the last answers. */
export function endLoad(): Promise<LoadCounts> {
  return load!.end();
}
