/**
 * What becomes of the first packet of a connection, walked through a dataplane as Linux would: nat
 * PREROUTING or OUTPUT, filter INPUT, IPVS, filter OUTPUT, nat POSTROUTING. A second opinion on the
 * rules, sets and virtual servers together; the kernel itself gives the third in the packet matrix.
 */
import type { DataplaneState } from '../dataplane/state.ts';
import type { TableName } from '../dataplane/tables.ts';
import { serverKey } from '../dataplane/state.ts';
import { type Address, familyOf, isLoopback, joinHostPort } from '../net/address.ts';
import { parsePrefix, prefixContains } from '../net/prefix.ts';
import type { Packet, TracedEndpoint, Verdict } from './packet.ts';
import { type Directions, type Match, type Rule, parseRule } from './rule.ts';
import { isInSet } from './setMembership.ts';

/** @param nodeAddresses addresses on this node's interfaces, kube-ipvs0 aside */
export function tracePacket(
  state: DataplaneState,
  nodeAddresses: ReadonlySet<Address>,
  packet: Packet,
): Verdict {
  return new Trace(state, nodeAddresses, packet).run();
}

/** What a hook sees; it changes on the way. */
interface Seen {
  readonly inInterface: string | undefined;
  readonly source: Address;
  readonly destination: Address;
  readonly port: number;
}

type Outcome = 'accept' | 'drop' | 'reject' | 'masquerade';

class Trace {
  readonly #state: DataplaneState;
  readonly #nodeAddresses: ReadonlySet<Address>;
  readonly #packet: Packet;
  readonly #seen: Seen;
  #mark = 0;

  constructor(state: DataplaneState, nodeAddresses: ReadonlySet<Address>, packet: Packet) {
    this.#state = state;
    this.#nodeAddresses = nodeAddresses;
    this.#packet = packet;
    const { inInterface, destination, port } = packet;
    const isOwn = inInterface === undefined && this.#isLocal(destination);
    this.#seen = { inInterface, source: isOwn ? destination : packet.source, destination, port };
  }

  run(): Verdict {
    const isFromHere = this.#packet.inInterface === undefined;
    this.#walk('nat', isFromHere ? 'OUTPUT' : 'PREROUTING', this.#seen);
    if (!this.#isLocal(this.#seen.destination)) return { kind: 'notLocal' };
    if (!isFromHere) {
      const outcome = this.#walk('filter', 'INPUT', this.#seen);
      if (outcome !== 'accept') return blocked(outcome);
    }
    const server = this.#state.virtualServers.get(
      serverKey({
        address: this.#seen.destination,
        port: this.#seen.port,
        protocol: this.#packet.protocol,
      }),
    );
    if (server !== undefined) return this.#schedule([...server.destinations.values()]);
    return isFromHere ? this.#loopBack() : { kind: 'host' };
  }

  #schedule(destinations: readonly { address: Address; port: number; weight: number }[]): Verdict {
    const alive = destinations.filter(({ weight }) => weight > 0);
    // IPVS answers port unreachable when it finds nobody
    if (alive.length === 0) return { kind: 'refused' };
    const marked = this.#mark;
    const endpoints: TracedEndpoint[] = [];
    for (const { address, port } of alive) {
      const rewritten = { ...this.#seen, inInterface: undefined, destination: address, port };
      this.#mark = marked;
      if (this.#walk('filter', 'OUTPUT', rewritten) !== 'accept') continue;
      const isMasqueraded = this.#walk('nat', 'POSTROUTING', rewritten) === 'masquerade';
      endpoints.push({ endpoint: joinHostPort(address, port), isMasqueraded });
    }
    return endpoints.length === 0 ? { kind: 'dropped' } : { kind: 'endpoints', endpoints };
  }

  /** From a process of this node to an address of this node, no Service: out and in again by lo. */
  #loopBack(): Verdict {
    const out = this.#walk('filter', 'OUTPUT', this.#seen);
    const outcome =
      out === 'accept' ? this.#walk('filter', 'INPUT', { ...this.#seen, inInterface: 'lo' }) : out;
    return outcome === 'accept' ? { kind: 'host' } : blocked(outcome);
  }

  #walk(table: TableName, hook: string, seen: Seen): Outcome {
    // the policy of a built-in chain; ours never set one
    return this.#walkChain(table, hook, seen) ?? 'accept';
  }

  /** @returns undefined when the chain returns to its caller */
  #walkChain(table: TableName, chain: string, seen: Seen): Outcome | undefined {
    const chains = this.#state.iptables[familyOf(this.#packet.destination)][table];
    const rules = chains?.get(chain);
    if (rules === undefined) {
      if (chain.startsWith('KUBE-'))
        throw new Error(`a rule jumps to ${chain}, which is not in ${table}`);
      return undefined;
    }
    for (const rule of rules.map(parseRule)) {
      if (!rule.matches.every((match) => this.#matches(match, seen))) continue;
      if (rule.target === 'RETURN') return undefined;
      const outcome = this.#apply(table, rule, seen);
      if (outcome !== undefined) return outcome;
    }
    return undefined;
  }

  #apply(table: TableName, rule: Rule, seen: Seen): Outcome | undefined {
    switch (rule.target) {
      case 'ACCEPT':
        return 'accept';
      case 'DROP':
        return 'drop';
      case 'REJECT':
        return 'reject';
      case 'MASQUERADE':
        return 'masquerade';
      case 'MARK': {
        const { value, mask } = rule.xmark!;
        this.#mark = ((this.#mark & ~mask) ^ value) >>> 0;
        return undefined;
      }
      default:
        return this.#walkChain(table, rule.target, seen);
    }
  }

  #matches(match: Match, seen: Seen): boolean {
    switch (match.kind) {
      case 'source':
        return prefixContains(parsePrefix(match.prefix)!, seen.source) !== match.isNegated;
      case 'inInterface':
        return isInterface(match.name, seen.inInterface) !== match.isNegated;
      case 'protocol':
        return (match.protocol === this.#packet.protocol) !== match.isNegated;
      case 'set':
        return this.#isInSet(match.set, match.dirs, seen) !== match.isNegated;
      case 'mark':
        return ((this.#mark & match.mask) >>> 0 === match.value) !== match.isNegated;
      case 'local':
        return (
          this.#isLocal(match.side === 'src' ? seen.source : seen.destination) !== match.isNegated
        );
      default:
        return match.states.includes('NEW') !== match.isNegated;
    }
  }

  #isInSet(name: string, dirs: Directions, seen: Seen): boolean {
    const set = this.#state.ipsets.get(name);
    if (set === undefined) throw new Error(`a rule matches the set ${name}, which does not exist`);
    return isInSet(set, dirs, { ...seen, protocol: this.#packet.protocol });
  }

  #isLocal(address: Address): boolean {
    return (
      isLoopback(address) || this.#nodeAddresses.has(address) || this.#state.addresses.has(address)
    );
  }
}

function isInterface(pattern: string, name = ''): boolean {
  return pattern.endsWith('+') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

function blocked(outcome: Outcome): Verdict {
  return { kind: outcome === 'drop' ? 'dropped' : 'refused' };
}
