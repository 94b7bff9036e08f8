// Scaling under traffic: an endpoint leaves and returns while requests keep coming. None may fail,
// the leaving pod gets no new ones, and a connection that is open to it goes on.

import type { HeldFlow } from '../../../test/lab/traffic.ts';
import type { Demo } from '../demo.ts';
import { RequestStream, tally, type StreamedRequest, type Tally } from '../stream.ts';
import { readTable, weightIn } from '../weights.ts';

const virtualServer = { address: '10.96.0.10', port: 80 } as const;
const leaving = 'web-2';
const everyMs = 20;
const phaseMs = 1200;
/**
 * Far more than it takes (files: 0.4 s, the API: some milliseconds), for a machine that is busy.
 */
const takesEffectWithinMs = 10_000;
/** Each look costs the lab's one processor some milliseconds, which the proxies need too. */
const lookEveryMs = 20;

interface Phase {
  readonly name: string;
  readonly beganMs: number;
}

export async function scaling(demo: Demo) {
  const { cluster, services, report } = demo;
  report.chapter(
    `Scaling under traffic: ${leaving} leaves the Service web and returns`,
    `The pod client opens a connection every ${everyMs} ms all the while. A leaving endpoint is not cut off: its weight ` +
      'becomes 0, so nothing new goes there, and what is open goes on (draining).',
  );
  const held = await holdConnection(demo);
  const target = {
    from: cluster.client.name,
    protocol: 'http',
    timeoutMs: 5000,
    ...virtualServer,
  } as const;
  const phases: Phase[] = [];
  const enter = (name: string) => phases.push({ name, beganMs: performance.now() });

  enter('both pods');
  const stream = new RequestStream(cluster.topology.traffic, target, everyMs);
  let requests: readonly StreamedRequest[];
  try {
    await sleep(phaseMs);
    enter(`${leaving} leaves`);
    await change(demo, () => services.takeAway(leaving), 0);
    enter(`${leaving} drains`);
    await sleep(phaseMs);
    await askHeld(demo, held, `goes on while ${leaving} drains`);
    enter(`${leaving} returns`);
    await change(demo, () => services.bringBack(leaving), 1);
    enter('both pods again');
    await sleep(phaseMs);
    await askHeld(demo, held, `goes on when ${leaving} has returned`);
  } finally {
    requests = await stream.stop();
    await held.close();
  }
  judge(demo, phases, requests);
}

/** One connection to the pod that will leave; the scheduler decides, so it may take a few. */
async function holdConnection({ cluster }: Demo): Promise<HeldFlow> {
  const target = {
    from: cluster.client.name,
    protocol: 'http',
    timeoutMs: 5000,
    ...virtualServer,
  } as const;
  for (let attempt = 0; attempt < 4; attempt++) {
    const flow = await cluster.topology.traffic.hold(target);
    if (flow.opened.kind === 'answered' && flow.opened.by.startsWith(leaving)) return flow;
    await flow.close();
  }
  throw new Error(`of 4 connections to ${virtualServer.address} none reached ${leaving}`);
}

/**
 * Makes the change and waits until the kernel of node1 has the weight; prints when, and what
 * ipvsadm then says.
 */
async function change(demo: Demo, make: () => Promise<string>, weight: number) {
  const { cluster, proxies, report } = demo;
  const { topology, node1, web2 } = cluster;
  const server = `${virtualServer.address}:${virtualServer.port}`;
  const destination = `${web2.addresses.IPv4}:8080`;
  const proxy = proxies.find(({ node }) => node === node1)!;
  const current = () => weightIn(proxy.virtualServers(), server, destination);

  const beganMs = performance.now();
  const making = make();
  while (current() !== weight && performance.now() - beganMs < takesEffectWithinMs)
    await sleep(lookEveryMs);
  const tookMs = Math.round(performance.now() - beganMs);
  report.note(`${await making}; ${tookMs} ms after the change began the kernel of node1 has:`);
  report.block(await readTable(topology, node1, server));
  const shown = current();
  report.statement(
    `Scaling: ${destination} (${leaving}) has weight ${weight}`,
    shown === weight ? undefined : `after ${tookMs} ms its weight is ${shown ?? 'not there'}`,
  );
  report.gap();
}

async function askHeld({ report }: Demo, held: HeldFlow, goesOn: string) {
  const result = await held.ask(5000);
  const isRight = result.kind === 'answered' && result.by.startsWith(leaving);
  report.statement(
    `Scaling: the open connection to ${leaving} ${goesOn}`,
    isRight ? undefined : `asked again on it: ${JSON.stringify(result)}`,
  );
  report.gap();
}

function judge({ report }: Demo, phases: readonly Phase[], requests: readonly StreamedRequest[]) {
  const [one, two] = ['web-1:8080', 'web-2:8080'] as const;
  const line = (cells: readonly (string | number)[]) =>
    cells.map((cell, i) => (i === 0 ? String(cell).padEnd(18) : String(cell).padStart(9))).join('');
  const tallies = phases.map(({ name, beganMs }, i) => {
    return { name, tally: tally(requests, beganMs, phases[i + 1]?.beganMs) };
  });
  const count = (of: Tally, by: string) => of.answered.get(by) ?? 0;
  report.block(line(['', 'requests', 'web-1', 'web-2', 'failed']));
  for (const { name, tally: of } of tallies) {
    report.block(line([name, of.total, count(of, one), count(of, two), of.failed]));
  }
  const all = tally(requests);
  report.gap();
  report.statement(
    `Scaling: of ${all.total} requests meanwhile none failed`,
    all.failed === 0 && all.total >= 100
      ? undefined
      : `${all.failed} of ${all.total} failed: ${failures(requests)}`,
  );
  const drains = tallies.find(({ name }) => name === `${leaving} drains`)?.tally;
  const isLeft = drains !== undefined && count(drains, two) === 0 && count(drains, one) > 0;
  report.statement(
    `Scaling: while ${leaving} drains, every new request goes to web-1`,
    isLeft
      ? undefined
      : JSON.stringify(tallies.map(({ name, tally: of }) => [name, ...of.answered])),
  );
  const ends = tallies
    .filter(({ name }) => name.startsWith('both pods'))
    .map(({ tally: of }) => of);
  const areShared =
    ends.length === 2 && ends.every((of) => count(of, one) > 0 && count(of, two) > 0);
  report.statement(
    'Scaling: before and after, both pods answer',
    areShared ? undefined : JSON.stringify(ends.map((of) => [...of.answered])),
  );
}

function failures(requests: readonly StreamedRequest[]): string {
  const kinds = requests.map(({ result }) => result).filter(({ kind }) => kind !== 'answered');
  return JSON.stringify(kinds.slice(0, 5));
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
