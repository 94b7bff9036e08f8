/**
 * The kernel of this node behind the Dataplane seam: one client a subsystem, put together. Each is
 * read by itself. Decides only how a plan is cut into runs of one subsystem, so that each client
 * can batch; the order is the plan's, and what is retried is the agent's.
 */
import {
  type ActualState,
  type DesiredState,
  emptyState,
  type ServerKey,
} from '../dataplane/state.ts';
import { ADDRESSES_PART, SERVERS_PART, setPart, sysctlPart } from '../dataplane/part.ts';
import { mapTables, type Tables } from '../dataplane/tables.ts';
import type { Dataplane, DummyState, KnownState } from '../dataplane/dataplane.ts';
import type {
  ApplyReport,
  DrainingDestination,
  FailedOperation,
  Operation,
} from '../dataplane/operations.ts';
import { isBuiltInChain } from '../plan/ruleDifference.ts';
import { ExecError, KernelError } from './errors.ts';
import { IpsetClient, isSetOperation } from './ipset.ts';
import { IptablesClient, isRuleOperation, rulePartsOf, type RuleReading } from './iptables.ts';
import type { IptablesTools } from './iptablesBackend.ts';
import type { ChainNames } from './iptablesText.ts';
import { isIpvsOperation } from './ipvsApply.ts';
import { IpvsClient } from './ipvsClient.ts';
import { isLinkOperation, LinkClient } from './linkClient.ts';
import { Reading } from './reading.ts';
import { ruleStamp } from './ruleStamp.ts';
import { StampedRules } from './stampedRules.ts';
import { isSysctlOperation, SysctlClient } from './sysctl.ts';

/** What is ours by name. */
export interface OwnedNames {
  readonly sets: readonly string[];
  readonly chains: ChainNames;
}

/**
 * All names that a desired state has, unused ones too: the sets and chains are always complete,
 * empty ones included.
 */
export function namesOf(desired: Pick<DesiredState, 'ipsets' | 'iptables' | 'unused'>): OwnedNames {
  const { ipsets, unused = { sets: [], chains: {} } } = desired;
  const { IPv4, IPv6 } = desired.iptables;
  const all: Tables<unknown> = { ...unused.chains, ...IPv4, ...IPv6 };
  const chains = mapTables(all, (_, table) => {
    const used = [IPv4[table], IPv6[table]].flatMap((each) => [...(each?.keys() ?? [])]);
    const names = new Set([...used, ...(unused.chains[table] ?? [])]);
    return [...names].filter((name) => !isBuiltInChain(name));
  });
  return { sets: [...new Set([...ipsets.keys(), ...unused.sets])], chains };
}

export interface Clients {
  readonly ipvs: Pick<IpvsClient, 'read' | 'apply' | 'connections' | 'close'>;
  readonly links: Pick<LinkClient, 'read' | 'apply' | 'close'>;
  readonly sets: Pick<IpsetClient, 'read' | 'apply' | 'close'>;
  readonly rules: Pick<IptablesClient, 'read' | 'apply'>;
  readonly sysctls: Pick<SysctlClient, 'read' | 'apply'>;
}

/**
 * All of this process's network namespace; sockets and processes open at their first use.
 *
 * @param tools where the caller has looked for iptables already
 */
export function openClients(owned: OwnedNames, tools?: IptablesTools): Clients {
  return {
    ipvs: new IpvsClient(),
    links: new LinkClient(),
    sets: new IpsetClient(),
    rules: new StampedRules(new IptablesClient(owned.chains, { tools }), ruleStamp),
    sysctls: new SysctlClient(),
  };
}

interface ClientReport {
  readonly outcomes: readonly (Error | undefined)[];
  readonly draining?: readonly DrainingDestination[];
  readonly kernelWrites: number;
}

export class KernelDataplane implements Dataplane {
  readonly #owned: OwnedNames;
  readonly #clients: Clients;
  readonly #readLimitMs: number | undefined;

  constructor(owned: OwnedNames, clients: Clients = openClients(owned), readLimitMs?: number) {
    this.#owned = owned;
    this.#clients = clients;
    this.#readLimitMs = readLimitMs;
  }

  async read(sysctlNames: readonly string[], known?: KnownState): Promise<ActualState> {
    const { ipvs, links, sets, rules, sysctls } = this.#clients;
    const reading = new Reading(this.#readLimitMs);
    const empty = emptyState();
    const noRules: RuleReading = { ...empty.iptables, unknown: new Map(), unconfirmed: new Map() };
    const [servers, dummy, ipsets, iptables, values] = await Promise.all([
      reading.part([SERVERS_PART], () => ipvs.read(known?.virtualServers), empty),
      reading.part([ADDRESSES_PART], () => links.read(known?.addresses), empty),
      reading.each(this.#owned.sets, setPart, (names) => sets.read(names, known?.ipsets)),
      reading.part(rulePartsOf(this.#owned.chains), () => rules.read(), noRules),
      reading.each(sysctlNames, sysctlPart, (names) => sysctls.read(names)),
    ]);
    const { virtualServers, foreignServers, connections } = servers;
    const { hasDummyDevice, addresses } = dummy;
    const { IPv4, IPv6, unconfirmed } = iptables;
    return {
      virtualServers,
      foreignServers,
      ...(connections === undefined ? {} : { connections }),
      hasDummyDevice,
      addresses,
      ipsets,
      iptables: { IPv4, IPv6 },
      sysctls: values,
      unknown: new Map([...reading.unknown, ...iptables.unknown]),
      unconfirmed,
    };
  }

  async readDummy(): Promise<DummyState> {
    return this.#clients.links.read();
  }

  async apply(plan: readonly Operation[]): Promise<ApplyReport> {
    const done: Operation[] = [];
    const failed: FailedOperation[] = [];
    const draining: DrainingDestination[] = [];
    let kernelWrites = 0;
    for (const { run, perform } of this.#runsOf(plan)) {
      const report = await perform().catch((error: unknown) => failureOfAll(run, error));
      run.forEach((operation, i) => {
        const error = report.outcomes[i];
        if (error === undefined) done.push(operation);
        else failed.push({ operation, error });
      });
      for (const one of report.draining ?? []) draining.push(one);
      kernelWrites += report.kernelWrites;
    }
    return { done, failed, draining, kernelWrites };
  }

  async connections(servers: readonly ServerKey[]): Promise<readonly DrainingDestination[]> {
    return this.#clients.ipvs.connections(servers);
  }

  async close(): Promise<void> {
    this.#clients.ipvs.close();
    this.#clients.links.close();
    await this.#clients.sets.close();
  }

  #runsOf(plan: readonly Operation[]): Run[] {
    const { ipvs, links, sets, rules, sysctls } = this.#clients;
    const runs: Run[] = [];
    for (let at = 0; at < plan.length; at += runs.at(-1)!.run.length) {
      runs.push(
        runFrom(plan, at, isIpvsOperation, (run) => ipvs.apply(run)) ??
          runFrom(plan, at, isSetOperation, (run) => sets.apply(run)) ??
          runFrom(plan, at, isLinkOperation, (run) => links.apply(run)) ??
          runFrom(plan, at, isRuleOperation, (run) => rules.apply(run)) ??
          runFrom(plan, at, isSysctlOperation, (run) => sysctls.apply(run))!,
      );
    }
    return runs;
  }
}

interface Run {
  /** never empty */
  readonly run: readonly Operation[];
  readonly perform: () => Promise<ClientReport>;
}

/**
 * The operations of one subsystem that follow each other from `at` on; undefined when the first is
 * of another.
 */
function runFrom<T extends Operation>(
  plan: readonly Operation[],
  at: number,
  isOfClient: (operation: Operation) => operation is T,
  apply: (run: readonly T[]) => Promise<ClientReport>,
): Run | undefined {
  const run: T[] = [];
  for (let i = at; i < plan.length; i++) {
    const operation = plan[i]!;
    if (!isOfClient(operation)) break;
    run.push(operation);
  }
  return run.length === 0 ? undefined : { run, perform: () => apply(run) };
}

/**
 * A client that cannot work at all (no addon, no program) fails each of its operations; anything
 * else is a bug.
 */
function failureOfAll(run: readonly Operation[], error: unknown): ClientReport {
  if (!(error instanceof KernelError || error instanceof ExecError)) throw error;
  return { outcomes: run.map(() => error), kernelWrites: 0 };
}
