// `kube-ipvs list` beside `ipvsadm -Ln`: the same bytes.

import type { Node } from '../../../test/lab/addressPlan.ts';
import { besides } from '../columns.ts';
import type { Demo } from '../demo.ts';
import { product } from '../proxies.ts';

export async function listing(demo: Demo) {
  const { cluster, report } = demo;
  report.chapter(
    'kube-ipvs list beside ipvsadm -Ln',
    'What the kernel of node1 now holds, told by both. The same bytes, so scripts that read one can read the other.',
  );
  for (const node of [cluster.node1, cluster.node2]) {
    const { ours, theirs } = await listBoth(demo, node);
    if (node === cluster.node1) {
      const columns = Number(process.env['COLUMNS'] ?? 160);
      report.block(besides(['kube-ipvs list -n', ours], ['ipvsadm -Ln', theirs], columns - 5));
      report.gap();
    }
    const isRealTable = theirs.split('\n').length > 10;
    const problem = !isRealTable
      ? `ipvsadm lists next to nothing:\n${theirs}`
      : ours === theirs
        ? undefined
        : `kube-ipvs list -n printed:\n${ours}\nipvsadm -Ln printed:\n${theirs}`;
    const size = Buffer.byteLength(theirs);
    report.statement(
      `kube-ipvs list prints on ${node.name} what ipvsadm -Ln prints, all ${size} bytes`,
      problem,
    );
  }
}

/**
 * Connections time out while one or the other reads: an answer counts when ipvsadm says the same
 * before and after ours.
 */
async function listBoth({ cluster }: Demo, node: Node) {
  const run = async (argv: readonly string[]) => {
    const { status, stdout, stderr } = await cluster.topology.exec(node, argv);
    return status === 0 ? stdout : `${argv.join(' ')} ended with status ${status}: ${stderr}`;
  };
  const theirsNow = () => run(['ipvsadm', '-Ln']);
  let theirs = await theirsNow();
  for (let attempt = 1; ; attempt++) {
    const ours = await run([process.execPath, product, 'list', '-n']);
    const again = await theirsNow();
    if (again === theirs || attempt === 8) return { ours, theirs };
    theirs = again;
  }
}
