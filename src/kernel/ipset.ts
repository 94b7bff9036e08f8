/**
 * The ipsets that are ours. Entries go over netlink, each acknowledged by itself; the sets as such
 * are the `ipset` program's, and so is every entry that the kernel did not acknowledge: it is
 * repeated there, and what then fails is told in the program's words. Which sets and entries there
 * should be is the plan's.
 */
import type { IpSet } from '../dataplane/state.ts';
import type { Operation, SetSpec } from '../dataplane/operations.ts';
import { ExecError, NET_ADMIN_CURE } from './errors.ts';
import { IpsetReader, NO_MODULE_CURE } from './ipsetReader.ts';
import { type Answer, IpsetSession } from './ipsetSession.ts';
import { addLine, createLine, destroyLine, removeLine, renameLine, swapLine } from './ipsetText.ts';
import { type EntryOperation, IpsetWriter } from './ipsetWriter.ts';

export type SetOperation = Extract<Operation, { readonly set: SetSpec }>;
type ReplaceOperation = Extract<SetOperation, { readonly op: 'replaceSet' }>;
type LineOperation = Exclude<SetOperation, ReplaceOperation>;

export function isSetOperation(operation: Operation): operation is SetOperation {
  return 'set' in operation;
}

export interface SetReport {
  /** one an operation, in the order given; undefined = it holds now */
  readonly outcomes: readonly (Error | undefined)[];
  /** operations that the kernel or the program was asked for */
  readonly kernelWrites: number;
}

export interface IpsetOptions {
  readonly session?: IpsetSession;
  readonly reader?: Pick<IpsetReader, 'read' | 'close'>;
  readonly writer?: Pick<IpsetWriter, 'write' | 'close'>;
}

/** Not one of kube-proxy's names; exists only while a set is replaced. */
const TEMPORARY_SET = 'KUBE-IPVS-REPLACEMENT';

export class IpsetClient {
  readonly #session: IpsetSession;
  readonly #reader: Pick<IpsetReader, 'read' | 'close'>;
  readonly #writer: Pick<IpsetWriter, 'write' | 'close'>;

  constructor({ session, reader, writer }: IpsetOptions = {}) {
    this.#session = session ?? new IpsetSession();
    this.#reader = reader ?? new IpsetReader();
    this.#writer = writer ?? new IpsetWriter();
  }

  /** Those of `names` that exist. @param known see Dataplane.read; @throws KernelError */
  read(names: readonly string[], known?: ReadonlyMap<string, IpSet>) {
    return this.#reader.read(names, known);
  }

  /** In the order given; goes on after failures, never throws for them. */
  async apply(run: readonly SetOperation[]): Promise<SetReport> {
    const outcomes: (Error | undefined)[] = [];
    let kernelWrites = 0;
    for (const piece of piecesOf(run)) {
      const report = await this.#applyPiece(piece);
      for (const outcome of report.outcomes) outcomes.push(outcome);
      kernelWrites += report.kernelWrites;
    }
    return { outcomes, kernelWrites };
  }

  async close(): Promise<void> {
    this.#reader.close();
    this.#writer.close();
    await this.#session.close();
  }

  async #applyPiece(piece: Piece): Promise<SetReport> {
    if ('replacement' in piece) return this.#replace(piece.replacement);
    const isOfEntries = 'entries' in piece;
    const outcomes = await (isOfEntries ? this.#write(piece.entries) : this.#told(piece.sets));
    return { outcomes, kernelWrites: outcomes.length };
  }

  /** What the kernel does not acknowledge is repeated with the program. */
  async #write(operations: readonly EntryOperation[]): Promise<readonly (Error | undefined)[]> {
    const isDone = await this.#writer.write(operations);
    const outcomes: (Error | undefined)[] = operations.map(() => undefined);
    const left = operations.flatMap((_, i) => (isDone[i] === true ? [] : [i]));
    const told = await this.#told(left.map((i) => operations[i]!));
    left.forEach((i, n) => (outcomes[i] = told[n]));
    return outcomes;
  }

  /** By the program, a line each. */
  async #told(operations: readonly LineOperation[]): Promise<readonly (Error | undefined)[]> {
    const answers = await this.#answers(operations.map(lineOf));
    return operations.map((operation, i) => outcomeOf(operation, answers[i]));
  }

  /** A session that cannot run answers every line with the reason. */
  async #answers(lines: readonly string[]): Promise<readonly Answer[]> {
    if (lines.length === 0) return [];
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
    const temporary = { ...set, name: TEMPORARY_SET };
    const [cleared] = await this.#answers([destroyLine(TEMPORARY_SET)]);
    const filled = await this.apply([
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

type Piece =
  | { readonly entries: EntryOperation[] }
  | { readonly sets: LineOperation[] }
  | { readonly replacement: ReplaceOperation };

/** Runs of one kind, in the order given. */
function piecesOf(operations: readonly SetOperation[]): readonly Piece[] {
  const pieces: Piece[] = [];
  for (const operation of operations) {
    const last = pieces.at(-1);
    if (operation.op === 'replaceSet') pieces.push({ replacement: operation });
    else if (isEntryOperation(operation)) {
      if (last !== undefined && 'entries' in last) last.entries.push(operation);
      else pieces.push({ entries: [operation] });
    } else if (last !== undefined && 'sets' in last) last.sets.push(operation);
    else pieces.push({ sets: [operation] });
  }
  return pieces;
}

function isEntryOperation(operation: LineOperation): operation is EntryOperation {
  return operation.op === 'addEntry' || operation.op === 'removeEntry';
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
