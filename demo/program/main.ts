// The demo, inside the lab: builds the cluster, proxies its Services on both nodes, walks through
// the chapters, and ends with a table of everything that was checked. Exit status 0 only if every
// check was right.

import { announced } from './chapters/announced.ts';
import { clusterIp } from './chapters/clusterIp.ts';
import { externalIp } from './chapters/externalIp.ts';
import { listing } from './chapters/listing.ts';
import { loadBalancer } from './chapters/loadBalancer.ts';
import { localPolicy } from './chapters/localPolicy.ts';
import { nodePort } from './chapters/nodePort.ts';
import { proxyHealth } from './chapters/proxyHealth.ts';
import { scaling } from './chapters/scaling.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildCluster } from './cluster.ts';
import type { Demo } from './demo.ts';
import { keepOpen } from './keepOpen.ts';
import { startProxies, type Proxy } from './proxies.ts';
import { Report } from './report.ts';
import { openServices } from './services.ts';

type Chapter = (demo: Demo) => Promise<void>;

const chapters: readonly Chapter[] = [
  clusterIp,
  nodePort,
  loadBalancer,
  externalIp,
  localPolicy,
  scaling,
  listing,
  proxyHealth,
  announced,
];

async function main(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'demo-'));
  try {
    return await show(folder);
  } catch (error) {
    process.stdout.write(`\ndemo: ${error instanceof Error ? error.stack : String(error)}\n`);
    return 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @param folder for everything that is written */
async function show(folder: string): Promise<number> {
  const report = new Report(process.stdout);
  const cluster = await buildCluster(report);
  const services = await openServices(folder, report);
  const proxies = await startProxies({ cluster, services, folder, report });
  for (const chapter of chapters) await survive(chapter, { cluster, services, proxies, report });
  tellFailures(report, proxies);
  report.summary();
  const status = await keepOpen({ cluster, services, folder });
  for (const proxy of proxies) await proxy.stop();
  return report.isAllRight ? status : 1;
}

/** One chapter that breaks is a failed check, and the next ones are still shown. */
async function survive(chapter: Chapter, demo: Demo) {
  try {
    await chapter(demo);
  } catch (error) {
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    demo.report.check(`the chapter "${demo.report.chapterTitle}" runs to its end`, reason);
  }
}

function tellFailures(report: Report, proxies: readonly Proxy[]) {
  if (report.isAllRight) return;
  report.chapter(
    'What the proxies said',
    'Something was wrong; these are the last lines of their logs.',
  );
  for (const proxy of proxies) report.block(`${proxy.node.name}:\n${proxy.lastLines()}`);
}

process.exit(await main());
