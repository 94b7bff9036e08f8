/** How a plan of the load balancer is printed. */
import { givenText } from '../../loadbalancer/notOurs.ts';
import type { Assignment, OfflinePlan } from '../../loadbalancer/offlinePlan.ts';
import { type Problem, formatProblem, problemToJson } from '../../model/problem.ts';
import { FAMILIES } from '../../net/family.ts';
import type { OutputFormat } from '../outputFormat.ts';
import { render } from '../render.ts';

export interface PrintedPlan extends OfflinePlan {
  readonly problems: readonly Problem[];
}

export function lbPlanText(plan: PrintedPlan, format: OutputFormat): string {
  return format === 'text' ? asText(plan) : render(asJson(plan), format);
}

function asJson({ assignments, announced, events, pools, problems }: PrintedPlan) {
  return {
    assignments: assignments.map(({ key, decision, isWritten, status }) => ({
      service: key,
      isOurs: decision.isOurs,
      state: decision.state,
      addresses: decision.addresses.map(({ address, pool = null }) => ({ address, pool })),
      cause: decision.cause ?? null,
      message: decision.message,
      isWritten,
      status,
    })),
    announcers: announced.map(({ node = null, cause = null, ...rest }) => {
      const { address, services, interfaces, candidates, excluded } = rest;
      return { address, services, node, interfaces, candidates, excluded, cause };
    }),
    events,
    pools: pools.map(({ pool, families }) => ({
      name: pool.name,
      ipv4: countsOf(families.IPv4),
      ipv6: countsOf(families.IPv6),
    })),
    problems: problems.map(problemToJson),
  };
}

/** JSON has no larger whole numbers; of so many addresses nobody needs the last one. */
function countsOf({ total, used }: { readonly total: bigint; readonly used: number }) {
  return { total: Number(total), used };
}

function asText({ assignments, announced, events, pools, problems }: PrintedPlan): string {
  return [
    section('ADDRESSES', assignments.map(assignmentLine)),
    section('ANNOUNCED BY', announced.map(announcerLine)),
    section(
      'EVENTS',
      events.map(({ service, type, reason, note }) => `${type} ${reason} ${service}: ${note}`),
    ),
    section(
      'POOLS',
      pools.map(({ pool, families }) => {
        const counts = FAMILIES.filter((family) => families[family].total > 0n).map(
          (family) => `${family} ${families[family].used} of ${families[family].total}`,
        );
        return `${pool.name}: ${counts.length === 0 ? 'no address' : counts.join(', ')}`;
      }),
    ),
    section('PROBLEMS', problems.map(formatProblem)),
  ].join('');
}

function section(title: string, lines: readonly string[]): string {
  const indented = lines.map((line) => `  ${line}\n`);
  return lines.length === 0 ? '' : `${title} (${lines.length})\n${indented.join('')}\n`;
}

function assignmentLine({ key, decision, isWritten }: Assignment): string {
  const { state, cause, message, service } = decision;
  const why = cause === undefined ? '' : ` (${cause})`;
  const given = decision.isOurs ? '' : `; it has ${givenText(service.ingress)}`;
  return `${key} ${state}${why}: ${message}${given}${isWritten ? '; the status is written' : ''}`;
}

function announcerLine(election: OfflinePlan['announced'][number]): string {
  const { address, services, node, interfaces, candidates, excluded, cause } = election;
  const by = node === undefined ? `nobody (${cause})` : node;
  const at = interfaces.length === 0 ? '' : ` at ${interfaces.join(', ')}`;
  const next = candidates.filter((each) => each !== node);
  const then = next.length === 0 ? '' : `, then ${next.join(', ')}`;
  const out = excluded.map((each) => `${each.node} ${each.reason}`).join(', ');
  return `${address} (${services.join(', ')}): ${by}${at}${then}${out === '' ? '' : `; not ${out}`}`;
}
