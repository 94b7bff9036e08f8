/** `kube-ipvs lb status`: who announces which address, as the proxy on this node sees it. */
import type { AddressReport, PeerReport } from '../../loadbalancer/announcer/report.ts';
import type { LoadBalancerReport } from '../../loadbalancer/announcerPaths.ts';
import { givenText, type NotOurs } from '../../loadbalancer/notOurs.ts';
import { type CommandHelp, reporting } from '../commandLine.ts';
import { type Address, parseAddress } from '../../net/address.ts';
import { parseSloppyAddress } from '../../net/sloppy.ts';
import { EXIT, type Io } from '../io.ts';
import { OUTPUT_FLAG, type OutputFormat, outputFormat } from '../outputFormat.ts';
import { render } from '../render.ts';
import { AGENT_FLAGS, readReport, readRunningLine } from './running.ts';

const HELP: CommandHelp = {
  name: 'kube-ipvs lb status [ADDRESS|NAMESPACE/NAME]',
  summary:
    'Says who announces which load balancer address, who would be next, who may not and why, and which nodes are heard, ' +
    'as the proxy on this node sees it.',
  examples: [
    ['kube-ipvs lb status', 'all addresses and all nodes'],
    ['kube-ipvs lb status 192.0.2.64', 'one address'],
    ['kube-ipvs lb status shop/web -o json', 'those of one Service, for programs'],
  ],
  flags: [OUTPUT_FLAG, ...AGENT_FLAGS],
};

export async function lbStatus(typed: readonly string[], io: Io): Promise<number> {
  const line = readRunningLine(typed, HELP, io, (values, words) => [
    ...outputFormat(values).problems,
    ...words.slice(1).map((value) => ({
      path: 'lb status',
      value,
      problem: 'one address or one Service at a time',
    })),
  ]);
  if (!line.values) return line.exitCode;
  const { values, words } = line;
  return reporting(io, async () => {
    const report = await readReport(values);
    const [wanted] = words;
    // Typed in any form, told in the canonical one.
    const wantedAddress = wanted === undefined ? undefined : parseAddress(wanted);
    const addresses = report.addresses.filter(
      ({ address, services }) =>
        wanted === undefined || address === wantedAddress || services.includes(wanted),
    );
    const notOurs = report.notOurs.filter(
      ({ service, ingress }) =>
        wanted === undefined ||
        service === wanted ||
        ingress.some(({ ip, hostname }) => hostname === wanted || isAt(ip, wantedAddress)),
    );
    if (wanted !== undefined && addresses.length === 0 && notOurs.length === 0) {
      io.stderr.write(
        `error: ${wanted}: no Service of type LoadBalancer has this address, or is called so and has one\n`,
      );
      return EXIT.failed;
    }
    io.stdout.write(statusText({ ...report, addresses, notOurs }, outputFormat(values).format));
    return EXIT.done;
  });
}

function statusText(report: LoadBalancerReport, format: OutputFormat): string {
  if (format !== 'text') return render(report, format);
  const { addresses, peers, isAlone, isCutOff, node, notOurs } = report;
  return [
    `ADDRESSES (${addresses.length})\n`,
    ...addresses.flatMap((each) => addressLines(each, node)),
    ...(notOurs.length > 0 ? [`NOT OURS (${notOurs.length})\n`] : []),
    ...notOurs.map(notOursLine),
    `NODES (${peers.length + 1})\n`,
    `  ${node}: this one${standing(isAlone, isCutOff)}\n`,
    ...peers.map(peerLine),
  ].join('');
}

function addressLines(of: AddressReport, node: string): readonly string[] {
  const { address, services, owners, elected, cause, candidates, excluded, stance } = of;
  const owner = owners.length === 0 ? (cause ?? 'nobody yet') : owners.join(' and ');
  const here = owners.includes(node)
    ? ` on ${of.interfaces.join(', ')} for ${seconds(of.forMs)}`
    : '';
  const waits = stance === 'probing' ? '; this node asks whether somebody has it' : '';
  const moving =
    elected !== undefined && owners.length > 0 && !owners.includes(elected)
      ? `; goes to ${elected}`
      : '';
  const next = candidates.filter((name) => !owners.includes(name));
  const detail = [
    ...(next.length > 0 ? [`next ${next.join(', ')}`] : []),
    ...excluded.map((each) => `not ${each.node} ${each.reason}`),
  ];
  return [
    `  ${address} (${services.join(', ')}): ${owner}${here}${moving}${waits}\n`,
    ...(detail.length > 0 ? [`    ${detail.join('; ')}\n`] : []),
  ];
}

/** Others write addresses as they like. */
function isAt(ip: string | undefined, address: Address | undefined): boolean {
  return ip !== undefined && address !== undefined && parseSloppyAddress(ip) === address;
}

function notOursLine({ service, ingress, why }: NotOurs): string {
  return `  ${service}: ${givenText(ingress)}; ${why}\n`;
}

function standing(isAlone: boolean, isCutOff: boolean): string {
  if (isCutOff) return '; cut off from the others and the API server, announces nothing';
  return isAlone ? '; hears nobody, and goes by the wire' : '';
}

function peerLine({ node, state, silenceMs, hearsUs, isReady, claims, ...of }: PeerReport): string {
  const heard = state === 'Unknown' ? '' : `, heard ${seconds(silenceMs)} ago`;
  const notes = [
    ...(state === 'Alive' && !hearsUs ? ['does not hear this node'] : []),
    ...(state === 'Alive' && !isReady ? ['not ready'] : []),
    ...(of.hasSameConfiguration === false ? ['has another configuration'] : []),
  ];
  const rest = notes.length > 0 ? `; ${notes.join('; ')}` : '';
  return `  ${node}: ${state}${heard}, ${claims} addresses${rest}\n`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
