/**
 * Finds and removes rules in every variant of iptables that is installed: a node may have been
 * proxied by a program that used the other one.
 */
import type { RemovedRules } from '../report.ts';
import type { MeantRules, OwnNames } from '../names.ts';
import { type RuleRemoval, ruleRemovals } from '../ruleRemoval.ts';
import {
  type Chains,
  mapTables,
  type TableName,
  type Tables,
  tablesIn,
} from '../../dataplane/tables.ts';
import type { Family } from '../../net/family.ts';
import { isMissingProgram, type Runner } from '../../kernel/exec.ts';
import { findTools, type IptablesTools } from '../../kernel/iptablesBackend.ts';
import { type IptablesVariant, programName } from '../../kernel/iptablesPrograms.ts';
import { readTables } from '../../kernel/iptablesReader.ts';
import { type Look, saveAll } from '../../kernel/iptablesSurvey.ts';
import { incompatibleTables } from '../../kernel/iptablesText.ts';
import { tablesInUse as tablesOfThisNamespace } from '../../kernel/tablesInUse.ts';
import type { Findings } from './findings.ts';

export interface RuleQuestion {
  readonly look: Look;
  readonly meant: MeantRules;
  /**
   * for a table that iptables-nft cannot print: there chains and jumps are asked for one by one
   */
  readonly names: OwnNames;
  readonly jumps: Readonly<Record<Family, Tables>>;
}

interface Place {
  readonly family: Family;
  readonly variant: IptablesVariant;
}

/** Of one family in one variant, not empty. */
export interface FoundRules extends Place {
  readonly removals: readonly RuleRemoval[];
  readonly waits: boolean;
}

/** Writes nothing, and makes no table that is not there. What cannot be read is a failure. */
export async function findRules(question: RuleQuestion, to: Findings): Promise<FoundRules[]> {
  const { look } = question;
  const { tablesInUse = tablesOfThisNamespace } = look;
  let tools: IptablesTools;
  try {
    tools = await findTools(look);
  } catch (error) {
    // Without the program nobody has made rules here with it.
    if (!isMissingProgram(error)) to.fail('iptables', error);
    return [];
  }
  const found: FoundRules[] = [];
  for (const variant of tools.variants) {
    const inUse = (await tablesInUse(variant)) ?? [];
    for (const family of tools.families.filter((each) => inUse.includes(each))) {
      try {
        const removals = await removalsIn(question, { family, variant });
        if (removals.length > 0)
          found.push({ family, variant, removals, waits: tools.hasRandomFully });
      } catch (error) {
        to.fail(`rules ${family} (${variant})`, error);
      }
    }
  }
  return found;
}

/** One transaction a table; a table that is refused keeps nothing from the others. */
export async function removeRules(
  found: readonly FoundRules[],
  run: Runner | undefined,
  to: Findings,
): Promise<RemovedRules[]> {
  const removed: RemovedRules[] = [];
  for (const { family, variant, removals, waits } of found) {
    for (const { table, chains, jumps, kept, input } of removals) {
      const where = `${family} ${table}${variant === 'plain' ? '' : ` (${variant})`}`;
      for (const { chain, referrer } of kept)
        to.keep(`chain ${where} ${chain}`, `a rule of ${referrer}, which is not ours, leads to it`);
      if (input === '') continue;
      try {
        const wait = waits ? ['-w', '5'] : [];
        const program = programName(family, variant, '-restore');
        await run?.([program, '--noflush', ...wait], { stdin: input });
        removed.push({ family, variant, table, chains, jumps });
      } catch (error) {
        to.fail(`rules ${where}`, error);
      }
    }
  }
  return removed;
}

async function removalsIn(
  question: RuleQuestion,
  { family, variant }: Place,
): Promise<RuleRemoval[]> {
  const { look, meant, names, jumps } = question;
  const saved = (await saveAll(look.run, variant, [family])).get(family) ?? '';
  const unprinted = incompatibleTables(saved).filter((table) => names.chains[table] !== undefined);
  const printed = ruleRemovals(saved, meant);
  if (unprinted.length === 0) return [...printed];
  const { run } = look;
  const ours = { nat: [], filter: [], ...names.chains };
  const read = await readTables(saved, {
    run,
    variant,
    family,
    ours,
    jumps: (table) => jumps[family][table],
  });
  const text = tablesIn(mapTables(read, ({ chains }) => chains))
    .filter(([table]) => unprinted.includes(table))
    .map(([table, chains]) => textOf(table, chains))
    .join('');
  return [...printed, ...ruleRemovals(text, meant)];
}

function textOf(table: TableName, chains: Chains): string {
  const declared = [...chains.keys()].map((chain) => `:${chain} - [0:0]\n`);
  const rules = [...chains.values()].flatMap((each) => each.map((rule) => `${rule}\n`));
  return [`*${table}\n`, ...declared, ...rules].join('');
}
