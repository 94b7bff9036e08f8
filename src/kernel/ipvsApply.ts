/**
 * Carries out a run of IPVS operations: which netlink message each becomes, how they are batched
 * without changing their order where order matters, and which refusals are folded into success
 * (adding the present, changing the missing, removing the gone). Everything else is reported by
 * operation; nothing is retried here but what folding needs.
 */
import { constants } from 'node:os';
import type { Operation } from '../dataplane/operations.ts';
import { type DrainingDestination, operationSubject } from '../dataplane/operations.ts';
import { destinationKey, type ServerKey, serverKey } from '../dataplane/state.ts';
import {
  encodeDeleteDestination,
  encodeDeleteService,
  encodeNewDestination,
  encodeNewService,
  encodeSetDestination,
  encodeSetService,
} from '../netlink/ipvsRequests.ts';
import { KernelError } from './errors.ts';
import type { Encode } from './genlFamily.ts';
import { identityOf, toDestinationRequest, toServiceRequest } from './ipvsServer.ts';
import { MAX_BATCH, type Outcome } from './netlinkSocket.ts';

const { EEXIST, EINVAL, ENOBUFS, ENOENT, EPERM, ESRCH } = constants.errno;

/**
 * mh rebuilds its table of 4093 slots at each change, about 90 us, under a lock that all of generic
 * netlink waits for.
 */
const MAX_MH_BATCH = 32;
/** add → present → set → gone meanwhile → add; a lost answer takes one more */
const MAX_ROUNDS = 4;

const IPVS_OPERATIONS = [
  'addServer',
  'updateServer',
  'removeServer',
  'addDestination',
  'updateDestination',
  'drainDestination',
  'removeDestination',
] as const;

export type IpvsOperation = Extract<Operation, { op: (typeof IPVS_OPERATIONS)[number] }>;

export function isIpvsOperation(operation: Operation): operation is IpvsOperation {
  return (IPVS_OPERATIONS as readonly string[]).includes(operation.op);
}

export interface IpvsReport {
  /** one an operation, in the order given; undefined = it holds now */
  readonly outcomes: readonly (KernelError | undefined)[];
  readonly draining: readonly DrainingDestination[];
  /** change messages sent */
  readonly kernelWrites: number;
}

/** What applying needs of the kernel. */
export interface IpvsWriter {
  /** in order; see NetlinkSocket.execute */
  execute(commands: readonly Encode[], batch: number): Promise<readonly Outcome[]>;
  /**
   * destinations of these servers with their live connection counts; a server that does not exist
   * has none
   */
  countConnections(servers: readonly ServerKey[]): Promise<readonly DrainingDestination[]>;
}

/** Never throws for what the kernel refuses. @param run in the order in which it is to be done */
export async function applyIpvs(
  run: readonly IpvsOperation[],
  writer: IpvsWriter,
): Promise<IpvsReport> {
  const application = new Application(run, writer);
  for (const batch of batches(run)) await application.perform(batch);
  const draining = await application.finishDrains();
  const { outcomes, kernelWrites } = application;
  return { outcomes, draining, kernelWrites };
}

type MessageKind =
  | 'newServer'
  | 'setServer'
  | 'deleteServer'
  | 'newDestination'
  | 'setDestination'
  | 'deleteDestination';

const FIRST_MESSAGE: Readonly<Record<IpvsOperation['op'], MessageKind>> = {
  addServer: 'newServer',
  updateServer: 'setServer',
  removeServer: 'deleteServer',
  addDestination: 'newDestination',
  updateDestination: 'setDestination',
  drainDestination: 'setDestination',
  removeDestination: 'deleteDestination',
};

interface Step {
  /** of the operation in the run */
  readonly index: number;
  readonly kind: MessageKind;
}

class Application {
  readonly outcomes: (KernelError | undefined)[];
  kernelWrites = 0;
  readonly #run: readonly IpvsOperation[];
  readonly #writer: IpvsWriter;
  /** drains whose destination is there, at weight 0 */
  readonly #drains: number[] = [];

  constructor(run: readonly IpvsOperation[], writer: IpvsWriter) {
    this.#run = run;
    this.#writer = writer;
    this.outcomes = run.map(() => undefined);
  }

  /** @param batch indices of the run that may be sent at once */
  async perform(batch: readonly number[]): Promise<void> {
    /** servers that were missing and have been added: their destinations went with them */
    const readded = new Set<ServerKey>();
    let steps = batch.map((index) => ({ index, kind: FIRST_MESSAGE[this.#run[index]!.op] }));
    for (let round = 1; steps.length > 0; round++) {
      const answers = await this.#send(steps);
      if (answers === undefined) return;
      steps = steps.flatMap((step, i) => this.#next(step, answers[i]!, round, readded));
    }
  }

  /** Removes drained destinations that carry no connection. @returns the others */
  async finishDrains(): Promise<DrainingDestination[]> {
    const operationOf = (index: number) => this.#run[index] as DestinationOperation;
    const servers = new Set(this.#drains.map((index) => serverKey(operationOf(index).server)));
    if (servers.size === 0) return [];
    const counted = new Map<string, DrainingDestination>();
    try {
      for (const one of await this.#writer.countConnections([...servers])) {
        counted.set(`${one.server} ${destinationKey(one.destination)}`, one);
      }
    } catch (error) {
      for (const index of this.#drains) this.outcomes[index] = this.#failed(index, error);
      return [];
    }
    const draining: DrainingDestination[] = [];
    const idle: Step[] = [];
    for (const index of this.#drains) {
      const { server, destination } = operationOf(index);
      const found = counted.get(`${serverKey(server)} ${destinationKey(destination)}`);
      // Gone, or wanted again by a later operation of this run: nothing left to do.
      if (found === undefined || found.destination.weight !== 0) continue;
      if (found.activeConnections + found.inactiveConnections > 0) {
        draining.push({ ...found, destination: { ...destination, weight: 0 } });
      } else {
        idle.push({ index, kind: 'deleteDestination' });
      }
    }
    await this.#removeIdle(idle);
    return draining;
  }

  async #removeIdle(steps: readonly Step[]): Promise<void> {
    const answers = await this.#send(steps);
    steps.forEach(({ index, kind }, i) => {
      const answer = answers?.[i];
      if (answer === undefined || answer.errno === 0 || isGone(kind, answer.errno)) return;
      this.outcomes[index] = this.#refused(index, kind, answer);
    });
  }

  /** @returns undefined when the socket failed, which is then the outcome of each of them */
  async #send(steps: readonly Step[]): Promise<readonly Outcome[] | undefined> {
    if (steps.length === 0) return [];
    const usesMh = steps.some(({ index }) => this.#run[index]!.server.scheduler === 'mh');
    const commands = steps.map(({ index, kind }) => encoderOf(kind, this.#run[index]!));
    this.kernelWrites += commands.length;
    try {
      return await this.#writer.execute(commands, usesMh ? MAX_MH_BATCH : MAX_BATCH);
    } catch (error) {
      for (const { index } of steps) this.outcomes[index] = this.#failed(index, error);
      return undefined;
    }
  }

  /** What one answer leads to: nothing more, another message, or a failure. */
  #next(step: Step, answer: Outcome, round: number, readded: Set<ServerKey>): Step[] {
    const { index, kind } = step;
    const { errno } = answer;
    const operation = this.#run[index]!;
    const isDrain = operation.op === 'drainDestination';
    if (errno === 0 || isGone(kind, errno) || (isDrain && isNotThere(errno))) {
      if (isDrain && errno === 0) this.#drains.push(index);
      return [];
    }
    const another = alternative(kind, errno, readded.has(serverKey(operation.server)));
    if (another === undefined || round === MAX_ROUNDS) {
      this.outcomes[index] = this.#refused(index, kind, answer);
      return [];
    }
    if (another === 'newServer') readded.add(serverKey(operation.server));
    return [{ index, kind: another }];
  }

  #refused(index: number, kind: MessageKind, { errno, extack }: Outcome): KernelError {
    const operation = this.#run[index]!;
    const hint = hintFor(kind, errno, operation);
    return new KernelError({ op: describe(operation), errno, extack, hint });
  }

  #failed(index: number, cause: unknown): KernelError {
    const errno = cause instanceof KernelError ? cause.errno : constants.errno.EPROTO;
    const hint = cause instanceof Error ? cause.message : String(cause);
    return new KernelError({ op: describe(this.#run[index]!), errno, hint, cause });
  }
}

type DestinationOperation = Extract<IpvsOperation, { op: `${string}Destination` }>;

/** @param isReadded the server was missing too, and is added again by the same round */
function alternative(
  kind: MessageKind,
  errno: number,
  isReadded: boolean,
): MessageKind | undefined {
  if (errno === ENOBUFS) return kind;
  switch (kind) {
    case 'newServer':
      return errno === EEXIST ? 'setServer' : undefined;
    case 'setServer':
      return errno === ESRCH ? 'newServer' : undefined;
    case 'newDestination':
      if (errno === EEXIST) return 'setDestination';
      return errno === ESRCH && isReadded ? 'newDestination' : undefined;
    case 'setDestination':
      return errno === ENOENT || (errno === ESRCH && isReadded) ? 'newDestination' : undefined;
    default:
      return undefined;
  }
}

function isNotThere(errno: number): boolean {
  return errno === ESRCH || errno === ENOENT;
}

/** Removing the missing is success. */
function isGone(kind: MessageKind, errno: number): boolean {
  return (kind === 'deleteServer' || kind === 'deleteDestination') && isNotThere(errno);
}

function encoderOf(kind: MessageKind, operation: IpvsOperation): Encode {
  const { server } = operation;
  switch (kind) {
    case 'newServer':
      return (out, head) => encodeNewService(out, head, toServiceRequest(server));
    case 'setServer':
      return (out, head) => encodeSetService(out, head, toServiceRequest(server));
    case 'deleteServer':
      return (out, head) => encodeDeleteService(out, head, identityOf(server));
    default:
      return destinationEncoder(kind, operation as DestinationOperation);
  }
}

function destinationEncoder(
  kind: 'newDestination' | 'setDestination' | 'deleteDestination',
  { op, server, destination }: DestinationOperation,
): Encode {
  const wanted = op === 'drainDestination' ? { ...destination, weight: 0 } : destination;
  const encode = {
    newDestination: encodeNewDestination,
    setDestination: encodeSetDestination,
    deleteDestination: encodeDeleteDestination,
  }[kind];
  return (out, head) => encode(out, head, identityOf(server), toDestinationRequest(wanted));
}

/**
 * Cuts a run where a later operation must not be sent before an earlier one's folding is through: a
 * second operation on the same thing, or the removal of a server that something was done to.
 */
export function batches(run: readonly IpvsOperation[]): number[][] {
  const cut: number[][] = [];
  let batch: number[] = [];
  const subjects = new Set<string>();
  const servers = new Set<ServerKey>();
  run.forEach((operation, index) => {
    const subject = operationSubject(operation);
    const server = serverKey(operation.server);
    const isTouched = operation.op === 'removeServer' && servers.has(server);
    if (batch.length === MAX_BATCH || subjects.has(subject) || isTouched) {
      cut.push(batch);
      batch = [];
      subjects.clear();
      servers.clear();
    }
    batch.push(index);
    subjects.add(subject);
    if (operation.op !== 'removeDestination') servers.add(server);
  });
  if (batch.length > 0) cut.push(batch);
  return cut;
}

/** `add server 10.96.0.1:80/TCP` */
export function describe(operation: IpvsOperation): string {
  const verb = operation.op.replace(/(Server|Destination)$/, '');
  return `${verb} ${operationSubject(operation)}`;
}

/**
 * What IPVS means where its errno says something else; its own reasons are in the kernel's log
 * only.
 */
function hintFor(kind: MessageKind, errno: number, operation: IpvsOperation): string | undefined {
  const { scheduler } = operation.server;
  const isServer = kind === 'newServer' || kind === 'setServer';
  if (errno === EPERM) return 'IPVS wants CAP_NET_ADMIN in the initial user namespace';
  if (errno === ENOBUFS) return 'the answer was lost, the next audit shows what became of it';
  if (errno === ENOENT && isServer) {
    return `scheduler ${scheduler} is unknown: load its module ip_vs_${scheduler}`;
  }
  if (errno === ESRCH && !isServer) return 'its virtual server does not exist';
  if (errno === EINVAL && kind === 'newDestination') {
    return 'not a unicast address of the family of its server, or lo is down';
  }
  return undefined;
}
