/**
 * What operations that keep failing mean: a problem of the Service or endpoint that they serve, or
 * of this node; and whether the node as a whole cannot program a family. One object that the kernel
 * refuses is its owner's matter and never the node's.
 */
import { type DataplaneState, destinationKey, serverKey } from '../../dataplane/state.ts';
import type { Problem } from '../../model/problem.ts';
import { familyOf } from '../../net/address.ts';
import { FAMILIES, type Family } from '../../net/family.ts';
import { type Operation, operationSubject } from '../../dataplane/operations.ts';
import { causesAmong } from './causes.ts';
import { type FailureOwner, FailureOwners } from './failureOwners.ts';
import type { ProblemsByOrigin } from './problemTeller.ts';
import type { StandingFailure } from '../loop/retryBook.ts';

/** One failure may be of the moment: the next try comes within a second. */
const ATTEMPTS_OF_A_PROBLEM = 2;

/**
 * More than this share of a family's service ports without service is the node's trouble, not
 * theirs.
 */
const NODE_SHARE = 1 / 2;

export class StandingFailures {
  readonly #failures: readonly StandingFailure[];
  readonly #desired: DataplaneState;
  readonly #owners: FailureOwners;

  constructor(failures: readonly StandingFailure[], desired: DataplaneState) {
    this.#failures = failures;
    this.#desired = desired;
    this.#owners = new FailureOwners(desired);
  }

  /** By the failing subject; what only follows from another failure is no problem of its own. */
  problems(): ProblemsByOrigin {
    const standing = causesAmong(
      this.#failures.filter(({ attempts }) => attempts >= ATTEMPTS_OF_A_PROBLEM),
    );
    return new Map(
      standing.map((failure) => {
        const owner = this.#owners.ownerOf(failure.operation);
        return [operationSubject(failure.operation), [problemOf(failure, owner)]];
      }),
    );
  }

  /** The families that this node as a whole cannot program now. */
  brokenFamilies(): ReadonlySet<Family> {
    const broken = new Set<Family>();
    for (const { operation } of this.#failures)
      for (const family of familiesBrokenBy(operation)) broken.add(family);
    const unserved = this.#unservedPorts();
    for (const family of FAMILIES) {
      const ports = unserved[family];
      if (ports.size > 1 && ports.size > NODE_SHARE * this.#countPorts(family)) broken.add(family);
    }
    return broken;
  }

  /** Service ports with a frontend that is not reachable at all. */
  #unservedPorts(): Readonly<Record<Family, ReadonlySet<string>>> {
    const unserved = { IPv4: new Set<string>(), IPv6: new Set<string>() };
    const missing = new Map<string, number>();
    for (const { operation } of this.#failures) {
      const owner = this.#owners.ownerOf(operation);
      if (owner === undefined) continue;
      const { label, server, destination } = owner;
      if (destination !== undefined) {
        const key = serverKey(server);
        const count = (missing.get(key) ?? 0) + 1;
        missing.set(key, count);
        // A Service that has other endpoints is served.
        if (operation.op !== 'addDestination' || count < server.destinations.size) continue;
      }
      unserved[familyOf(server.address)].add(label);
    }
    return unserved;
  }

  #countPorts(family: Family): number {
    const servers = [...this.#desired.virtualServers.values()];
    const ofFamily = servers.filter(({ address }) => familyOf(address) === family);
    return new Set(ofFamily.map(({ service }) => service)).size;
  }
}

/**
 * What every Service of a family stands on. A sysctl is told of with its cure, and traffic mostly
 * flows without it.
 */
function familiesBrokenBy(operation: Operation): readonly Family[] {
  switch (operation.op) {
    case 'writeRules':
      return [operation.family];
    case 'createSet':
    case 'replaceSet':
      return [operation.set.family];
    case 'createDummyDevice':
      return FAMILIES;
    default:
      return [];
  }
}

function problemOf(
  { operation, error }: StandingFailure,
  owner: FailureOwner | undefined,
): Problem {
  if (owner === undefined) return nodeProblem(operation, error);
  const { service, label, server, destination } = owner;
  if (destination === undefined) {
    const path = `Service/${service}`;
    const value = serverKey(server);
    return { path, value, problem: error.message, consequence: 'RefusedByKernel' };
  }
  const why = `cannot be an endpoint of Service ${label} at ${serverKey(server)}: ${error.message}`;
  return {
    path: endpointPath(destination.endpoint),
    value: destinationKey(destination),
    service,
    problem: why,
    consequence: 'RefusedByKernel',
  };
}

/** `ns/slice#3` */
function endpointPath(source = 'unknown#0'): string {
  const [slice, index] = source.split(/#(?=\d+$)/);
  return `EndpointSlice/${slice}.endpoints[${index}].addresses[0]`;
}

const REMOVALS: ReadonlySet<Operation['op']> = new Set([
  'unbindAddress',
  'removeEntry',
  'removeRules',
  'removeSet',
]);

function nodeProblem(operation: Operation, error: Error): Problem {
  const path = operationSubject(operation);
  const isRemoval = 'server' in operation || REMOVALS.has(operation.op);
  const consequence = isRemoval ? 'NotRemoved' : 'NodeNotProgrammed';
  return { path, value: undefined, problem: whyNot(operation, error), consequence };
}

function whyNot(operation: Operation, error: Error): string {
  if (operation.op !== 'setSysctl') return error.message;
  const { name, value } = operation;
  const setting = `${name.replaceAll('/', '.')}=${value}`;
  return (
    `${error.message}; set it on the node itself (sysctl -w ${setting}), or replace the pod ` +
    '(kubectl delete pod), whose init container does'
  );
}
