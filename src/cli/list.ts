/**
 * `kube-ipvs list`: what `ipvsadm -L` and `-S` print, byte for byte, and more when asked: which Service each virtual server
 * belongs to, JSON, watching. Reads only. How a command line is read is in ipvsadm/, how things look in listing/.
 */
import { IpvsListing } from '../kernel/ipvsListing.ts';
import { hostNames, readOptions, requestFrom } from './ipvsadm/commandLine.ts';
import { isChange, type ListRequest } from './ipvsadm/request.ts';
import { explainMissing, type IpvsadmIo, report } from './ipvsadm.ts';
import { ListFailure, printListing } from './listing/printListing.ts';
import { SystemLookups } from './listing/systemNames.ts';

export type ListIo = IpvsadmIo;

const PROGRAM = 'kube-ipvs list';

/**
 * @param argv behind `list`; without a command in front (`-n` alone, say) `-L` is meant, which ipvsadm itself does not accept
 * @returns exit code: 0 done, 1 no such service or unreadable, 2 bad input or no IPVS, 255 options that cannot be read
 */
export async function list(argv: readonly string[], io: ListIo): Promise<number> {
  if (argv[0] === '--help' || argv[0] === '-h') {
    io.stdout.write(HELP);
    return 0;
  }
  const { networkNamespacePath } = io;
  const listing = new IpvsListing(
    networkNamespacePath === undefined ? {} : { networkNamespacePath },
  );
  try {
    const version = await listing.version().catch(explainMissing);
    const request = await readRequest(withCommand(argv));
    await printListing(request, {
      listing,
      version,
      write: (text) => void io.stdout.write(text),
    });
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

function withCommand(argv: readonly string[]): readonly string[] {
  const isCommand = readOptions(argv.slice(0, 1)).options[0]?.spec.command !== undefined;
  return isCommand ? argv : ['-L', ...argv];
}

/** @throws ListFailure */
async function readRequest(words: readonly string[]): Promise<ListRequest> {
  const line = readOptions(words);
  const lookups = new SystemLookups();
  await lookups.prepare(hostNames(line));
  const request = requestFrom(line, lookups, PROGRAM);
  if (request.command === 'refused') throw new ListFailure(request.exitCode, request.message);
  if (isChange(request) || ['restore', 'help', 'version'].includes(request.command)) {
    throw new ListFailure(
      2,
      `${PROGRAM} only lists (-L) and saves (-S); \`kube-ipvs ipvsadm\` does the rest`,
    );
  }
  return request as ListRequest;
}
