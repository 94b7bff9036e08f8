/**
 * Reads and writes our chains and jumps with the iptables programs, one transaction a family and
 * table. The rule set is fixed: this runs at start, after a change of configuration and when the
 * audit finds damage, so it may start processes.
 */
import { FAMILIES, type Family } from '../net/family.ts';
import {
  type Chains,
  mapTables,
  type TableName,
  type Tables,
  tablesIn,
} from '../dataplane/tables.ts';
import { type Part, rulesPart } from '../dataplane/part.ts';
import type { Operation } from '../dataplane/operations.ts';
import { ExecError } from './errors.ts';
import { type Argv, run as runProgram, type Runner } from './exec.ts';
import { findTools, type IptablesTools } from './iptablesBackend.ts';
import { explained, isLocked } from './iptablesErrors.ts';
import { type IptablesVariant, programName } from './iptablesPrograms.ts';
import {
  kubeletElsewhere,
  type Look,
  saveAll,
  type Saved,
  survey,
  writableVariant,
} from './iptablesSurvey.ts';
import { readTables } from './iptablesReader.ts';
import {
  type ChainNames,
  incompatibleTables,
  only,
  parseTables,
  removalInput,
  type Table,
  restoreInput,
  type ReadTables,
} from './iptablesText.ts';
import { RuleMemory } from './ruleMemory.ts';

export type RuleOperation = Extract<Operation, { readonly op: 'writeRules' | 'removeRules' }>;

export function isRuleOperation(operation: Operation): operation is RuleOperation {
  return operation.op === 'writeRules' || operation.op === 'removeRules';
}

/** What a reading of these tables can be without. */
export function rulePartsOf(ours: ChainNames): readonly Part[] {
  return FAMILIES.flatMap((family) => partsOf(family, ours));
}

function partsOf(family: Family, ours: ChainNames): readonly Part[] {
  return tablesIn(ours).map(([table]) => rulesPart(family, table));
}

export interface RuleReading extends Readonly<Record<Family, Tables>> {
  /** what could not be read, and why */
  readonly unknown: ReadonlyMap<Part, Error>;
  /** see ActualState */
  readonly unconfirmed: ReadonlyMap<Part, Error>;
}

export interface RuleReport {
  /** one an operation, in the order given; undefined = it holds now */
  readonly outcomes: readonly (Error | undefined)[];
  /** transactions */
  readonly kernelWrites: number;
}

export interface IptablesOptions extends Partial<Look> {
  /** where the caller has found them already */
  readonly tools?: IptablesTools | undefined;
}

export class IptablesClient {
  readonly #ours: ChainNames;
  readonly #look: Look;
  readonly #run: Runner;
  #tools: IptablesTools | undefined;
  #variant: IptablesVariant | undefined;
  /**
   * the one that was used before, by an earlier process too: what is ours in it goes as soon as it
   * is in the one of now
   */
  #left: IptablesVariant | undefined;
  /** as long as the variant is not known: those in question */
  #readable: readonly IptablesVariant[] = [];
  /** then too: in one of them is a table of ours whose content is not known */
  #hasUnprintable = false;
  /**
   * what the read before this apply found: good for one write each family, and two processes fewer
   * at start
   */
  readonly #fresh = new Map<Family, ReadTables>();
  /** counts the applies */
  #applied = 0;
  #memory = new RuleMemory();
  /** reads back what was last written; nobody waits for it but who reads or writes next */
  #confirmation: Promise<void> = Promise.resolve();

  constructor(ours: ChainNames, { run = runProgram, tools, ...look }: IptablesOptions = {}) {
    this.#ours = ours;
    this.#look = { ...look, run };
    this.#run = run;
    this.#tools = tools;
  }

  /**
   * The variant that is used, once it is known: by traces when reading, at the latest when first
   * writing.
   */
  get variant(): IptablesVariant | undefined {
    return this.#variant;
  }

  /**
   * Writes nothing. @throws ExecError when iptables is not installed, or no variant of it can be
   * read
   */
  async read(): Promise<RuleReading> {
    await this.#confirmation;
    const appliedBefore = this.#applied;
    const variant = this.#variant;
    const texts = await this.#saveEach();
    // Looking for the variant has heard kubelet.
    const saved = variant === undefined ? texts : await this.#followKubelet(variant, texts);
    const unknown = new Map<Part, Error>();
    const unconfirmed = new Map<Part, Error>();
    const readFamily = async (family: Family): Promise<Tables> => {
      const tables = await this.#tablesFrom(family, saved.get(family) ?? '').catch(
        (error: unknown) => {
          this.#fresh.delete(family);
          for (const part of partsOf(family, this.#ours)) unknown.set(part, error as Error);
          return parseTables('', this.#ours);
        },
      );
      return mapTables(tables, (read, table) => {
        const { chains, doubt } = this.#memory.understood(family, table, read.chains);
        if (doubt !== undefined) unconfirmed.set(rulesPart(family, table), doubt);
        return chains;
      });
    };
    const [IPv4, IPv6] = await Promise.all([readFamily('IPv4'), readFamily('IPv6')]);
    // An audit reads beside the rounds: what was written meanwhile it may have missed.
    if (this.#applied !== appliedBefore) this.#fresh.clear();
    return { IPv4, IPv6, unknown, unconfirmed };
  }

  /**
   * One program run a family, each table a transaction; goes on after failures, never throws for
   * them.
   */
  async apply(run: readonly RuleOperation[]): Promise<RuleReport> {
    await this.#confirmation;
    this.#applied++;
    const outcomes = new Map<RuleOperation, Error | undefined>();
    let kernelWrites = 0;
    for (const family of FAMILIES) {
      const ofFamily = run.filter((operation) => operation.family === family);
      if (ofFamily.length === 0) continue;
      const lock = [...outcomes.values()].find(isLocked);
      const results =
        lock === undefined ? await this.#applyFamily(family, ofFamily) : ofFamily.map(() => lock);
      ofFamily.forEach((operation, i) => outcomes.set(operation, results[i]));
      kernelWrites += results.filter((result) => result === undefined).length;
    }
    const written = run.filter((operation) => outcomes.get(operation) === undefined);
    this.#confirmation = this.#confirm(written);
    if (this.#left !== undefined && written.length === run.length) await this.#leave(this.#left);
    return { outcomes: run.map((operation) => outcomes.get(operation)), kernelWrites };
  }

  /**
   * Takes away our jumps and chains of both families; success where there are none. @throws
   * ExecError
   */
  async removeAll(): Promise<void> {
    const present = await this.read();
    for (const family of FAMILIES) {
      const input = removalInputs(present[family]);
      if (input !== '') await this.#restore(family, input);
    }
  }

  /**
   * All tables together; if that is refused, each by itself, to see which it is and to have the
   * others.
   */
  async #applyFamily(
    family: Family,
    operations: readonly RuleOperation[],
  ): Promise<(Error | undefined)[]> {
    try {
      const variant = await this.#variantToWrite();
      const present = await this.#presentTables(family, variant, operations);
      const inputs = operations.map((operation) =>
        inputFor(operation, present[operation.table] ?? EMPTY_TABLE),
      );
      const input = inputs.join('');
      if (input !== '') await this.#restore(family, input);
      return operations.map(() => undefined);
    } catch (error) {
      // A table more would wait as long again, and everything else with it.
      if (operations.length === 1 || isLocked(error)) return operations.map(() => error as Error);
    }
    const results: (Error | undefined)[] = [];
    for (const operation of operations)
      results.push(...(await this.#applyFamily(family, [operation])));
    return results;
  }

  /**
   * Read anew after any attempt to write: a table before a refused one has been written, its jumps
   * must not come twice.
   */
  async #presentTables(
    family: Family,
    variant: IptablesVariant,
    operations: readonly RuleOperation[],
  ): Promise<ReadTables> {
    const fresh = this.#fresh.get(family);
    this.#fresh.delete(family);
    if (fresh !== undefined) return fresh;
    const saved = await saveAll(this.#run, variant, [family]);
    const writes = operations.filter(isWrite);
    const jumps = (table: TableName) =>
      writes.find((each) => each.table === table)?.chains ??
      this.#memory.lastWritten(family, table);
    return this.#parse(family, variant, saved.get(family) ?? '', jumps);
  }

  /**
   * Once after each write: what does not read back as it was written, and again not, is not
   * written a third time, or each audit would, for ever. That can be a later iptables with other
   * words for a rule.
   */
  async #confirm(done: readonly RuleOperation[]): Promise<void> {
    const written = done.filter(isWrite);
    for (const family of FAMILIES) {
      const ofFamily = written.filter((operation) => operation.family === family);
      if (ofFamily.length === 0) continue;
      for (const operation of ofFamily) this.#memory.wrote(operation);
      try {
        const variant = await this.#variantToWrite();
        const present = await this.#presentTables(family, variant, ofFamily);
        for (const operation of ofFamily)
          this.#memory.readBack(operation, (present[operation.table] ?? EMPTY_TABLE).chains);
      } catch {
        // The next audit reads again and says so if it cannot.
      }
    }
  }

  async #tablesFrom(family: Family, saved: string | Error): Promise<ReadTables> {
    if (saved instanceof Error) throw saved;
    const jumps = (table: TableName) => this.#memory.lastWritten(family, table);
    const variant = this.#variant;
    const tables =
      variant === undefined
        ? parseTables('', this.#ours)
        : await this.#parse(family, variant, saved, jumps);
    // Jumps that could not be asked for may be there.
    const isWhole =
      variant === undefined
        ? !this.#hasUnprintable
        : incompatibleTables(saved).every(
            (table) => !(table in this.#ours) || jumps(table) !== undefined,
          );
    if (isWhole) this.#fresh.set(family, tables);
    else this.#fresh.delete(family);
    return tables;
  }

  #parse(
    family: Family,
    variant: IptablesVariant,
    saved: string,
    jumps: (table: TableName) => Chains | undefined,
  ): Promise<ReadTables> {
    return readTables(saved, { run: this.#run, variant, family, ours: this.#ours, jumps });
  }

  /** One family that cannot be read keeps nothing from the other. */
  async #saveEach(): Promise<ReadonlyMap<Family, string | Error>> {
    const variant = this.#variant;
    if (variant === undefined) return this.#save();
    const { families } = await this.#findTools();
    const texts = families.map(async (family) => {
      const text = await saveAll(this.#run, variant, [family]).then(
        (saved) => saved.get(family)!,
        (error: unknown) => error as Error,
      );
      return [family, text] as const;
    });
    return new Map(await Promise.all(texts));
  }

  /**
   * @returns what is read on with: of the variant that kubelet uses, where that is another than
   * ours
   */
  async #followKubelet(
    variant: IptablesVariant,
    saved: ReadonlyMap<Family, string | Error>,
  ): Promise<ReadonlyMap<Family, string | Error>> {
    const { families, variants } = await this.#findTools();
    const texts = [...saved.values()].filter((each) => typeof each === 'string');
    if (texts.length < families.length) return saved;
    const other = await kubeletElsewhere(this.#look, { families, variants }, { variant, texts });
    if (other === undefined) return saved;
    this.#left = variant;
    this.#variant = other.variant;
    this.#memory = new RuleMemory();
    this.#fresh.clear();
    return other.saved;
  }

  /** Left-overs do little harm: what cannot be removed stays. */
  async #leave(variant: IptablesVariant): Promise<void> {
    this.#left = undefined;
    const { families } = await this.#findTools();
    for (const family of families) {
      try {
        const saved = await saveAll(this.#run, variant, [family]);
        const tables = parseTables(saved.get(family)!, this.#ours);
        const input = removalInputs(mapTables(tables, ({ chains }) => chains));
        const argv: Argv = [programName(family, variant, '-restore'), '--noflush'];
        if (input !== '') await this.#run(argv, { stdin: input });
      } catch {
        // As said.
      }
    }
  }

  /** Looks for the variant. */
  async #save(): Promise<Saved> {
    const tools = await this.#findTools();
    this.#tools = { ...tools, surveyed: undefined };
    const surveyed = tools.surveyed ?? (await survey(this.#look, tools));
    const { traced, readable, unprintable } = surveyed;
    this.#variant = traced?.variant;
    this.#left = surveyed.left;
    this.#readable = readable;
    this.#hasUnprintable = unprintable.some((table) => table in this.#ours);
    return traced?.saved ?? new Map();
  }

  async #findTools(): Promise<IptablesTools> {
    this.#tools ??= await findTools(this.#look);
    return this.#tools;
  }

  async #restore(family: Family, stdin: string): Promise<void> {
    const program = programName(family, await this.#variantToWrite(), '-restore');
    const { hasRandomFully } = await this.#findTools();
    // other programs hold the lock for moments only; older versions do not know the option and fail
    // at once
    const wait = hasRandomFully ? ['-w', '5'] : [];
    const argv: Argv = [program, '--noflush', ...wait];
    try {
      await this.#run(argv, { stdin });
    } catch (error) {
      throw error instanceof ExecError ? explained(error, stdin) : error;
    }
  }

  async #variantToWrite(): Promise<IptablesVariant> {
    if (this.#variant === undefined) await this.#save();
    this.#variant ??= await writableVariant(this.#run, this.#readable);
    return this.#variant;
  }
}

export type WriteOperation = Extract<RuleOperation, { readonly op: 'writeRules' }>;

function isWrite(operation: RuleOperation): operation is WriteOperation {
  return operation.op === 'writeRules';
}

/** @returns '' when it holds already */
function inputFor(operation: RuleOperation, present: Table): string {
  const { table } = operation;
  return isWrite(operation)
    ? restoreInput(table, operation.chains, present)
    : (removalInput(table, only(operation.chains, present.chains)) ?? '');
}

const EMPTY_TABLE: Table = { chains: new Map(), places: new Map() };

/** @returns '' when there is nothing of ours in any table */
function removalInputs(present: Tables): string {
  const inputs = tablesIn(present).map(([table, chains]) => removalInput(table, chains) ?? '');
  return inputs.join('');
}
