/**
 * `kube-ipvs list`: what `ipvsadm -L` and `-S` print, byte for byte, and more when asked: whose
 * each virtual server is, JSON, watching. Reads only. ipvsadm's part of the command line is read in
 * ipvsadm/, ours in listing/ownOptions.ts; how things look is in listing/.
 */
import { flagHelp } from '../config/flagHelp.ts';
import { IpvsListing } from '../kernel/ipvsListing.ts';
import { serviceFilter } from '../localserver/serverLines.ts';
import type { IpvsVersion } from '../netlink/ipvs.ts';
import { SystemClock } from '../ops/clock.ts';
import { refuse } from './commandLine.ts';
import type { Io } from './io.ts';
import { explainMissing, type IpvsadmIo, report } from './ipvsadm.ts';
import { readOptions, requestFrom } from './ipvsadm/commandLine.ts';
import { isChange, type ListRequest } from './ipvsadm/request.ts';
import { decoration } from './listing/annotate.ts';
import { LIST_FLAGS, type OwnOptions, splitOwnOptions } from './listing/ownOptions.ts';
import type { Owners } from './listing/owners.ts';
import { ListFailure, printListing } from './listing/printListing.ts';
import { SystemLookups } from './listing/systemNames.ts';

export type ListIo = Pick<Io, 'env'> &
  Omit<IpvsadmIo, 'program' | 'stdin'> & {
    /** ends watching; absent = SIGINT and SIGTERM do */
    readonly signal?: AbortSignal;
  };

const PROGRAM = 'kube-ipvs list';

/**
 * @param argv behind `list`; without a command in front (`-n` alone, say) `-L` is meant, which
 * ipvsadm itself does not accept
 * @returns exit code: 0 done, 1 no such service or unreadable, 2 bad input or no IPVS, 255 options
 * that cannot be read
 */
export async function list(argv: readonly string[], io: ListIo): Promise<number> {
  const { own, words, problems } = splitOwnOptions(argv);
  if (words[0] === '--help' || words[0] === '-h') {
    io.stdout.write(HELP);
    return 0;
  }
  if (problems.length > 0) return refuse(problems, io);
  const listing = new IpvsListing(namespaceOf(io));
  try {
    const version = await listing.version().catch(explainMissing);
    const request = readRequest(withCommand(words));
    checkTogether(request, own);
    await (own.watchMs === undefined
      ? listOnce({ listing, version, request, own, io })
      : watch({ listing, version, request, own, io }, own.watchMs));
    return 0;
  } catch (error) {
    return report(error, io.stderr);
  } finally {
    listing.close();
  }
}

interface Task {
  readonly listing: IpvsListing;
  readonly version: IpvsVersion;
  readonly request: ListRequest;
  readonly own: OwnOptions;
  readonly io: ListIo;
}

/**
 * What most listings do without is loaded when it is needed: a start takes longer than a listing.
 * @throws ListFailure, KernelError
 */
async function listOnce(task: Task): Promise<void> {
  const { listing, version, request, own, io } = task;
  const owners = own.hasServices
    ? await (
        await import('./listing/readOwners.ts')
      ).readOwners(own, { env: io.env, ...namespaceOf(io) })
    : undefined;
  const { connectionTable, stdout } = io;
  let isAny = false;
  const isOwned = serviceFilter(own.namespace ?? null, own.service ?? null);
  const isFiltered = own.namespace !== undefined || own.service !== undefined;
  const decorate = decoration(owners, hasColour(io));
  const printing = {
    listing,
    version,
    write: (text: string) => void stdout.write(text),
    ...(connectionTable !== undefined && { connectionTable }),
    ...(decorate !== undefined && { decorate }),
    ...(isFiltered && {
      isWanted: (service: Parameters<Owners['serviceOf']>[0]) => {
        const owner = owners!.serviceOf(service);
        const isWanted = owner !== undefined && isOwned(owner);
        isAny ||= isWanted;
        return isWanted;
      },
    }),
  };
  if (own.format === 'text') await printListing(request, printing);
  else {
    const isLine = own.watchMs !== undefined;
    const { printValues } = await import('./listing/printValues.ts');
    await printValues(request, { ...printing, owners, format: own.format, isLine });
  }
  if (isFiltered && !isAny && own.watchMs === undefined) {
    throw new ListFailure(1, `no virtual server belongs to ${describeFilter(own)}`);
  }
}

/** Until it is ended. On a terminal each listing takes the place of the one before. */
async function watch(task: Task, intervalMs: number): Promise<void> {
  const { io, own } = task;
  const signal = io.signal ?? endSignal();
  const isScreen = own.format === 'text' && isTerminal(io);
  const clock = new SystemClock();
  let isFirst = true;
  while (!signal.aborted) {
    if (isScreen) io.stdout.write('\u001B[H\u001B[2J');
    else if (!isFirst && own.format === 'text') io.stdout.write('\n');
    else if (!isFirst && own.format === 'yaml') io.stdout.write('---\n');
    isFirst = false;
    await listOnce(task);
    await clock.sleep(intervalMs, signal).catch(() => undefined);
  }
}

function endSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort());
  return controller.signal;
}

/** @throws ListFailure */
function checkTogether({ command }: ListRequest, own: OwnOptions): void {
  const isTable = command === 'table';
  if (own.hasServices && !isTable) {
    throw new ListFailure(2, '--services, --namespace and --service go with the table only');
  }
  if (own.format !== 'text' && command === 'save') {
    throw new ListFailure(2, `-S has one form only; for ${own.format} leave it out`);
  }
}

function describeFilter({ namespace, service }: OwnOptions): string {
  if (service === undefined) return `a Service in namespace ${namespace}`;
  return `Service ${namespace === undefined ? '' : `${namespace}/`}${service}`;
}

function isTerminal(io: ListIo): boolean {
  return (io.stdout as { readonly isTTY?: boolean }).isTTY === true;
}

function hasColour(io: ListIo): boolean {
  return isTerminal(io) && !io.env['NO_COLOR'] && io.env['TERM'] !== 'dumb';
}

function namespaceOf({ networkNamespacePath }: ListIo) {
  return networkNamespacePath === undefined ? {} : { networkNamespacePath };
}

function withCommand(argv: readonly string[]): readonly string[] {
  const isCommand = readOptions(argv.slice(0, 1)).options[0]?.spec.command !== undefined;
  return isCommand || STARTS_DAEMON.test(argv[0] ?? '') ? argv : ['-L', ...argv];
}

/** Their value is a word of its own. */
const STARTS_DAEMON = /^--st(?:art|op)-daemon$/;

/** @throws ListFailure */
function readRequest(words: readonly string[]): ListRequest {
  const request = requestFrom(readOptions(words), new SystemLookups(), PROGRAM);
  if (request.command === 'refused') throw new ListFailure(request.exitCode, request.message);
  if (
    isChange(request) ||
    request.command === 'restore' ||
    request.command === 'help' ||
    request.command === 'version'
  ) {
    throw new ListFailure(
      2,
      `${PROGRAM} only lists (-L) and saves (-S); \`kube-ipvs ipvsadm\` does the rest`,
    );
  }
  return request;
}

const HELP = `Lists the virtual servers in the kernel exactly as ipvsadm 1.31 does, and more when asked; changes nothing.

Usage: ${PROGRAM} [-L|-S] [options]

Examples:
  ${PROGRAM} -n
          all virtual servers and their destinations, in numbers
  ${PROGRAM} -n --stats --exact
          connections, packets and bytes of each since it was made
  ${PROGRAM} -n -t 10.96.0.1:443
          one of them
  ${PROGRAM} -n --service shop/web
          those of one Service, with the pod behind each destination
  ${PROGRAM} --services -o json | jq '.virtualServers[] | select(.destinations == [])'
          virtual servers without any destination, with their Services
  ${PROGRAM} -S -n
          the rules that ipvsadm -R would restore

As ipvsadm:
  -L, -l, --list           table of virtual servers (default)
  -S, --save               rules for ipvsadm -R

  -t, --tcp-service A:P    the one at this address and port; names are looked up
  -u, --udp-service A:P
      --sctp-service A:P
  -f, --fwmark-service N   the one of this firewall mark
  -6, --ipv6               its IPv6 side (after -f)

      --stats              columns: connections, packets, bytes
      --rate               the same per second
  -X, --exact              these numbers in full
      --thresholds         columns: limits of connections
      --persistent-conn    columns: persistent connections
      --tun-info           columns: kind of tunnel

  -c, --connection         instead of the table: current connections
      --timeout            time-outs of TCP, TCP after FIN, UDP
      --daemon             connection synchronisation

  -n, --numeric            no names of hosts and ports
      --nosort             in the kernel's order

${flagHelp(LIST_FLAGS)}
`;
