/**
 * A listing from the request to the text on stdout: reads what is asked for and no more, and writes
 * large tables piece by piece, always whole lines. How things look is decided in table.ts, save.ts,
 * connections.ts and settings.ts.
 */
import { readFileSync } from 'node:fs';
import type { IpvsListing } from '../../kernel/ipvsListing.ts';
import type { IpvsService, IpvsVersion } from '../../netlink/ipvs.ts';
import type { ConnectionsRequest, ListRequest, TableRequest } from '../ipvsadm/request.ts';
import { connectionAddresses, formatConnections } from './connections.ts';
import { type Names, NUMERIC } from './names.ts';
import { sortedDestinations, sortedServices } from './order.ts';
import { formatRules } from './save.ts';
import { formatDaemons, formatTimeouts } from './settings.ts';
import { SystemNames } from './systemNames.ts';
import { type Decorate, type ListedService, tableRows, tableTitles, versionLine } from './table.ts';

/** Ends a listing early. */
export class ListFailure extends Error {
  override readonly name = 'ListFailure';
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

export interface Printing {
  readonly listing: IpvsListing;
  readonly version: IpvsVersion;
  readonly write: (text: string) => void;
  /** as `/proc/net/ip_vs_conn` */
  readonly connectionTable?: string;
  readonly decorate?: Decorate;
  /** services to leave out */
  readonly isWanted?: (service: IpvsService) => boolean;
}

export const CONNECTION_TABLE = '/proc/net/ip_vs_conn';

/** @throws ListFailure, KernelError */
export async function printListing(request: ListRequest, printing: Printing): Promise<void> {
  const { listing, write } = printing;
  switch (request.command) {
    case 'timeouts':
      write(formatTimeouts(await listing.timeouts()));
      break;
    case 'daemons':
      write(formatDaemons(await listing.daemons()));
      break;
    case 'connections':
      await printConnections(request, printing);
      break;
    case 'save':
      await printRules(request.isNumeric, printing);
      break;
    default:
      await printTable(request, printing);
  }
}

async function printRules(isNumeric: boolean, printing: Printing): Promise<void> {
  const names = namesFor(isNumeric);
  const request = { isSorted: true, columns: 'normal' } as const;
  for await (const services of listedServices(request, printing)) {
    await prepare(names, services);
    printing.write(formatRules(services, names));
  }
}

async function printTable(request: TableRequest, printing: Printing): Promise<void> {
  const { columns, isExact, isNumeric, selection } = request;
  const { write, version, decorate } = printing;
  const names = namesFor(isNumeric);
  const options = { columns, isExact, names, ...(decorate !== undefined && { decorate }) };
  let head = selection === undefined ? versionLine(version) : '';
  head += tableTitles(options);
  for await (const services of listedServices(request, printing)) {
    await prepare(names, services);
    write(head + tableRows(services, options));
    head = '';
  }
  if (head !== '') write(head);
}

/**
 * What a request selects, in the order to be printed, in pieces.
 *
 * @throws ListFailure when the one service that is asked for does not exist
 */
export async function* listedServices(
  { selection, isSorted, columns }: Pick<TableRequest, 'selection' | 'isSorted' | 'columns'>,
  { listing, isWanted }: Pick<Printing, 'listing' | 'isWanted'>,
): AsyncGenerator<readonly ListedService[]> {
  const counters = columns === 'stats' || columns === 'rate' ? 'with-counters' : 'without-counters';
  const inOrder = (one: ListedService) => (isSorted ? withSortedDestinations(one) : one);
  if (selection !== undefined) {
    const found = await listing.service(selection, counters);
    if (found === undefined) throw new ListFailure(1, 'No such service');
    yield [inOrder(found)];
    return;
  }
  const services = await listing.services(counters);
  const wanted = isWanted === undefined ? services : services.filter(isWanted);
  const ordered = isSorted ? sortedServices(wanted) : wanted;
  for await (const piece of listing.withDestinations(ordered, counters)) yield piece.map(inOrder);
}

function withSortedDestinations({ service, destinations }: ListedService): ListedService {
  return { service, destinations: sortedDestinations(destinations) };
}

function namesFor(isNumeric: boolean): Names | SystemNames {
  return isNumeric ? NUMERIC : new SystemNames();
}

async function prepare(names: Names | SystemNames, services: readonly ListedService[]) {
  if (!(names instanceof SystemNames)) return;
  await names.prepare(
    services.flatMap(({ service, destinations }) => [
      ...(service.fwmark === undefined ? [service.address] : []),
      ...destinations.map(({ address }) => address),
    ]),
  );
}

async function printConnections(
  { isNumeric, hasEngineColumns }: ConnectionsRequest,
  { write, connectionTable = CONNECTION_TABLE }: Printing,
): Promise<void> {
  const table = readConnectionTable(connectionTable);
  const names = namesFor(isNumeric);
  if (names instanceof SystemNames) await names.prepare(connectionAddresses(table));
  write(formatConnections(table, hasEngineColumns, names));
}

/** @throws ListFailure, in ipvsadm's words */
export function readConnectionTable(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    throw new ListFailure(1, `cannot open file ${path}`);
  }
}
