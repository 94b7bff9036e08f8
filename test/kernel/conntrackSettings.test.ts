/**
 * The settings of the connection table in a real kernel: a network namespace's own ones are set,
 * the machine's are left alone.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe as always, expect, test } from '@jest/globals';
import type { ConntrackSettings } from '../../src/config/resolve.ts';
import { requireIpvs } from '../support/lab/kernelProbe.ts';
import { freshNamespace, type Namespace } from '../support/lab/namespace.ts';

const describe = await requireIpvs();

const MODULE = join(import.meta.dirname, '..', '..', 'src', 'node', 'conntrackSettings.ts');
const SETTINGS: ConntrackSettings = {
  maxPerCore: 40_000,
  min: 131_072,
  tcpEstablishedTimeoutMs: 86_400_000,
  tcpCloseWaitTimeoutMs: 3_600_000,
  tcpBeLiberal: true,
  udpTimeoutMs: 40_000,
  udpStreamTimeoutMs: 150_000,
};
const HASH = '/sys/module/nf_conntrack/parameters/hashsize';
const sysctl = (name: string) => `/proc/sys/net/netfilter/nf_conntrack_${name}`;

const ownNetwork: Pick<Namespace, 'run'> = {
  run: async (file = '', ...argv) => (await promisify(execFile)(file, argv)).stdout,
};

/**
 * In a process of its own, since /proc/sys/net is that of the process who opens it. @returns its
 * lines
 */
async function apply(at: Pick<Namespace, 'run'>, cpuCount: number): Promise<string> {
  const program = `
    import { applyConntrackSettings } from ${JSON.stringify(MODULE)};
    const line = (message, error) => console.log(message, error?.message ?? '');
    const log = { info: line, warning: line, error: line, verbose: () => {} };
    await applyConntrackSettings(${JSON.stringify(SETTINGS)}, { log, cpuCount: ${cpuCount} });`;
  return at.run(process.execPath, '--input-type=module', '-e', program);
}

describe('conntrack settings', () => {
  test('a network namespace has its own timeouts and not its own maximum', async () => {
    const namespace = await freshNamespace();
    try {
      // the namespace's table comes with its first rule that needs one
      const rule = ['-A', 'INPUT', '-m', 'conntrack', '--ctstate', 'NEW', '-j', 'ACCEPT'];
      await namespace.run('iptables', ...rule);
      const read = async (path: string) => (await namespace.run('cat', path)).trim();
      const max = await read(sysctl('max'));
      expect(await apply(namespace, 8)).toMatch(/^nf_conntrack_max was left alone.*\n$/);
      expect(await read(sysctl('max'))).toBe(max);
      const names = ['established', 'close_wait'].map((name) => `tcp_timeout_${name}`);
      const all = [...names, 'tcp_be_liberal', 'udp_timeout', 'udp_timeout_stream'];
      expect(await Promise.all(all.map((name) => read(sysctl(name))))).toEqual([
        '86400',
        '3600',
        '1',
        '40',
        '150',
      ]);
    } finally {
      await namespace.remove();
    }
  });

  const describeOwnKernel = process.env['KUBE_IPVS_LAB'] === 'host' ? always.skip : always;

  describeOwnKernel('in the machine’s own network', () => {
    test('there is a maximum to set, and a hash that grows with it and never shrinks', async () => {
      const read = async (path: string) => Number(await ownNetwork.run('cat', path));
      for (const [cpuCount, max] of [
        [8, 320_000],
        [4, 160_000],
      ] as const) {
        expect(await apply(ownNetwork, cpuCount)).toBe('');
        expect(await read(sysctl('max'))).toBe(max);
        // the kernel rounds up to whole pages
        expect(await read(HASH)).toBeGreaterThanOrEqual(80_000);
      }
    });
  });
});
