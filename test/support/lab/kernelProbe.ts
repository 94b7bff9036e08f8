/**
 * What a kernel test needs of the machine it runs on. A test file opens with one of the require
 * functions; where the need is not met its tests are skipped with the reason printed, and inside
 * the lab or CI, where it must be met, they fail.
 */
import { describe } from '@jest/globals';
import { IpvsClient } from '../../../src/kernel/ipvsClient.ts';
import { freshNamespace } from './namespace.ts';

type Describe = typeof describe | typeof describe.skip;

/** For tests of IPVS itself. `const describe = await requireIpvs()` */
export async function requireIpvs(): Promise<Describe> {
  return unless((await namespaceProblem()) ?? (await ipvsProblem()), 'npm run lab');
}

/** For tests of netlink alone: any kernel, as root. */
export async function requireNamespaces(): Promise<Describe> {
  return unless(await namespaceProblem(), 'run as root');
}

/**
 * For tests of iptables-nft beside nft's own rules: the machine's kernel, since the lab's has no
 * nf_tables.
 */
export async function requireNftables(): Promise<Describe> {
  return unless(await nftablesProblem(), 'root and a kernel with nf_tables');
}

/** The same, for tests beside which others show it elsewhere: skipped also in CI. */
export async function whereNftables(): Promise<Describe> {
  const problem = await nftablesProblem();
  if (problem === undefined) return describe;
  process.stderr.write(`skipped (root and a kernel with nf_tables run it): ${problem}\n`);
  return describe.skip;
}

export async function hasIpvs(): Promise<boolean> {
  return (await ipvsProblem()) === undefined;
}

function unless(problem: string | undefined, cure: string): Describe {
  if (problem === undefined) return describe;
  if (process.env['KUBE_IPVS_LAB'] || process.env['CI']) {
    throw new Error(`this test cannot run, and here it must: ${problem}`);
  }
  process.stderr.write(`skipped (${cure} runs it): ${problem}\n`);
  return describe.skip;
}

async function ipvsProblem(): Promise<string | undefined> {
  const port = new IpvsClient();
  try {
    await port.version();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    port.close();
  }
}

async function nftablesProblem(): Promise<string | undefined> {
  try {
    const namespace = await freshNamespace();
    try {
      await namespace.run('iptables-nft', '-N', 'PROBE');
      await namespace.run('nft', 'list', 'tables');
      return undefined;
    } finally {
      await namespace.remove();
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function namespaceProblem(): Promise<string | undefined> {
  try {
    const namespace = await freshNamespace();
    await namespace.remove();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
