/**
 * What can come of a cell of the packet matrix, as one text for all three opinions on it: the
 * table's expectation, the packets' own story and the tracer's verdict. `refused`, `dropped`, or
 * who answered and which client address each saw.
 */
import { type IpFamily, type PerFamily, type Place, gateway } from '../../lab/addressPlan.ts';
import type { FlowResult } from '../../lab/traffic.ts';
import { FAMILIES, type MatrixProtocol, PROTOCOLS, TARGET_PORT, pods } from './cluster.ts';
import { type Row, daemon, isAt } from './rows.ts';
import type { Verdict } from '../../../src/trace/packet.ts';

export interface Cell {
  readonly row: Row;
  readonly protocol: MatrixProtocol;
  readonly family: IpFamily;
}

export function cellsOf(rows: readonly Row[]): readonly Cell[] {
  return rows.flatMap((row) =>
    PROTOCOLS.flatMap((protocol) => FAMILIES.map((family) => ({ row, protocol, family }))),
  );
}

export function expectedOutcome({ row, family }: Cell): string {
  const { expected } = row;
  if (expected.kind !== 'answered') return expected.kind;
  return answers(
    expected.by.map((responder) => ({
      by: responder === daemon.place ? daemon.name : responder.name,
      client:
        expected.sees === 'own' ? ownAddress(row, family) : nodeAddress(row, family, responder),
    })),
  );
}

/** @param results of one cell's flows, in any order */
export function measuredOutcome(results: readonly FlowResult[]): string {
  const others = results.flatMap((result) => {
    if (result.kind === 'answered') return [];
    if (result.kind !== 'error') return [result.kind];
    // how Linux refuses a datagram to its sender on this very machine, before the ICMP error
    // arrives
    return [result.code === 'EPERM' ? 'refused' : `error ${result.code}`];
  });
  const given = results.filter((result) => result.kind === 'answered');
  return [...new Set([...others, ...(given.length > 0 ? [answers(given)] : [])])].join(' or ');
}

export function tracedOutcome({ row, family }: Cell, verdict: Verdict): string {
  switch (verdict.kind) {
    case 'endpoints':
      return answers(
        verdict.endpoints.map(({ endpoint, isMasqueraded }) => {
          const pod = podOf(endpoint, family);
          if (pod === undefined) return { by: endpoint, client: 'unknown' };
          const client = isMasqueraded ? nodeAddress(row, family, pod) : ownAddress(row, family);
          return { by: pod.name, client };
        }),
      );
    case 'host':
      // a socket of the node's own, if there is one
      return row.target(family).port === daemon.port
        ? answers([{ by: daemon.name, client: ownAddress(row, family) }])
        : 'refused';
    case 'notLocal':
      return 'not for this node';
    default:
      return verdict.kind;
  }
}

/** A process that connects to an address of its own machine has that very address. */
export function ownAddress({ client, asked, target }: Row, family: IpFamily): string {
  return client.name === asked.name ? target(family).address : client.addresses[family];
}

/** What a masqueraded client looks like: the asked node's address on the way to the responder. */
function nodeAddress({ asked }: Row, family: IpFamily, responder: Place): string {
  const ways: PerFamily = isAt(responder, asked) ? gateway(asked) : asked.addresses;
  return ways[family];
}

function podOf(endpoint: string, family: IpFamily) {
  return pods.find(({ addresses }) => {
    const address = addresses[family];
    return endpoint === `${family === 'IPv6' ? `[${address}]` : address}:${TARGET_PORT}`;
  });
}

function answers(all: readonly { readonly by: string; readonly client: string }[]): string {
  const texts = all.map(({ by, client }) => `${by} sees ${client}`);
  return [...new Set(texts)].toSorted().join(', ');
}
