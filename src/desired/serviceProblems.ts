/**
 * What is wrong with each Service on this node, kept up change by change: who tells the news asks
 * for those whose problems may have changed and never walks all that exist. Counts beside them the
 * Services that a Local policy leaves without endpoint.
 */
import type { Problem } from '../model/problem.ts';
import type { ObjectKey } from '../model/resources.ts';
import { type Claim, type Claims, precedence } from './claims.ts';
import { type Fragment, type LocalLack, pathOf } from './fragment.ts';
import type { ServerKey } from '../dataplane/state.ts';

export class ServiceProblems {
  readonly #fragments: ReadonlyMap<ObjectKey, Fragment>;
  readonly #claims: Claims;
  /** what is said of the winner, by address and port that several Services want */
  readonly #contested = new Map<ServerKey, string>();
  readonly #localLacks = new Map<LocalLack, number>();
  #concerned = new Set<ObjectKey>();

  /** Both are looked at when somebody asks. */
  constructor(fragments: ReadonlyMap<ObjectKey, Fragment>, claims: Claims) {
    this.#fragments = fragments;
    this.#claims = claims;
  }

  /** The Service was compiled anew, and claims what it wants now. */
  recompiled(key: ObjectKey, before: Fragment | undefined, after: Fragment | undefined): void {
    const both = [before, after].filter((fragment) => fragment !== undefined);
    if (both.some((fragment) => fragment.problems.length > 0 || this.#hasRivals(fragment)))
      this.#concerned.add(key);
    for (const lack of before?.withoutLocal ?? []) this.#count(lack, -1);
    for (const lack of after?.withoutLocal ?? []) this.#count(lack, 1);
  }

  /** The claims on this address and port changed: another winner is news to all who wait for it. */
  claimed(server: ServerKey): void {
    const claimants = this.#claims.claimants(server);
    const isContested = claimants.length > 1;
    const before = this.#contested.get(server);
    const winner = isContested ? signatureOf(claimants[0]!) : undefined;
    if (winner === before) return;
    if (winner === undefined) this.#contested.delete(server);
    else this.#contested.set(server, winner);
    for (const { fragment } of claimants) this.#concerned.add(fragment.service);
  }

  /** The Services whose problems may differ since the last call, each with all that it has now. */
  takeNews(): ReadonlyMap<ObjectKey, readonly Problem[]> {
    const concerned = this.#concerned;
    this.#concerned = new Set();
    return new Map([...concerned].map((key) => [key, this.#of(key)]));
  }

  /** Of all Services, in the order of their keys. */
  all(): readonly Problem[] {
    return [...this.#fragments.keys()].toSorted().flatMap((key) => this.#of(key));
  }

  /** Services by what {@link Fragment.withoutLocal} says; those without are not listed. Live. */
  get localLacks(): ReadonlyMap<LocalLack, number> {
    return this.#localLacks;
  }

  #of(key: ObjectKey): readonly Problem[] {
    const fragment = this.#fragments.get(key);
    if (fragment === undefined) return [];
    const conflicts = [...fragment.frontends].flatMap(([server, frontend]) => {
      const [winner, rival] = this.#claims.claimants(server);
      const isWaiting = rival !== undefined && winner!.fragment !== fragment;
      return isWaiting ? [conflict(server, winner!, { fragment, frontend })] : [];
    });
    return [...fragment.problems, ...oncePerField(conflicts)];
  }

  #hasRivals(fragment: Fragment): boolean {
    return [...fragment.frontends.keys()].some(
      (server) => this.#contested.has(server) || this.#claims.claimants(server).length > 1,
    );
  }

  #count(lack: LocalLack, change: 1 | -1): void {
    const services = (this.#localLacks.get(lack) ?? 0) + change;
    if (services === 0) this.#localLacks.delete(lack);
    else this.#localLacks.set(lack, services);
  }
}

/** All that a loser is told. */
function signatureOf({ fragment, frontend }: Claim): string {
  return JSON.stringify([fragment.service, fragment.resource.createdAt, frontend.kind]);
}

function conflict(key: ServerKey, winner: Claim, loser: Claim): Problem {
  const { port, protocol } = loser.frontend.server;
  return {
    path: pathOf(loser.fragment, loser.frontend),
    value: loser.frontend.kind === 'nodePort' ? `${port}/${protocol}` : key,
    problem: `belongs to ${precedence({ winner, loser })}`,
    consequence: 'AddressTaken',
  };
}

/**
 * A contested NodePort is so at every address of the node. In an order that is the same on all
 * nodes.
 */
function oncePerField(conflicts: readonly Problem[]): readonly Problem[] {
  const byField = new Map(conflicts.map((each) => [`${each.path} ${String(each.value)}`, each]));
  return [...byField].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, problem]) => problem);
}
