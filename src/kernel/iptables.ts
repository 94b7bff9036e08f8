/**
 * Reads and writes our chains and jumps with the iptables programs, one transaction a family and table. The rule set is fixed:
 * this runs at start, after a change of configuration and when the audit finds damage, so it may start processes.
 */
import type { TableName } from '../desired/state.ts';
import type { Family } from '../net/family.ts';
import type { Operation } from '../plan/operations.ts';
import { ExecError } from './errors.ts';
import { type Argv, isMissingProgram, run as runProgram, type Runner } from './exec.ts';
import {
  findTools,
  type IptablesTools,
  type IptablesVariant,
  programName,
  variantWithTraces,
  writableVariant,
} from './iptablesBackend.ts';
import {
  type ChainNames,
  parseTables,
  removalInput,
  restoreInput,
  type Tables,
} from './iptablesText.ts';

export type RuleOperation = Extract<Operation, { readonly op: 'writeRules' }>;

export function isRuleOperation(operation: Operation): operation is RuleOperation {
  return operation.op === 'writeRules';
}

export interface RuleReport {
  /** one an operation, in the order given; undefined = it holds now */
  readonly outcomes: readonly (Error | undefined)[];
  /** transactions */
  readonly kernelWrites: number;
}

const NOTHING: Tables = { nat: new Map(), filter: new Map() };

const FAILED = { noRule: 1, parse: 2, locked: 4 } as const;

export class IptablesPort {
  readonly #ours: ChainNames;
  readonly #run: Runner;
  #tools: IptablesTools | undefined;
  #variant: IptablesVariant | undefined;

  constructor(ours: ChainNames, run: Runner = runProgram) {
    this.#ours = ours;
    this.#run = run;
  }

  /** @throws ExecError when iptables is not installed */
  async tools(): Promise<IptablesTools> {
    this.#tools ??= await findTools(this.#run);
    return this.#tools;
  }

  /** The variant that is used, once it is known: by traces when reading, at the latest when first writing. */
  get variant(): IptablesVariant | undefined {
    return this.#variant;
  }

  /** Writes nothing. @throws ExecError */
  async read(): Promise<Readonly<Record<Family, Tables>>> {
    const { families } = await this.tools();
    this.#variant ??= await variantWithTraces(this.#run, families);
    const variant = this.#variant;
    if (variant === undefined) return { IPv4: NOTHING, IPv6: NOTHING };
    const read = (family: Family) =>
      families.includes(family) ? this.#readFamily(family, variant) : NOTHING;
    const [IPv4, IPv6] = await Promise.all([read('IPv4'), read('IPv6')]);
    return { IPv4, IPv6 };
  }

  /** In the order given; goes on after failures, never throws for them. */
  async apply(run: readonly RuleOperation[]): Promise<RuleReport> {
    const outcomes: (Error | undefined)[] = [];
    let kernelWrites = 0;
    for (const { family, table, chains } of run) {
      try {
        const present = await this.#readTable(family, table);
        await this.#restore(family, restoreInput(table, chains, present[table]));
        kernelWrites++;
        outcomes.push(undefined);
      } catch (error) {
        outcomes.push(error as Error);
      }
    }
    return { outcomes, kernelWrites };
  }

  /** Takes away our jumps and chains of both families; success where there are none. @throws ExecError */
  async removeAll(): Promise<void> {
    const present = await this.read();
    const { families } = await this.tools();
    for (const family of families) {
      for (const table of ['nat', 'filter'] as const) {
        const input = removalInput(table, present[family][table]);
        if (input !== undefined) await this.#restore(family, input);
      }
    }
  }

  async #readFamily(family: Family, variant: IptablesVariant): Promise<Tables> {
    const { stdout } = await this.#run([programName(family, variant, '-save')]);
    return parseTables(stdout, this.#ours);
  }

  async #readTable(family: Family, table: TableName): Promise<Tables> {
    const variant = await this.#variantToWrite();
    const { stdout } = await this.#run([programName(family, variant, '-save'), '-t', table]);
    return parseTables(stdout, this.#ours);
  }

  async #restore(family: Family, stdin: string): Promise<void> {
    const program = programName(family, await this.#variantToWrite(), '-restore');
    const { hasRandomFully } = await this.tools();
    // other programs hold the lock for moments only; older versions do not know the option and fail at once
    const wait = hasRandomFully ? ['-w', '5'] : [];
    const argv: Argv = [program, '--noflush', ...wait];
    try {
      await this.#run(argv, { stdin });
    } catch (error) {
      throw error instanceof ExecError ? explained(error, stdin) : error;
    }
  }

  async #variantToWrite(): Promise<IptablesVariant> {
    const { families } = await this.tools();
    this.#variant ??=
      (await variantWithTraces(this.#run, families)) ?? (await writableVariant(this.#run));
    return this.#variant;
  }
}

/** Adds the line that the program complains about, and what to do. */
function explained(error: ExecError, stdin: string): ExecError {
  const { argv, exitCode, cause } = error;
  const stderr = error.stderr.trim();
  const number = /line:? (\d+)/.exec(stderr)?.[1];
  const line = number === undefined ? undefined : stdin.split('\n')[Number(number) - 1];
  const remarks = [
    line === undefined || line === 'COMMIT' ? undefined : `in: ${line}`,
    cureFor(error),
  ].filter((text) => text !== undefined);
  const text = remarks.length === 0 ? stderr : `${stderr} (${remarks.join('; ')})`;
  return new ExecError({ argv, exitCode, stderr: text, cause });
}

function cureFor(error: ExecError): string | undefined {
  const { exitCode, stderr } = error;
  if (isMissingProgram(error)) return undefined;
  if (/[Pp]ermission denied|Operation not permitted/.test(stderr))
    return 'it takes root or CAP_NET_ADMIN in this network namespace';
  if (exitCode === FAILED.locked && stderr.includes('lock'))
    return 'another program holds /run/xtables.lock; it is tried again';
  if (/Couldn't load match|No chain\/target\/match by that name/.test(stderr))
    return 'a netfilter module of the kernel is missing: xt_set, xt_comment, xt_mark, xt_addrtype, xt_conntrack, xt_physdev, xt_ipvs or xt_MASQUERADE';
  return undefined;
}
