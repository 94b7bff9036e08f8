/** Sends the packets of the matrix's cells and tells what came of each. */
import type { FlowResult, FlowTarget, Traffic } from '../../lab/traffic.ts';
import { type Cell, measuredOutcome } from './outcome.ts';

/** Flows a cell: as many as a Service has endpoints, so that round robin comes to all of them. */
const FLOWS = 2;
/** More at once, and the lab's one CPU makes answers late enough to look lost. */
const MAX_AT_ONCE = 40;

/**
 * Cells of one virtual server take turns, for another flow in between would have one of the
 * endpoints; different virtual servers go at once.
 *
 * @returns in the order of the cells
 */
export async function probeCells(traffic: Traffic, cells: readonly Cell[]): Promise<string[]> {
  const outcomes = cells.map(() => '');
  const groups = [...Map.groupBy(cells.keys(), (index) => serverOf(cells[index]!)).values()];
  // the ones that wait for silence take longest
  groups.sort((a, b) => dropCount(b) - dropCount(a));
  const worker = async () => {
    for (let group = groups.shift(); group !== undefined; group = groups.shift()) {
      for (const index of group) outcomes[index] = await probeCell(traffic, cells[index]!);
    }
  };
  await Promise.all(Array.from({ length: MAX_AT_ONCE }, worker));
  return outcomes;

  function dropCount(group: readonly number[]): number {
    return group.filter((index) => cells[index]!.row.expected.kind === 'dropped').length;
  }
}

async function probeCell(traffic: Traffic, { row, protocol, family }: Cell): Promise<string> {
  const target: FlowTarget = {
    from: row.client.name,
    protocol: protocol.toLowerCase() as Lowercase<typeof protocol>,
    ...row.target(family),
  };
  if (row.expected.kind !== 'answered') {
    const atOnce = Array.from({ length: FLOWS }, () => traffic.probe(target));
    return measuredOutcome(await Promise.all(atOnce));
  }
  const results: FlowResult[] = [];
  for (let i = 0; i < FLOWS; i++) results.push(await traffic.probe(target));
  return measuredOutcome(results);
}

function serverOf({ row, protocol, family }: Cell): string {
  const { address, port } = row.target(family);
  return `${row.asked.name} ${protocol} ${address} ${port}`;
}
