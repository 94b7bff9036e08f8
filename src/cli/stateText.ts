/**
 * A dataplane for people: the same values as its JSON, one thing a line, empty sets and chains in
 * one line together.
 */
import type { DataplaneState, VirtualServer } from '../dataplane/state.ts';
import { serverKey } from '../dataplane/state.ts';
import type { Family } from '../net/family.ts';
import { type ServerJson, type SetJson, type StateJson, stateToJson } from '../plan/format.ts';

export function stateText(state: DataplaneState): string {
  const json = stateToJson(state);
  return [
    block('virtual servers', json.virtualServers.flatMap(serverLines), json.virtualServers.length),
    block('addresses of kube-ipvs0', json.addresses),
    setsBlock(json),
    rulesBlock(json, 'IPv4'),
    rulesBlock(json, 'IPv6'),
    block(
      'sysctls',
      Object.entries(json.sysctls).map(([name, value]) => `${name} = ${value}`),
    ),
  ].join('');
}

function block(title: string, lines: readonly string[], count = lines.length): string {
  return `${title} (${count})\n${lines.map((line) => `  ${line}\n`).join('')}`;
}

function serverLines(server: ServerJson): string[] {
  const timeout = server.persistenceTimeoutSec;
  const words = [
    serverKey(server as Pick<VirtualServer, 'address' | 'port' | 'protocol'>),
    server.scheduler,
    ...server.flags,
    ...(timeout === undefined ? [] : [`${timeout}s`]),
    ...(server.service === undefined ? [] : [`(${server.service})`]),
  ];
  return [words.join(' '), ...server.destinations.map(destinationLine)];
}

function destinationLine({
  address,
  port,
  weight,
  node,
}: ServerJson['destinations'][number]): string {
  const host = address.includes(':') ? `[${address}]` : address;
  return `  -> ${host}:${port} weight ${weight}${node === undefined ? '' : ` on ${node}`}`;
}

function setsBlock({ ipsets }: StateJson): string {
  const sets = Object.entries(ipsets);
  const filled = sets.filter(([, set]) => set.entries.length > 0);
  const empty = sets.filter(([, set]) => set.entries.length === 0).map(([name]) => name);
  const lines = filled.flatMap(([name, set]) => setLines(name, set));
  if (empty.length > 0) lines.push(`empty: ${empty.join(' ')}`);
  return block('sets', lines, sets.length);
}

function setLines(name: string, { type, family, entries }: SetJson): string[] {
  return [`${name} ${type} ${family}`, ...entries.map((entry) => `  ${entry}`)];
}

function rulesBlock({ iptables }: StateJson, family: Family): string {
  const tables = Object.entries(family === 'IPv4' ? iptables.ipv4 : iptables.ipv6);
  const lines = tables.flatMap(([table, chains]) =>
    Object.values(chains).flatMap((rules) => rules.map((rule) => `${table} ${rule}`)),
  );
  return block(`${family} rules`, lines);
}
