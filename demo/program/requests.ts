// Real HTTP requests to a Service, one after the other, each a row that says who answered and whom
// it saw; all together one check against what must happen.

import type { FlowResult } from '../../test/lab/traffic.ts';
import type { Place } from '../../test/lab/addressPlan.ts';
import { joinHostPort } from '../../src/net/address.ts';
import type { Demo } from './demo.ts';

/** A pod that must answer, and the client address it must see. */
export interface Answer {
  /** `web-1:8080` */
  readonly by: string;
  readonly client: string;
}

export interface Ask {
  /** For the table at the end: what holds when it is right. */
  readonly title: string;
  readonly from: Place;
  readonly address: string;
  readonly port: number;
  /** As many requests as answers, which come in any order; one request that nobody may answer. */
  readonly expect: readonly Answer[] | 'dropped';
}

/**
 * For an answer that must come: the lab's one processor may be busy. For one that must not: a SYN
 * is sent twice.
 */
const patienceMs = { answer: 5000, silence: 1500 };

export async function ask({ cluster, report }: Demo, { title, from, address, port, expect }: Ask) {
  const results: FlowResult[] = [];
  for (let i = 0; i < (expect === 'dropped' ? 1 : expect.length); i++) {
    const timeoutMs = expect === 'dropped' ? patienceMs.silence : patienceMs.answer;
    const target = { from: from.name, protocol: 'http', address, port, timeoutMs } as const;
    results.push(await cluster.topology.traffic.probe(target));
  }
  const problem = difference(results, expect);
  for (const result of results) {
    const cells = resultCells(result, cluster.whose);
    report.row([from.name, joinHostPort(address, port), ...cells], { problem });
  }
  report.check(title, problem);
}

/** @returns what is not as it must be; undefined when all is */
export function difference(
  results: readonly FlowResult[],
  expect: Ask['expect'],
): string | undefined {
  const met = results.map(resultText).sort();
  const wanted = expect === 'dropped' ? ['dropped'] : expect.map(answerText).sort();
  if (met.join() === wanted.join()) return undefined;
  return `expected: ${wanted.join(', ')}\nhappened: ${met.join(', ')}`;
}

function resultCells(result: FlowResult, whose: (address: string) => string): [string, string] {
  if (result.kind === 'answered') return [result.by, `${result.client} (${whose(result.client)})`];
  if (result.kind === 'dropped') return ['nobody', 'no answer in time'];
  return ['nobody', resultText(result)];
}

function resultText(result: FlowResult): string {
  if (result.kind === 'answered') return answerText(result);
  return result.kind === 'error' ? `error ${result.code}` : result.kind;
}

const answerText = ({ by, client }: Answer) => `${by} saw ${client}`;
