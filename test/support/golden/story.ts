/**
 * A story over time: a whole agent over a fake kernel, on a clock that only the story moves. Each
 * step is a YAML file: what happens (a document `step`, see {@link Step}) and the objects that come
 * or change. What it tells of a step is what a node's owner could see.
 */
import { constants } from 'node:os';
import { parseAllDocuments } from 'yaml';
import type { Operation } from '../../../src/dataplane/operations.ts';
import { operationSubject } from '../../../src/dataplane/operations.ts';
import {
  ADDRESSES_PART,
  type Part,
  rulesPart,
  SERVERS_PART,
  setPart,
  sysctlPart,
} from '../../../src/dataplane/part.ts';
import type { TableName } from '../../../src/dataplane/tables.ts';
import type { Family } from '../../../src/net/family.ts';
import type { HostNetwork } from '../../../src/model/host.ts';
import type { KindName } from '../../../src/model/kinds.ts';
import { KernelError } from '../../../src/kernel/errors.ts';
import { formatOperation } from '../../../src/plan/format.ts';
import { AgentHarness } from '../program/agentHarness.ts';
import { temporaryPath } from '../program/temporaryPath.ts';
import { type FakeClock, settle } from '../program/fakeClock.ts';
import { FakeKernel } from '../kernel/fakeKernel.ts';

type Raw = Readonly<Record<string, unknown>>;
type Errno = keyof typeof constants.errno;

/** What happens in a step, in this order. */
export interface Step {
  /** `Service/default/web`: gone from the API server */
  readonly gone?: readonly string[];
  /**
   * operations that the kernel refuses from now on, by the beginning of `OP SUBJECT`: `addServer
   * server 10.96.0.10:80/TCP`
   */
  readonly refuse?: Readonly<Record<string, Errno>>;
  /** parts that cannot be read from now on: `rules IPv4 nat` */
  readonly unreadable?: readonly string[];
  /** the kernel refuses nothing any more, and all can be read */
  readonly heal?: true;
  /**
   * somebody else takes addresses off the dummy device, empties sets, flushes tables: `IPv4 nat`
   */
  readonly lost?: Readonly<Partial<Record<'addresses' | 'sets' | 'tables', readonly string[]>>>;
  /**
   * the process ends and another begins, for which the objects of this step are the whole cluster
   */
  readonly restart?: true;
  /** `10.96.0.10:80/TCP 10.244.1.5:8080`: how many connections it carries from now on */
  readonly connections?: Readonly<Record<string, number>>;
  /** the host is another from now on */
  readonly host?: Partial<HostNetwork>;
  /** capacity of a set, as far as the kernel is concerned */
  readonly capacity?: Readonly<Record<string, number>>;
  /** the time that passes, in seconds, after all of this and the objects */
  readonly seconds?: number;
}

export class Story {
  readonly #kernel = new FakeKernel();
  readonly #ledgerFile = temporaryPath('ledger.json');
  #agent: AgentHarness | undefined;
  readonly #told: string[] = [];
  readonly #refused = new Map<string, Errno>();

  constructor() {
    const kernel = this.#kernel;
    kernel.failureRule = (operation) => this.#refusal(operation);
    const apply = kernel.apply.bind(kernel);
    kernel.apply = async (plan) => {
      const report = await apply(plan);
      const errors = new Map(report.failed.map(({ operation, error }) => [operation, error]));
      for (const operation of plan) this.#told.push(line(operation, errors.get(operation)));
      return report;
    };
  }

  async end(): Promise<void> {
    await this.#agent?.end();
  }

  /** @returns what there was to see of it */
  async step(text: string): Promise<string> {
    const documents = parseAllDocuments(text).map((document) => document.toJS() as Raw | null);
    const step = documents.map((each) => each?.['step'] as Step | undefined).find(Boolean) ?? {};
    const objects = documents.filter((each) => each?.['kind'] !== undefined) as Raw[];
    if (step.restart === true) await this.end();
    if (this.#agent === undefined || step.restart === true) await this.#begin(step, objects);
    else {
      await this.#happen(this.#agent, step);
      for (const object of objects) come(this.#agent, object);
    }
    await this.#pass(this.#agent!, (step.seconds ?? 0) * 1000);
    return this.#see(this.#agent!);
  }

  async #begin({ host }: Step, objects: readonly Raw[]): Promise<void> {
    const [kernel, ledgerFile] = [this.#kernel, this.#ledgerFile];
    const options = {
      kernel,
      ledgerFile,
      isTimeFake: true,
      ...(host === undefined ? {} : { host }),
    };
    this.#agent = await new AgentHarness(options).started();
    for (const object of objects) come(this.#agent, object);
    await this.#agent.synced();
  }

  async #happen(agent: AgentHarness, step: Step): Promise<void> {
    const kernel = this.#kernel;
    for (const id of step.gone ?? []) {
      const [kind = '', ...key] = id.split('/');
      agent.remove(kind as KindName, key.join('/'));
    }
    for (const [operation, errno] of Object.entries(step.refuse ?? {}))
      this.#refused.set(operation, errno);
    for (const part of step.unreadable ?? [])
      kernel.unreadable.set(partOf(part), new Error('told to be unreadable'));
    if (step.heal === true) {
      this.#refused.clear();
      kernel.unreadable.clear();
    }
    for (const address of step.lost?.addresses ?? []) kernel.state.addresses.delete(address);
    for (const set of step.lost?.sets ?? []) kernel.state.ipsets.get(set)!.entries.clear();
    for (const [name, maxElements] of Object.entries(step.capacity ?? {}))
      Object.assign(kernel.state.ipsets.get(name)!, { maxElements });
    for (const [key, count] of Object.entries(step.connections ?? {})) {
      const [server = '', destination = ''] = key.split(' ');
      kernel.setConnections(server, destination, count);
    }
    for (const table of step.lost?.tables ?? []) {
      const [family, name] = table.split(' ') as [Family, 'nat' | 'filter'];
      kernel.state.iptables[family][name].clear();
    }
    if (step.host !== undefined) await agent.host(step.host);
  }

  /**
   * From one moment at which something is due to the next, each time until the loop sleeps again.
   */
  async #pass({ clock }: AgentHarness, ms: number): Promise<void> {
    const endMs = clock.monotonicMs() + ms;
    await rest(clock);
    while (clock.nextDueMs! <= endMs) {
      await clock.advance(clock.nextDueMs! - clock.monotonicMs());
      await rest(clock);
    }
    await clock.advance(endMs - clock.monotonicMs());
    await rest(clock);
  }

  #see({ log, conditions, health, events }: AgentHarness): string {
    const { isHealthy, body } = health.healthz();
    const codes = (JSON.parse(body) as { conditions?: string[] }).conditions ?? [];
    return [
      section('plan', this.#told.splice(0)),
      section(
        'log',
        log.take().filter((each) => /^(warning|error) /.test(each)),
      ),
      section(
        'events',
        events.splice(0).map(({ type, reason, note }) => `${type} ${reason}: ${note}`),
      ),
      section(
        'conditions',
        conditions.standing.map(({ condition, subject }) => `${condition.code} ${subject}`),
      ),
      `health ${[isHealthy ? '200' : '503', ...codes].join(' ')}\n`,
    ].join('');
  }

  #refusal(operation: Operation): Error | undefined {
    const text = `${operation.op} ${operationSubject(operation)}`;
    for (const [beginning, errno] of this.#refused) {
      if (text.startsWith(beginning))
        return new KernelError({ op: operation.op, errno: constants.errno[errno] });
    }
    return undefined;
  }
}

function come(agent: AgentHarness, raw: Raw): void {
  const { name } = raw['metadata'] as { name: string };
  if (raw['kind'] === 'Service') agent.service(raw);
  else if (raw['kind'] === 'EndpointSlice') agent.slice(raw);
  else agent.node(name, raw);
}

/** The loop has done what there was to do: the ledger, too, which is a real file. */
async function rest(clock: FakeClock): Promise<void> {
  do await settle();
  while (clock.nextDueMs === undefined);
}

/** By its text, `rules IPv4 nat`. */
function partOf(text: string): Part {
  const [kind, name = '', table] = text.split(' ');
  if (text === ADDRESSES_PART.text) return ADDRESSES_PART;
  if (text === SERVERS_PART.text) return SERVERS_PART;
  if (kind === 'rules') return rulesPart(name as Family, table as TableName);
  return kind === 'ipset' ? setPart(name) : sysctlPart(name);
}

function line(operation: Operation, error: Error | undefined): string {
  return formatOperation(operation) + (error === undefined ? '' : `  REFUSED: ${error.message}`);
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `${title}\n${lines.map((each) => `  ${each}\n`).join('')}`;
}
