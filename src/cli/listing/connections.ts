/**
 * `ipvsadm -Lc`: the connection table that the kernel shows in /proc/net/ip_vs_conn, line by line
 * in its order.
 */
import { type Address, addressFromBytes } from '../../net/address.ts';
import { type Names, socketName } from './names.ts';

const PROTOCOL_NUMBERS: Readonly<Record<string, number>> = { TCP: 6, UDP: 17, SCTP: 132 };

interface Socket {
  readonly address: Address;
  readonly port: number;
}

/** A line of the table. */
export interface Connection {
  /** `TCP`, `UDP`, `SCTP`, `IP` for the template of a firewall mark */
  readonly protocol: string;
  readonly state: string;
  readonly expiresSec: number;
  readonly client: Socket;
  readonly virtual: Socket;
  readonly destination: Socket;
  /** of a persistence engine */
  readonly engine?: { readonly name: string; readonly key: string };
}

/**
 * @param table the file, its header line included
 * @param hasEngineColumns `--persistent-conn`
 */
export function formatConnections(table: string, hasEngineColumns: boolean, names: Names): string {
  const titles = 'pro expire state       source             virtual            destination';
  const engineTitles = hasEngineColumns ? '        pe name          pe_data' : '';
  const lines = parseConnections(table).map((one) => connectionLine(one, hasEngineColumns, names));
  return ['IPVS connection entries', titles + engineTitles, ...lines, ''].join('\n');
}

/** Addresses that a listing names, for looking them up beforehand. */
export function connectionAddresses(table: string): string[] {
  return parseConnections(table).flatMap(({ client, virtual, destination }) => [
    client.address,
    virtual.address,
    destination.address,
  ]);
}

/** @param table the file, its header line included */
export function parseConnections(table: string): Connection[] {
  return table
    .split('\n')
    .slice(1)
    .filter((line) => line !== '')
    .map(parseConnection);
}

function parseConnection(line: string): Connection {
  const fields = line.trim().split(/\s+/);
  const field = (index: number) => fields[index] ?? '';
  const socket = (index: number): Socket => ({
    address: addressFromHex(field(index)),
    port: Number.parseInt(field(index + 1), 16),
  });
  return {
    protocol: field(0),
    state: field(7),
    expiresSec: Number(field(8)),
    client: socket(1),
    virtual: socket(3),
    destination: socket(5),
    ...(fields.length >= 11 && { engine: { name: field(9), key: field(10) } }),
  };
}

function connectionLine(connection: Connection, hasEngineColumns: boolean, names: Names): string {
  const { protocol, state, expiresSec, client, virtual, destination, engine } = connection;
  const number = PROTOCOL_NUMBERS[protocol] ?? 0;
  const nameOf = ({ address, port }: Socket) => socketName(address, port, number, names);
  const twoDigits = (value: number) => String(value).padStart(2, '0');
  const expires = `${twoDigits(Math.floor(expiresSec / 60))}:${twoDigits(expiresSec % 60)}`;
  const columns = [
    protocol.padEnd(3),
    expires.padEnd(6),
    state.padEnd(11),
    nameOf(client).padEnd(18),
    nameOf(virtual).padEnd(18),
  ];
  if (hasEngineColumns && engine !== undefined) {
    columns.push(nameOf(destination).padEnd(16), engine.name.padEnd(18), engine.key);
  } else {
    columns.push(nameOf(destination));
  }
  return columns.join(' ');
}

/**
 * `0A600001`, or eight groups of four digits; a shortened mark in place of an IPv6 address is
 * filled up.
 */
function addressFromHex(text: string): Address {
  if (!text.includes(':')) return addressFromBytes(Buffer.from(text.padStart(8, '0'), 'hex'));
  const digits = text.replaceAll(':', '').padEnd(32, '0');
  return addressFromBytes(Buffer.from(digits, 'hex'));
}
