/**
 * The ipsets that are ours: read over netlink, written with the `ipset` program. Few entries go
 * through a session that confirms them; many go through one `ipset restore`, are counted
 * afterwards, and what turns out wrong is repeated singly, so that every operation has its own
 * answer and no entry is missing in silence. Which sets and entries there should be is the plan's.
 */
import type { IpSet } from '../dataplane/state.ts';
import type { Operation, SetSpec } from '../dataplane/operations.ts';
import { ExecError, NET_ADMIN_CURE } from './errors.ts';
import { run as runProgram, type Runner } from './exec.ts';
import { IpsetReader, NO_MODULE_CURE } from './ipsetReader.ts';
import { type Answer, IPSET_ENVIRONMENT, IpsetSession } from './ipsetSession.ts';
import {
  addLine,
  createLine,
  destroyLine,
  parseCounts,
  removeLine,
  renameLine,
  swapLine,
} from './ipsetText.ts';

export type SetOperation = Extract<Operation, { readonly set: SetSpec }>;
type LineOperation = Exclude<SetOperation, { readonly op: 'replaceSet' }>;
type ReplaceOperation = Extract<SetOperation, { readonly op: 'replaceSet' }>;

export function isSetOperation(operation: Operation): operation is SetOperation {
  return 'set' in operation;
}

export interface SetReport {
  /** one an operation, in the order given; undefined = it holds now */
  readonly outcomes: readonly (Error | undefined)[];
  /** lines that reached the program */
  readonly kernelWrites: number;
}

export interface IpsetOptions {
  readonly run?: Runner;
  readonly session?: IpsetSession;
  readonly reader?: Pick<IpsetReader, 'read' | 'close'>;
  /** more lines than this go through `ipset restore` */
  readonly bulkLines?: number;
}

/** Below it a new process costs more than single answers. */
const BULK_LINES = 200;

/** 100,000 entries take 50 s to save on the slowest machine tried. */
const BULK_TIMEOUT_MS = 300_000;

/** Not one of kube-proxy's names; exists only while a set is replaced. */
const TEMPORARY_SET = 'KUBE-IPVS-REPLACEMENT';

export class IpsetClient {
  readonly #run: Runner;
  readonly #session: IpsetSession;
  readonly #reader: Pick<IpsetReader, 'read' | 'close'>;
  readonly #bulkLines: number;
  /**
   * entries by set as they should be after what was read, counted and written since: what a bulk
   * would else have to ask for
   */
  #sizes: Map<string, number> | undefined;

  constructor({ run = runProgram, session, reader, bulkLines = BULK_LINES }: IpsetOptions = {}) {
    this.#run = curing(run);
    this.#session = session ?? new IpsetSession();
    this.#reader = reader ?? new IpsetReader();
    this.#bulkLines = bulkLines;
  }

  /** Those of `names` that exist. @throws KernelError */
  async read(names: readonly string[]): Promise<ReadonlyMap<string, IpSet>> {
    this.#sizes = undefined;
    const sets = await this.#reader.read(names);
    this.#sizes = new Map(names.map((name) => [name, sets.get(name)?.entries.size ?? 0]));
    return sets;
  }

  /** In the order given; goes on after failures, never throws for them. */
  async apply(run: readonly SetOperation[]): Promise<SetReport> {
    const reports: SetReport[] = [];
    for (const piece of piecesOf(run)) {
      const isLines = Array.isArray(piece);
      reports.push(await (isLines ? this.#applyLines(piece) : this.#replace(piece)));
    }
    return {
      outcomes: reports.flatMap(({ outcomes }) => outcomes),
      kernelWrites: reports.reduce((sum, report) => sum + report.kernelWrites, 0),
    };
  }

  async close(): Promise<void> {
    this.#reader.close();
    await this.#session.close();
  }

  async #applyLines(operations: readonly LineOperation[]): Promise<SetReport> {
    const kernelWrites = operations.length;
    if (kernelWrites > this.#bulkLines && (await this.#restore(operations)))
      return { outcomes: operations.map(() => undefined), kernelWrites };
    const answers = await this.#answers(operations.map(lineOf));
    const outcomes = operations.map((operation, i) => outcomeOf(operation, answers[i]));
    const done = operations.filter((_, i) => outcomes[i] === undefined);
    this.#sizes &&= sizesAfter(done, this.#sizes);
    return { outcomes, kernelWrites };
  }

  /**
   * One process, which also counts.
   *
   * @returns false when anything is in doubt: every line may be repeated, and singly each gets its
   * own answer
   */
  async #restore(operations: readonly LineOperation[]): Promise<boolean> {
    try {
      const before = await this.#sizesOf(operations);
      this.#sizes = undefined;
      const stdin = [...operations.map(lineOf), 'list -t', ''].join('\n');
      const argv = ['ipset', 'restore', '-exist'] as const;
      const { stdout } = await this.#run(argv, {
        stdin,
        timeoutMs: BULK_TIMEOUT_MS,
        env: IPSET_ENVIRONMENT,
      });
      const after = parseCounts(stdout);
      const expected = sizesAfter(operations, before);
      if (operations.some(({ set }) => after.get(set.name) !== expected.get(set.name)))
        return false;
      this.#sizes = after;
      return true;
    } catch (error) {
      if (error instanceof ExecError) return false;
      throw error;
    }
  }

  /** @throws ExecError */
  async #sizesOf(operations: readonly LineOperation[]): Promise<ReadonlyMap<string, number>> {
    const sizes = this.#sizes;
    if (sizes !== undefined && operations.every(({ set }) => sizes.has(set.name))) return sizes;
    return parseCounts((await this.#run(['ipset', 'list', '-t'])).stdout);
  }

  /** A session that cannot run answers every line with the reason. */
  async #answers(lines: readonly string[]): Promise<readonly Answer[]> {
    try {
      return await this.#session.run(lines);
    } catch (error) {
      if (!(error instanceof ExecError)) throw error;
      return lines.map(() => error.message);
    }
  }

  /**
   * Create, fill, swap, destroy: whoever refers to the name sees the old content or the new,
   * nothing between.
   */
  async #replace({ set, entries }: ReplaceOperation): Promise<SetReport> {
    this.#sizes = undefined;
    const temporary = { ...set, name: TEMPORARY_SET };
    const [cleared] = await this.#answers([destroyLine(TEMPORARY_SET)]);
    const filled = await this.#applyLines([
      { op: 'createSet', set: temporary },
      ...entries.map((entry) => ({ op: 'addEntry', set: temporary, entry }) as const),
    ]);
    const unfilled = filled.outcomes.find((outcome) => outcome !== undefined);
    const reason = cleared ?? unfilled?.message ?? (await this.#exchange(TEMPORARY_SET, set.name));
    const kernelWrites = filled.kernelWrites + 2;
    if (reason === undefined) return { outcomes: [undefined], kernelWrites };
    await this.#answers([destroyLine(TEMPORARY_SET)]);
    return {
      outcomes: [failure(['ipset', 'swap', TEMPORARY_SET, set.name], reason)],
      kernelWrites,
    };
  }

  /**
   * A set of another type cannot be swapped: it is removed first, which the kernel allows while no
   * rule refers to it.
   */
  async #exchange(temporary: string, name: string): Promise<Answer> {
    const [swapped] = await this.#answers([swapLine(temporary, name)]);
    if (swapped === undefined) return (await this.#answers([destroyLine(temporary)]))[0];
    const [destroyed] = await this.#answers([destroyLine(name)]);
    if (destroyed !== undefined)
      return `${swapped}; the old set cannot be removed either: ${destroyed} (remove the rules that refer to ${name})`;
    return (await this.#answers([renameLine(temporary, name)]))[0];
  }
}

/** Runs of single lines, and replacements between them. */
function piecesOf(operations: readonly SetOperation[]): (LineOperation[] | ReplaceOperation)[] {
  const pieces: (LineOperation[] | ReplaceOperation)[] = [];
  for (const operation of operations) {
    const last = pieces.at(-1);
    if (operation.op === 'replaceSet') pieces.push(operation);
    else if (Array.isArray(last)) last.push(operation);
    else pieces.push([operation]);
  }
  return pieces;
}

function lineOf(operation: LineOperation): string {
  switch (operation.op) {
    case 'createSet':
      return createLine(operation.set);
    case 'removeSet':
      return destroyLine(operation.set.name);
    case 'addEntry':
      return addLine(operation.set.name, operation.entry);
    default:
      return removeLine(operation.set.name, operation.entry);
  }
}

/**
 * Each set grows by what is added and shrinks by what is removed; entries that were there before
 * make this wrong.
 */
function sizesAfter(
  operations: readonly LineOperation[],
  before: ReadonlyMap<string, number>,
): Map<string, number> {
  const sizes = new Map(before);
  for (const { op, set } of operations) {
    if (op === 'removeSet') {
      sizes.delete(set.name);
      continue;
    }
    const change = { createSet: 0, addEntry: 1, removeEntry: -1 }[op];
    sizes.set(set.name, (sizes.get(set.name) ?? 0) + change);
  }
  return sizes;
}

/** An entry is gone with its set, and what is not there is removed. */
function outcomeOf(operation: LineOperation, answer: Answer): Error | undefined {
  if (answer === undefined) return undefined;
  const isRemoval = operation.op === 'removeEntry' || operation.op === 'removeSet';
  if (isRemoval && isMissingSet(answer)) return undefined;
  return failure(['ipset', ...lineOf(operation).split(' ')], answer);
}

/** The program has one exit code for everything: its text is all there is. */
function isMissingSet(text: string): boolean {
  return text.includes('The set with the given name does not exist');
}

function failure(argv: readonly string[], text: string): ExecError {
  return new ExecError({ argv, exitCode: 1, stderr: withCure(text) });
}

/**
 * Runs a program that only needs its answer; adds what to do to the errors that a person can cure.
 */
function curing(run: Runner): Runner {
  return (argv, options) =>
    run(argv, options).catch((error: unknown) => {
      if (!(error instanceof ExecError)) throw error;
      const { exitCode, stderr, cause } = error;
      throw new ExecError({ argv, exitCode, stderr: withCure(stderr.trim()), cause });
    });
}

function withCure(text: string): string {
  if (text.includes('Operation not permitted')) return `${text} (${NET_ADMIN_CURE})`;
  if (
    /Cannot open session to kernel|Kernel error received: (?:Invalid argument|No such file)/.test(
      text,
    )
  )
    return `${text} (${NO_MODULE_CURE})`;
  return text;
}
