/**
 * `kube-ipvs list`: what `ipvsadm -L` and `-S` print, byte for byte, read straight from the kernel. Reads only; which options mean
 * what is in listing/options.ts, how things look in the other files there.
 */
import { readFile } from 'node:fs/promises';
import { hasCode, isNotPermitted, KernelError } from '../kernel/errors.ts';
import { IpvsListing } from '../kernel/ipvsListing.ts';
import type { ServiceIdentity } from '../netlink/ipvs.ts';
import { connectionAddresses, formatConnections } from './listing/connections.ts';
import { type Names, NUMERIC } from './listing/names.ts';
import { ILLEGAL_SERVICE, type ListRequest, parseListOptions } from './listing/options.ts';
import type { TableRequest } from './listing/options.ts';
import { sortedDestinations, sortedServices } from './listing/order.ts';
import { formatRules } from './listing/save.ts';
import type { ServiceSelection } from './listing/selection.ts';
import { formatDaemons, formatTimeouts } from './listing/settings.ts';
import { hostAddress, servicePort, systemNames } from './listing/systemNames.ts';
import { formatTable, type ListedService, versionLine } from './listing/table.ts';

/** As much of a stream as a listing needs. */
interface Writer {
  write(text: string): unknown;
}

export interface ListIo {
  readonly stdout: Writer;
  readonly stderr: Writer;
  /** what messages call the program; `ipvsadm` when called by that name */
  readonly program?: string;
  /** such as /run/netns/node1; absent = the namespace of this process. Connections (`-c`) are of this process always. */
  readonly networkNamespacePath?: string;
}

/** Ends a listing early. */
class ListFailure extends Error {
  override readonly name = 'ListFailure';
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

/**
 * @param argv behind `list`; without a command in front (`-n` alone, say) `-L` is meant, which ipvsadm itself does not accept
 * @returns exit code: 0 done, 1 no such service or unreadable, 2 bad input or no IPVS, 255 options that cannot be read
 */
export async function list(argv: readonly string[], io: ListIo): Promise<number> {
  const { program = 'kube-ipvs list', networkNamespacePath } = io;
  const isIpvsadm = program === 'ipvsadm';
  if (!isIpvsadm && (argv[0] === '--help' || argv[0] === '-h')) {
    io.stdout.write(HELP);
    return 0;
  }
  const words = isIpvsadm ? argv : withCommand(argv);
  const listing = new IpvsListing(
    networkNamespacePath === undefined ? {} : { networkNamespacePath },
  );
  try {
    // Before the options are read, as ipvsadm does: without IPVS nothing else matters.
    const version = await listing.version().catch(explainMissing);
    const request = parseListOptions(words, program);
    if (request.command === 'refused') throw new ListFailure(request.exitCode, request.message);
    io.stdout.write(await textFor(request, listing, () => versionLine(version)));
    return 0;
  } catch (error) {
    return report(error, io.stderr);
  } finally {
    listing.close();
  }
}

const HELP = `Lists the virtual servers in the kernel exactly as ipvsadm 1.31 does; changes nothing.

Usage: kube-ipvs list [-L|-S] [options]

Examples:
  kube-ipvs list -n
          all virtual servers and their destinations, in numbers
  kube-ipvs list -n --stats --exact
          connections, packets and bytes of each since it was made
  kube-ipvs list -n -t 10.96.0.1:443
          one of them
  kube-ipvs list -S -n
          the rules that ipvsadm -R would restore

Commands:
  -L, -l, --list           table of virtual servers (default)
  -S, --save               rules for ipvsadm -R

Which:
  -t, --tcp-service A:P    the one at this address and port; names are looked up
  -u, --udp-service A:P
      --sctp-service A:P
  -f, --fwmark-service N   the one of this firewall mark
  -6, --ipv6               its IPv6 side (after -f)

Columns:
      --stats              connections, packets, bytes
      --rate               the same per second
  -X, --exact              these numbers in full
      --thresholds         limits of connections
      --persistent-conn    persistent connections
      --tun-info           kind of tunnel

Instead of the table:
  -c, --connection         current connections
      --timeout            time-outs of TCP, TCP after FIN, UDP
      --daemon             connection synchronisation

  -n, --numeric            no names of hosts and ports
      --nosort             in the kernel's order
`;

const STARTS_WITH_COMMAND =
  /^(?:-[LlSAEDCRaedZhv]|--(?:list|save|add-\w+|edit-\w+|delete-\w+|clear|restore|zero|set|st\w+-daemon)$)/;

function withCommand(argv: readonly string[]): readonly string[] {
  const [first] = argv;
  return first === undefined || STARTS_WITH_COMMAND.test(first) ? argv : ['-L', ...argv];
}

async function textFor(
  request: Exclude<ListRequest, { command: 'refused' }>,
  listing: IpvsListing,
  firstLine: () => string,
): Promise<string> {
  switch (request.command) {
    case 'timeouts':
      return formatTimeouts(await listing.timeouts());
    case 'daemons':
      return formatDaemons(await listing.daemons());
    case 'connections':
      return connectionsText(request);
    case 'save': {
      const services = sorted(await listing.services('without-counters'));
      return formatRules(services, await namesFor(request.isNumeric, services));
    }
    default:
      return tableText(request, listing, firstLine);
  }
}

async function tableText(
  request: TableRequest,
  listing: IpvsListing,
  firstLine: () => string,
): Promise<string> {
  const { columns, isExact, isNumeric, isSorted, selection } = request;
  const counters = columns === 'stats' || columns === 'rate' ? 'with-counters' : 'without-counters';
  const found =
    selection === undefined
      ? await listing.services(counters)
      : [await selected(selection, (identity) => listing.service(identity, counters))];
  const services = isSorted ? sorted(found) : found;
  const names = await namesFor(isNumeric, services);
  const table = formatTable(services, { columns, isExact, names });
  return selection === undefined ? firstLine() + table : table;
}

function sorted(services: readonly ListedService[]): ListedService[] {
  return sortedServices(services).map(({ service, destinations }) => {
    return { service, destinations: sortedDestinations(destinations) };
  });
}

async function selected(
  selection: ServiceSelection,
  read: (identity: ServiceIdentity) => Promise<ListedService | undefined>,
): Promise<ListedService> {
  const found = await read(await identityOf(selection));
  if (found === undefined) throw new ListFailure(1, 'No such service');
  return found;
}

async function identityOf(selection: ServiceSelection): Promise<ServiceIdentity> {
  if (selection.kind === 'mark') return { family: selection.family, fwmark: selection.fwmark };
  const { protocol, host, port } = selection;
  const address = typeof host === 'string' ? host : await hostAddress(host.name);
  const number = typeof port === 'number' ? port : await servicePort(port.name, protocol);
  if (address === undefined || number === undefined) throw new ListFailure(2, ILLEGAL_SERVICE);
  return { family: address.includes(':') ? 'IPv6' : 'IPv4', protocol, address, port: number };
}

async function namesFor(isNumeric: boolean, services: readonly ListedService[]): Promise<Names> {
  if (isNumeric) return NUMERIC;
  return systemNames(
    services.flatMap(({ service, destinations }) => [
      ...(service.fwmark === undefined ? [service.address] : []),
      ...destinations.map(({ address }) => address),
    ]),
  );
}

async function connectionsText(
  request: Extract<ListRequest, { command: 'connections' }>,
): Promise<string> {
  const table = await readFile('/proc/net/ip_vs_conn', 'latin1');
  const names = request.isNumeric ? NUMERIC : await systemNames(connectionAddresses(table));
  return formatConnections(table, request.hasEngineColumns, names);
}

/** The two lines of ipvsadm, and the kernel's own account in place of a guess. */
function explainMissing(error: unknown): never {
  if (!(error instanceof KernelError)) throw error;
  const reason = isNotPermitted(error)
    ? 'Permission denied (you must be root)'
    : hasCode(error, 'ENOENT')
      ? 'Protocol not available'
      : error.message;
  throw new ListFailure(
    2,
    `Can't initialize ipvs: ${reason}\n` +
      'Are you sure that IP Virtual Server is built in the kernel or as module?',
  );
}

function report(error: unknown, stderr: Writer): number {
  const exitCode = error instanceof ListFailure ? error.exitCode : 1;
  if (error instanceof ListFailure || error instanceof KernelError || hasCode(error, 'ENOENT')) {
    stderr.write(`${(error as Error).message}\n`);
    return exitCode;
  }
  throw error;
}
