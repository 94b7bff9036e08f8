/**
 * `ipvsadm -L` as text, byte for byte as version 1.31 prints it: headers, one line a service, one a
 * destination. A layout per kind of columns; what is asked for and in which order is decided by the
 * caller.
 */
import type { Counters, IpvsDestination, IpvsService, IpvsVersion } from '../../netlink/ipvs.ts';
import { type Names, socketName } from './names.ts';
import { exactNumber, lowWord, scaledNumber } from './numbers.ts';
import {
  forwardingMethod,
  isOnePacket,
  isPersistent,
  markText,
  maskText,
  schedulerFlags,
  tunnelText,
} from './serviceText.ts';

export interface ListedService {
  readonly service: IpvsService;
  readonly destinations: readonly IpvsDestination[];
}

export type Columns = 'normal' | 'tun-info' | 'stats' | 'rate' | 'thresholds' | 'persistent-conn';

export interface TableOptions {
  readonly columns: Columns;
  /** counters in full */
  readonly isExact: boolean;
  readonly names: Names;
  /** what becomes of a finished line, its end not included; ipvsadm's stay as they are */
  readonly decorate?: Decorate;
}

/** @param destination absent on the line of the service itself */
export type Decorate = (
  line: string,
  service: IpvsService,
  destination?: IpvsDestination,
) => string;

type NumberFormat = (value: bigint) => string;

interface Layout {
  readonly titles: readonly [string, string];
  service(label: string, service: IpvsService, format: NumberFormat): string;
  destination(name: string, destination: IpvsDestination, format: NumberFormat): string;
}

/** An IPv4 name longer than its column is cut, an IPv6 one pushes the columns to the right. */
const LABEL_WIDTH = 33;
const NAME_WIDTH = 28;

/** First line of a full listing. */
export function versionLine(version: IpvsVersion): string {
  const { connectionTableSize } = version;
  return `IP Virtual Server version ${versionText(version)} (size=${connectionTableSize})\n`;
}

/** `1.2.1` */
export function versionText({ version }: IpvsVersion): string {
  return [16, 8, 0].map((shift) => (version >>> shift) & 0xff).join('.');
}

/** The two lines above a table. */
export function tableTitles({ columns }: Pick<TableOptions, 'columns'>): string {
  return LAYOUTS[columns].titles.map((line) => `${line}\n`).join('');
}

/** @param services in the order to be printed, their destinations too */
export function tableRows(services: readonly ListedService[], options: TableOptions): string {
  const layout = LAYOUTS[options.columns];
  const format = options.isExact ? exactNumber : scaledNumber;
  const { names, decorate = (line) => line } = options;
  let text = '';
  for (const { service, destinations } of services) {
    const line = layout.service(labelOf(service, names), service, format);
    text += `${decorate(line, service)}\n`;
    for (const destination of destinations) {
      const name = nameOf(destination, service, names);
      const row = `  -> ${layout.destination(name, destination, format)}`;
      text += `${decorate(row, service, destination)}\n`;
    }
  }
  return text;
}

const PROTOCOLS: ReadonlyMap<number, string> = new Map([
  [6, 'TCP'],
  [17, 'UDP'],
  [132, 'SCTP'],
]);

function labelOf(service: IpvsService, names: Names): string {
  if (service.fwmark !== undefined) {
    return `FWM  ${markText(service.fwmark)}${service.family === 'IPv6' ? ' IPv6' : ''}`;
  }
  const { protocol, address, port, family } = service;
  const name = socketName(address, port, protocol, names);
  const label = `${(PROTOCOLS.get(protocol) ?? '?').padEnd(4)} ${name}`;
  return family === 'IPv4' ? label.slice(0, LABEL_WIDTH) : label;
}

function nameOf(destination: IpvsDestination, service: IpvsService, names: Names): string {
  const protocol = service.fwmark === undefined ? service.protocol : 0;
  const name = socketName(destination.address, destination.port, protocol, names);
  const cut = destination.family === 'IPv4' ? name.slice(0, NAME_WIDTH) : name;
  return cut.padEnd(NAME_WIDTH);
}

const ADDRESS_TITLE = 'Prot LocalAddress:Port';
const REMOTE_TITLE = '  -> RemoteAddress:Port';
const NORMAL_TITLE = `${ADDRESS_TITLE} Scheduler Flags`;
const wideTitle = (rest: string) => ADDRESS_TITLE.padEnd(LABEL_WIDTH) + rest;

const LAYOUTS: Readonly<Record<Columns, Layout>> = {
  normal: {
    titles: [NORMAL_TITLE, `${REMOTE_TITLE}           Forward Weight ActiveConn InActConn`],
    service: settingsLine,
    destination: (name, one) =>
      `${name} ${forwardingName(one)} ${pad(one.weight, 6)} ${connectionColumns(one)}`,
  },
  'tun-info': {
    titles: [
      NORMAL_TITLE,
      `${REMOTE_TITLE}           Forward TunnelInfo    Weight ActiveConn InActConn`,
    ],
    service: settingsLine,
    destination: (name, one) =>
      `${name} ${forwardingName(one)} ${tunnelText(one).padEnd(13)} ${pad(one.weight, 6)} ${connectionColumns(one)}`,
  },
  stats: {
    titles: [wideTitle('    Conns   InPkts  OutPkts  InBytes OutBytes'), REMOTE_TITLE],
    service: (label, { counters }, format) =>
      label.padEnd(LABEL_WIDTH) + serviceStats(counters, format),
    destination: (name, { counters }, format) => name + destinationStats(counters, format),
  },
  rate: {
    titles: [wideTitle('      CPS    InPPS   OutPPS    InBPS   OutBPS'), REMOTE_TITLE],
    service: (label, { counters }, format) =>
      label.padEnd(LABEL_WIDTH) + serviceRates(counters, format),
    destination: (name, { counters }, format) => name + destinationRates(counters, format),
  },
  thresholds: {
    titles: [wideTitle(' Uthreshold Lthreshold ActiveConn InActConn '), REMOTE_TITLE],
    service: settingsLine,
    destination: (name, one) =>
      `${name} ${pad(one.upperThreshold, 10)} ${pad(one.lowerThreshold, 10)} ${connectionColumns(one)}`,
  },
  'persistent-conn': {
    titles: [wideTitle(' Weight    PersistConn ActiveConn InActConn '), REMOTE_TITLE],
    service: settingsLine,
    destination: (name, one) =>
      `${name} ${pad(one.weight, 9)} ${pad(one.persistentConnections, 11)} ${connectionColumns(one)}`,
  },
};

function pad(value: number, width: number): string {
  return String(value).padEnd(width);
}

function connectionColumns(destination: IpvsDestination): string {
  return `${pad(destination.activeConnections, 10)} ${pad(destination.inactiveConnections, 10)}`;
}

const FORWARDING_NAMES: readonly string[] = ['Masq', 'Local', 'Tunnel', 'Route'];

function forwardingName(destination: IpvsDestination): string {
  return (FORWARDING_NAMES[forwardingMethod(destination)] ?? '(null)').padEnd(7);
}

/** `TCP  10.0.0.1:80 sh (sh-port) persistent 300 mask 255.255.255.0 ops` */
function settingsLine(label: string, service: IpvsService): string {
  const flags = schedulerFlags(service);
  const words = [label, service.scheduler];
  if (flags !== undefined) words.push(`(${flags})`);
  if (isPersistent(service)) {
    words.push(`persistent ${service.timeoutSec}`);
    const mask = maskText(service);
    if (mask !== undefined) words.push(`mask ${mask}`);
    if (service.peName !== undefined) words.push(`pe ${service.peName}`);
  }
  if (isOnePacket(service)) words.push('ops');
  return words.join(' ');
}

const ZERO = 0n;

/** Conns, InPkts, OutPkts, InBytes, OutBytes of a service. */
function serviceStats(counters: Counters | undefined, format: NumberFormat): string {
  return statsColumns(counters, format, (value) => value);
}

/**
 * ipvsadm's library reads a destination's 64-bit counters, bytes apart, as if they had 32 bits; a
 * service's it reads right. Copied, because a listing that differs from ipvsadm's would be the
 * wrong one to whoever compares them.
 */
function destinationStats(counters: Counters | undefined, format: NumberFormat): string {
  return statsColumns(counters, format, lowWord);
}

function statsColumns(
  counters: Counters | undefined,
  format: NumberFormat,
  narrow: (value: bigint) => bigint,
): string {
  return (
    format(narrow(counters?.connections ?? ZERO)) +
    format(narrow(counters?.inPackets ?? ZERO)) +
    format(narrow(counters?.outPackets ?? ZERO)) +
    format(counters?.inBytes ?? ZERO) +
    format(counters?.outBytes ?? ZERO)
  );
}

function serviceRates(counters: Counters | undefined, format: NumberFormat): string {
  return rateColumns(counters, (value) => value, format, format);
}

/** The three rates of a destination that count things and not bytes are never scaled. */
function destinationRates(counters: Counters | undefined, format: NumberFormat): string {
  return rateColumns(counters, lowWord, exactNumber, format);
}

function rateColumns(
  counters: Counters | undefined,
  narrow: (value: bigint) => bigint,
  things: NumberFormat,
  bytes: NumberFormat,
): string {
  return (
    things(narrow(counters?.connectionsPerSec ?? ZERO)) +
    things(narrow(counters?.inPacketsPerSec ?? ZERO)) +
    things(narrow(counters?.outPacketsPerSec ?? ZERO)) +
    bytes(narrow(counters?.inBytesPerSec ?? ZERO)) +
    bytes(narrow(counters?.outBytesPerSec ?? ZERO))
  );
}
