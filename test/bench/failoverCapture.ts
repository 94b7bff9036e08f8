/**
 * One failover as it is on the wire, for docs/failover.md: three nodes on a switch, tcpdump there,
 * the one that has the address is killed. As root.
 *
 *   node test/bench/failoverCapture.ts >docs/failover.md
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { AnnouncerNodes } from '../support/loadbalancer/announcerNodes.ts';

const V4 = '192.0.2.64';
const V6 = '2001:db8:1::64';
/** Of the datagram: what it is (docs/load-balancer.md, "What travels between nodes"). */
const TYPE_AT = 'udp[13]';
const CLAIMS = 3;

interface Line {
  readonly atMs: number;
  readonly text: string;
  readonly words: string;
}

const folder = await mkdtemp(join(tmpdir(), 'failover-'));
const file = join(folder, 'capture');
const nodes = await AnnouncerNodes.create(3, { addresses: [V4, V6] });
try {
  for (const name of nodes.names) nodes.start(name);
  const owner = await ownerOf(V4);
  await knownToClient(V6);
  const before = await neighbours();
  const stop = await capture();
  await pause(1_000);
  const killedMs = Date.now();
  await nodes.end(owner, 'SIGKILL');
  await pause(3_500);
  const after = await neighbours();
  await stop();
  console.log(page(owner, killedMs, before, after, await linesOf(owner, killedMs)));
} finally {
  await nodes.remove();
  await rm(folder, { recursive: true });
}

async function ownerOf(address: string): Promise<string> {
  for (;;) {
    const answerers = await nodes.answerers(address);
    if (answerers.length === 1) return answerers[0]!;
  }
}

async function knownToClient(address: string): Promise<void> {
  const { namespace } = nodes.client;
  while ((await nodes.neighbour(address)) === undefined) {
    await namespace.run('bash', '--norc', '-c', `echo >/dev/udp/${address}/9 || true`);
    await pause(100);
  }
}

async function neighbours(): Promise<string> {
  const shown = await Promise.all(
    [V4, V6].map((address) => nodes.client.ip('neighbour', 'show', address, 'dev', 'eth0')),
  );
  return shown.map((each) => each.trim()).join('\n');
}

async function capture(): Promise<() => Promise<void>> {
  const { name } = nodes.segment.switchNamespace;
  const argv = ['netns', 'exec', name, 'tcpdump', '-Z', 'root', '-i', 'br0', '-U', '-w', file];
  const child = spawn('ip', argv, { stdio: ['ignore', 'ignore', 'pipe'] });
  await once(child.stderr, 'data');
  return async () => {
    const ended = once(child, 'exit');
    child.kill();
    await ended;
  };
}

/** @returns what tcpdump says of those frames */
async function read(expression: string, sinceMs: number): Promise<readonly Omit<Line, 'words'>[]> {
  const printed = await nodes.segment.atSwitch(
    'tcpdump',
    '-n',
    '-e',
    '-tt',
    '-r',
    file,
    expression,
  );
  return printed
    .trim()
    .split('\n')
    .flatMap((line) => {
      const [, at, text] = /^(\d+\.\d+) (.*)$/.exec(line) ?? [];
      return at === undefined ? [] : [{ atMs: Number(at) * 1_000, text: text! }];
    })
    .filter(({ atMs }) => atMs >= sinceMs);
}

async function linesOf(dead: string, killedMs: number): Promise<readonly Line[]> {
  const deadIp = `192.0.2.${nodes.names.indexOf(dead) + 1}`;
  const beats = (await read(`udp port 10260 and src host ${deadIp}`, 0)).slice(-1);
  const arp = await read(`arp host ${V4}`, killedMs);
  const neighbor = await read('icmp6 and (ip6[40] == 135 or ip6[40] == 136)', killedMs);
  const claims = await read(
    `udp port 10260 and not src host ${deadIp} and ${TYPE_AT} == ${CLAIMS}`,
    killedMs,
  );
  const taken = arp.find(({ text }) => text.includes(`tell ${V4}`))!;
  const taker = macOf(taken.text);
  const lines: Line[] = [
    ...beats.map((each) => ({ ...each, words: `the last word of ${dead}: its silence counts` })),
    // Others say theirs every five seconds.
    ...claims
      .filter(({ text, atMs }) => macOf(text) === taker && atMs < taken.atMs + 100)
      .map((each) => ({ ...each, words: 'tells each of the others what it answers for now' })),
    ...arp.map((each) => ({ ...each, words: arpWords(each.text) })),
    ...neighbor
      .filter(({ text }) => text.includes(V6))
      .map((each) => ({ ...each, words: neighborWords(each.text) })),
  ];
  return lines.sort((a, b) => a.atMs - b.atMs);
}

function macOf(text: string): string {
  return text.split(' ')[0]!;
}

function arpWords(text: string): string {
  if (text.includes(`Reply ${V4}`))
    return text.includes('> ff:ff:ff:ff:ff:ff')
      ? 'announced, as a reply: for those who heed only these'
      : 'an answer to whoever asked';
  return text.includes(`tell ${V4}`)
    ? 'announced, as a request that asks for itself: caches and switches turn to this MAC'
    : 'somebody asks; unicast: the client makes sure of what it has just been told';
}

function neighborWords(text: string): string {
  if (text.includes('solicitation')) return 'somebody asks; unicast: the client makes sure';
  return text.includes('> 33:33:00:00:00:01')
    ? 'announced to all nodes, to replace what they know (override)'
    : 'an answer to whoever asked';
}

function page(
  dead: string,
  killedMs: number,
  before: string,
  after: string,
  lines: readonly Line[],
): string {
  const told = new Set<string>();
  const shown = lines.map(({ atMs, text, words }) => {
    const line = `${((atMs - killedMs) / 1_000).toFixed(3)} s`.padStart(8) + `  ${shortened(text)}`;
    const isNew = !told.has(words);
    told.add(words);
    return isNew ? `# ${words}\n${line}` : line;
  });
  return `# One failover on the wire

\`node test/bench/failoverCapture.ts >docs/failover.md\` makes this page: three nodes, \`n1\` to \`n3\` at 192.0.2.1 to .3 with the MACs 02:00:00:00:00:01 to
:03, and a client (:0a) on one switch, where tcpdump listens. ${dead} has the address 192.0.2.64, and its process is killed (SIGKILL) at 0. (The IPv6 address is beside it,
here or on another node; then it does not move.) Heartbeats are those by default: every 200 ms, dead after 600. Of them only what matters is shown.

The client's neighbour table before:

\`\`\`console
$ ip neighbour
${before}
\`\`\`

\`\`\`
${shown.join('\n')}
\`\`\`

Five rounds of announcements, at 0, 0.1, 0.3, 1 and 2 s: one that is lost costs no more than the time to the next one. The client did not ask before it was
told; its table after:

\`\`\`console
$ ip neighbour
${after}
\`\`\``;
}

function shortened(text: string): string {
  return text
    .replace(/, ethertype (\w+) \(0x[0-9a-f]+\), length \d+:/, ' $1')
    .replace(/, length \d+$/, '')
    .replace(/ \(oui [^)]*\)/g, '');
}
