/** `ipvsadm -Lc`: the connection table that the kernel shows in /proc/net/ip_vs_conn, line by line in its order. */
import { addressFromBytes } from '../../net/address.ts';
import { type Names, socketName } from './names.ts';

const PROTOCOL_NUMBERS: Readonly<Record<string, number>> = { TCP: 6, UDP: 17, SCTP: 132 };

/** Fields of a line of the table; the last two only for a connection of a persistence engine. */
interface Connection {
  readonly protocol: string;
  /** client, virtual, destination: address and port in hexadecimal */
  readonly sockets: readonly (readonly [string, string])[];
  readonly state: string;
  readonly expiresSec: number;
  readonly engine?: readonly [name: string, data: string];
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
  return parseConnections(table).flatMap(({ sockets }) => {
    return sockets.map(([address]) => addressFromHex(address));
  });
}

function parseConnections(table: string): Connection[] {
  return table
    .split('\n')
    .slice(1)
    .filter((line) => line !== '')
    .map(parseConnection);
}

function parseConnection(line: string): Connection {
  const fields = line.trim().split(/\s+/);
  const field = (index: number) => fields[index] ?? '';
  const socket = (index: number) => [field(index), field(index + 1)] as const;
  return {
    protocol: field(0),
    sockets: [socket(1), socket(3), socket(5)],
    state: field(7),
    expiresSec: Number(field(8)),
    ...(fields.length >= 11 && { engine: [field(9), field(10)] as const }),
  };
}

function connectionLine(connection: Connection, hasEngineColumns: boolean, names: Names): string {
  const { protocol, sockets, state, expiresSec, engine } = connection;
  const number = PROTOCOL_NUMBERS[protocol] ?? 0;
  const [client, virtual, destination] = sockets.map(([address, port]) =>
    socketName(addressFromHex(address), Number.parseInt(port, 16), number, names),
  ) as [string, string, string];
  const twoDigits = (value: number) => String(value).padStart(2, '0');
  const expires = `${twoDigits(Math.floor(expiresSec / 60))}:${twoDigits(expiresSec % 60)}`;
  const columns = [
    protocol.padEnd(3),
    expires.padEnd(6),
    state.padEnd(11),
    client.padEnd(18),
    virtual.padEnd(18),
  ];
  if (hasEngineColumns && engine !== undefined) {
    columns.push(destination.padEnd(16), engine[0].padEnd(18), engine[1]);
  } else {
    columns.push(destination);
  }
  return columns.join(' ');
}

/** `0A600001`, or eight groups of four digits; a shortened mark in place of an IPv6 address is filled up. */
function addressFromHex(text: string): string {
  if (!text.includes(':')) return addressFromBytes(Buffer.from(text.padStart(8, '0'), 'hex'));
  const digits = text.replaceAll(':', '').padEnd(32, '0');
  return addressFromBytes(Buffer.from(digits, 'hex'));
}
