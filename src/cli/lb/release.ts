/** `kube-ipvs lb release`: hands addresses to other nodes on purpose, as before maintenance. */
import type { Flag } from '../../config/flag.ts';
import { parseAddress } from '../../net/address.ts';
import { RELEASE_PATH } from '../../loadbalancer/announcerPaths.ts';
import type { Problem } from '../../model/problem.ts';
import { type CommandHelp, reporting } from '../commandLine.ts';
import { EXIT, type Io } from '../io.ts';
import { AGENT_FLAGS, asked, readReport, readRunningLine, socketOf } from './running.ts';

const ALL: Flag = {
  name: 'all',
  type: 'bool',
  group: 'general',
  help: 'all addresses that this node announces',
};

const HELP: CommandHelp = {
  name: 'kube-ipvs lb release ADDRESS…|--all',
  summary:
    'Hands load balancer addresses of this node to other nodes. Each is answered here until another node has it, and does not ' +
    'come back before holdDown is over. Exit code 1 when no other node may announce one: that one stays.',
  examples: [
    ['kube-ipvs lb release --all', 'before this node is taken down'],
    ['kube-ipvs lb release 192.0.2.64', 'one address'],
  ],
  flags: [ALL, ...AGENT_FLAGS],
};

export async function lbRelease(typed: readonly string[], io: Io): Promise<number> {
  const line = readRunningLine(typed, HELP, io, (values, words) =>
    judged(values.get('all') === true, words),
  );
  if (!line.values) return line.exitCode;
  const { values, words } = line;
  return reporting(io, async () => {
    const addresses = words.map((word) => parseAddress(word)!);
    const { node, addresses: known } = await readReport(values);
    const ours = known.filter(({ owners }) => owners.includes(node)).map((each) => each.address);
    const others = addresses.filter((address) => !ours.includes(address));
    for (const address of others)
      io.stderr.write(`error: ${address} is not announced by ${node}\n`);
    if (others.length > 0) return EXIT.failed;
    const wanted = values.get('all') === true ? ours : addresses;
    if (wanted.length === 0) {
      io.stdout.write(`${node} announces nothing\n`);
      return EXIT.done;
    }
    const query = new URLSearchParams(
      wanted.map((address): [string, string] => ['address', address]),
    );
    const path = `${RELEASE_PATH}?${query.toString()}`;
    const text = await asked({ socketPath: socketOf(values), method: 'POST', path });
    const { stay } = JSON.parse(text) as { readonly stay: readonly string[] };
    const going = wanted.filter((address) => !stay.includes(address));
    for (const address of going) io.stdout.write(`${address} is handed over\n`);
    for (const address of stay)
      io.stderr.write(`error: ${address} stays: no other node may announce it (lb status)\n`);
    return stay.length === 0 ? EXIT.done : EXIT.failed;
  });
}

function judged(isAll: boolean, words: readonly string[]): readonly Problem[] {
  const wrong = words
    .filter((word) => parseAddress(word) === undefined)
    .map((value) => ({ path: 'lb release', value, problem: 'is not an IP address' }));
  if (wrong.length > 0 || isAll !== words.length > 0) return wrong;
  const problem = isAll ? 'addresses or --all, not both' : 'needs addresses, or --all';
  return [{ path: 'lb release', value: undefined, problem }];
}
