/**
 * A kernel in memory behind the Dataplane seam: holds the state, applies operations with the
 * kernel's own refusals (no set, no server, no device, set full), can be told to fail, counts what
 * it was asked to write. Adding the present and removing the missing succeed, as in the real kernel
 * layer.
 */
import { constants } from 'node:os';
import type { ActualState, DestinationKey, ServerKey } from '../../../src/dataplane/state.ts';
import { ADDRESSES_PART, type Part, rulesPart, SERVERS_PART } from '../../../src/dataplane/part.ts';
import { tablesIn } from '../../../src/dataplane/tables.ts';
import { destinationKey, emptyState, serverKey } from '../../../src/dataplane/state.ts';
import { FAMILIES } from '../../../src/net/family.ts';
import { KernelError } from '../../../src/kernel/errors.ts';
import {
  applyOperation,
  type MutableChains,
  type MutableState,
  mutableState,
} from '../../../src/plan/applied.ts';
import type { Dataplane, DummyState } from '../../../src/dataplane/dataplane.ts';
import type {
  ApplyReport,
  DrainingDestination,
  FailedOperation,
  Operation,
} from '../../../src/dataplane/operations.ts';
import { operationSubject } from '../../../src/dataplane/operations.ts';

/**
 * Says why an operation fails; undefined lets it through. `nth` counts from 1 over the fake's whole
 * life.
 */
export type FailureRule = (operation: Operation, nth: number) => Error | undefined;

export class FakeKernel implements Dataplane {
  readonly state: MutableState;
  /** every operation that was asked for, failed ones too */
  readonly asked: Operation[] = [];
  kernelWrites = 0;
  reads = 0;
  /** of the dummy device alone */
  dummyReads = 0;
  isClosed = false;
  /** the next reads fail with it until it is cleared */
  readError: Error | undefined;
  /** parts that cannot be read while they are in it */
  readonly unreadable = new Map<Part, Error>();
  failureRule: FailureRule | undefined;
  readonly #connections = new Map<string, readonly [active: number, inactive: number]>();

  constructor(start: ActualState = emptyState()) {
    this.state = mutableState(start);
  }

  /** From now on the `nth` operation (1 = the next) fails, once. */
  failOperation(nth: number, error: Error = new Error('told to fail')): void {
    const at = this.asked.length + nth;
    this.failureRule = (_, number) => (number === at ? error : undefined);
  }

  setConnections(
    server: ServerKey,
    destination: DestinationKey,
    active: number,
    inactive = 0,
  ): void {
    this.#connections.set(`${server} ${destination}`, [active, inactive]);
  }

  async read(sysctls: readonly string[]): Promise<ActualState> {
    this.reads++;
    if (this.readError !== undefined) throw this.readError;
    const copy = mutableState(this.state);
    const asked = new Set(sysctls);
    for (const name of copy.sysctls.keys()) if (!asked.has(name)) copy.sysctls.delete(name);
    return withoutParts(copy, this.unreadable);
  }

  async readDummy(): Promise<DummyState> {
    this.dummyReads++;
    const error = this.readError ?? this.unreadable.get(ADDRESSES_PART);
    if (error !== undefined) throw error;
    const { hasDummyDevice, addresses } = this.state;
    return { hasDummyDevice, addresses: new Set(addresses) };
  }

  async apply(plan: readonly Operation[]): Promise<ApplyReport> {
    const done: Operation[] = [];
    const failed: FailedOperation[] = [];
    const draining: DrainingDestination[] = [];
    const writesBefore = this.kernelWrites;
    for (const operation of plan) {
      this.asked.push(operation);
      const error =
        this.failureRule?.(operation, this.asked.length) ?? refusalOf(this.state, operation);
      if (error !== undefined) {
        failed.push({ operation, error });
        continue;
      }
      this.kernelWrites++;
      done.push(operation);
      draining.push(...this.#perform(operation));
    }
    return { done, failed, draining, kernelWrites: this.kernelWrites - writesBefore };
  }

  async connections(servers: readonly ServerKey[]): Promise<readonly DrainingDestination[]> {
    return servers.flatMap((key) =>
      [...(this.state.virtualServers.get(key)?.destinations.values() ?? [])]
        .filter(({ weight }) => weight === 0)
        .map((destination) => this.#countOf(key, destination)),
    );
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }

  #perform(operation: Operation): DrainingDestination[] {
    if (operation.op === 'createSet' && this.state.ipsets.has(operation.set.name)) return [];
    applyOperation(this.state, operation);
    if (operation.op !== 'drainDestination') return [];
    const key = serverKey(operation.server);
    const count = this.#countOf(key, operation.destination);
    if (count.activeConnections + count.inactiveConnections > 0) return [count];
    this.state.virtualServers.get(key)?.destinations.delete(destinationKey(operation.destination));
    return [];
  }

  #countOf(server: ServerKey, destination: DrainingDestination['destination']) {
    const [activeConnections, inactiveConnections] = this.#connections.get(
      `${server} ${destinationKey(destination)}`,
    ) ?? [0, 0];
    return {
      server,
      destination: { ...destination, weight: 0 },
      activeConnections,
      inactiveConnections,
    };
  }
}

function withoutParts(state: MutableState, unknown: ReadonlyMap<Part, Error>): ActualState {
  for (const part of unknown.keys()) {
    if (part === SERVERS_PART) state.virtualServers.clear();
    else if (part === ADDRESSES_PART) {
      state.addresses.clear();
      state.hasDummyDevice = false;
    } else if (part.kind === 'ipset') state.ipsets.delete(part.name);
    else if (part.kind === 'sysctl') state.sysctls.delete(part.name);
  }
  for (const family of FAMILIES) {
    for (const [table, chains] of tablesIn<MutableChains>(state.iptables[family]))
      if (unknown.has(rulesPart(family, table))) chains.clear();
  }
  return { ...state, unknown: new Map(unknown) };
}

/** Why a real kernel would refuse. */
function refusalOf(state: MutableState, operation: Operation): Error | undefined {
  const refuse = (isRefused: boolean, code: 'ENOENT' | 'EEXIST' | 'ENOSPC' | 'ENODEV') =>
    isRefused
      ? new KernelError({ op: operationSubject(operation), errno: constants.errno[code] })
      : undefined;
  switch (operation.op) {
    case 'addEntry':
    case 'removeEntry': {
      const set = state.ipsets.get(operation.set.name);
      if (set === undefined) return refuse(true, 'ENOENT');
      const isNew = operation.op === 'addEntry' && !set.entries.has(operation.entry);
      return refuse(isNew && set.entries.size >= (set.maxElements ?? Infinity), 'ENOSPC');
    }
    case 'createSet': {
      const present = state.ipsets.get(operation.set.name);
      return refuse(present !== undefined && present.type !== operation.set.type, 'EEXIST');
    }
    case 'writeRules': {
      const named = setsIn([...operation.chains.values()].flat());
      return refuse(!named.every((name) => state.ipsets.has(name)), 'ENOENT');
    }
    case 'bindAddress':
    case 'unbindAddress':
      return refuse(!state.hasDummyDevice, 'ENODEV');
    case 'updateServer':
    case 'addDestination':
    case 'drainDestination':
      return refuse(!state.virtualServers.has(serverKey(operation.server)), 'ENOENT');
    case 'updateDestination': {
      const server = state.virtualServers.get(serverKey(operation.server));
      return refuse(!server?.destinations.has(destinationKey(operation.destination)), 'ENOENT');
    }
    default:
      return undefined;
  }
}

function setsIn(rules: readonly string[]): string[] {
  return rules.flatMap((rule) =>
    [...rule.matchAll(/--match-set (\S+)/g)].map((match) => match[1]!),
  );
}
