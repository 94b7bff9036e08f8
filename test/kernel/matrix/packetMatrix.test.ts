/**
 * The packet matrix: two nodes run the product from manifests, and every cell's packets must meet
 * what the table expects and what the packet tracer foretells. `UPDATE_DOCS=1` writes
 * docs/packet-matrix.md, which must otherwise be up to date.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { externalCidrs, outsideClient, serviceCidrs } from '../../lab/addressPlan.ts';
import { Topology } from '../../lab/topology.ts';
import {
  FAMILIES,
  PROTOCOLS,
  TARGET_PORT,
  manifests,
  node1,
  nodes,
  pods,
  web1,
  web2,
} from './cluster.ts';
import { type Opinions, differences, matrixDocument } from './document.ts';
import { cellsOf } from './outcome.ts';
import { probeCells } from './probe.ts';
import { ProxyProcess } from '../../support/lab/labProxy.ts';
import { type Row, daemon, masqueradeAllRows, rows } from './rows.ts';
import { type Tracer, tracerFor } from './trace.ts';

const DOCUMENT = join(import.meta.dirname, '..', '..', '..', 'docs', 'packet-matrix.md');

const MAX_ASKED_AGAIN = 6;

let folder: string;
let topology: Topology;
let proxies: ProxyProcess[] = [];
let opinions: Opinions[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'packet-matrix-'));
  writeFileSync(join(folder, 'cluster.json'), manifests());
  topology = await Topology.create();
  for (const { node, name, addresses } of pods) {
    await topology.addPod(node, name, Number(addresses.IPv4.split('.').at(-1)));
  }
  await serve();
  await topology.route(outsideClient, virtualCidrs(), node1);
  await tellEverything();
  // When one of them does not start the other is to be stopped all the same.
  const starts = nodes.map((node) => ProxyProcess.start(topology, node, folder));
  proxies = (await Promise.allSettled(starts)).flatMap((each) =>
    each.status === 'fulfilled' ? [each.value] : [],
  );
  await Promise.all(starts);
});

afterAll(async () => {
  await Promise.all(proxies.map((proxy) => proxy.stop()));
  await topology.destroy();
  rmSync(folder, { recursive: true });
});

test('packets meet what the table expects and the tracer foretells', async () => {
  opinions = await opinionsOn(rows, await tracerFor(folder));
  expect(differences(opinions)).toBe('');
});

test('with masqueradeAll pods are masqueraded to ClusterIPs too', async () => {
  await proxies.shift()!.stop();
  proxies.unshift(await ProxyProcess.start(topology, node1, folder, ['--masquerade-all']));
  const more = await opinionsOn(
    masqueradeAllRows,
    await tracerFor(folder, { masqueradeAll: true }),
  );
  opinions = [...opinions, ...more];
  expect(differences(more)).toBe('');
});

test('docs/packet-matrix.md says what packets meet', () => {
  const document = matrixDocument(opinions);
  // A run in which something went wrong must not become what is promised.
  expect(differences(opinions)).toBe('');
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(DOCUMENT, document);
  expect(readFileSync(DOCUMENT, 'utf8')).toBe(document);
});

async function opinionsOn(asked: readonly Row[], trace: Tracer): Promise<Opinions[]> {
  const cells = cellsOf(asked);
  const measured = await probeCells(topology.traffic, cells);
  const found = cells.map((cell, i) => ({ cell, measured: measured[i]!, traced: trace(cell) }));
  return askAgain(found);
}

/**
 * IPVS tells replies apart by pod and client port alone. In hundreds of flows a client may happen
 * on a port that it has just used for another address of the same pod, or the same one, and meet
 * that flow's entry; so a few cells may ask once more. Those of SCTP from a node itself most of
 * all: such a client offers every address of the node for its association, the bound ones too. What
 * is wrong every time fails all the same.
 */
async function askAgain(found: readonly Opinions[]): Promise<Opinions[]> {
  const doubtful = found.filter((each) => differences([each]) !== '');
  if (doubtful.length > MAX_ASKED_AGAIN) return [...found];
  const cells = doubtful.map(({ cell }) => cell);
  const measured = await probeCells(topology.traffic, cells);
  return found.map((each) => {
    const again = measured[cells.indexOf(each.cell)];
    return again === undefined ? each : { ...each, measured: again };
  });
}

async function serve() {
  const { traffic } = topology;
  for (const protocol of PROTOCOLS) {
    const word = protocol.toLowerCase() as Lowercase<typeof protocol>;
    for (const { name } of [web1, web2]) await traffic.serve(name, name, word, TARGET_PORT);
    await traffic.serve(daemon.place.name, daemon.name, word, daemon.port);
  }
}

/**
 * Many refusals in a moment are what the test is about; by default Linux sends a few ICMP errors a
 * second.
 */
async function tellEverything() {
  for (const { name } of nodes) {
    await topology.traffic.sysctl(name, 'net/ipv4/icmp_ratemask', 0);
    await topology.traffic.sysctl(name, 'net/ipv6/icmp/ratelimit', 0);
  }
}

function virtualCidrs(): string[] {
  return FAMILIES.flatMap((family) => [serviceCidrs[family], externalCidrs[family]]);
}
