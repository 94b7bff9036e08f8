/**
 * Kernel modules as a node has them: not loaded until somebody asks, sometimes forbidden, sometimes
 * not there. `--init-only` loads what the proxy needs, and says of what is missing where it comes
 * from.
 */
import { rm, writeFile } from 'node:fs/promises';
import { afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { exec } from '../lab/netns.ts';
import { eventually } from '../support/e2e/cluster.ts';
import { buildProduct, BUNDLE } from '../support/e2e/productProcess.ts';

const OURS =
  /^(?:ip_vs|ip_set|xt_|ipt_|ip6t_|nft_compat|nf_conntrack_netlink|dummy$|iptable_|ip6table_)/;

/** The whole lab's, because the kernel itself starts modprobe too; gone with the lab. */
const FORBIDDEN = '/etc/modprobe.d/forbidden-by-a-test.conf';

beforeAll(async () => {
  if (process.env['KUBE_IPVS_LAB'] !== 'debian') {
    throw new Error('this test changes what modprobe does, and so runs in a Debian lab only');
  }
  await buildProduct();
});
beforeEach(unloadAll);
afterEach(() => rm(FORBIDDEN, { force: true }));

async function loaded(): Promise<readonly string[]> {
  const { stdout } = await exec(['lsmod']);
  const names = stdout.split('\n').slice(1);
  return names.map((line) => line.split(' ')[0]!).filter((name) => OURS.test(name));
}

/** Namespaces of tests before this one go in their own time, and with them what they used. */
async function unloadAll(): Promise<void> {
  const sets = await exec(['ipset', 'destroy']);
  expect(sets.stderr).toBe('');
  await eventually(async () => {
    await exec(['modprobe', '-r', ...(await loaded())]);
    expect(await loaded()).toEqual([]);
  });
}

const initOnly = (flags: readonly string[] = []) =>
  exec([process.execPath, BUNDLE, '--init-only', ...flags]);

/** As an administrator may do it. */
const forbid = (module: string) => writeFile(FORBIDDEN, `install ${module} /bin/false\n`);

test('what the proxy needs is loaded where nothing was', async () => {
  const { status, stderr } = await initOnly(['--ipvs-scheduler=mh']);
  expect({ status, stderr }).toEqual({
    status: 0,
    stderr: expect.stringContaining('kernel modules are loaded'),
  });
  expect(stderr).toContain('the kernel has IPVS');
  expect(await loaded()).toEqual(
    expect.arrayContaining([
      'dummy',
      'ip_set_bitmap_port',
      'ip_set_hash_ip',
      'ip_set_hash_ipport',
      'ip_set_hash_ipportip',
      'ip_vs',
      'ip_vs_mh',
      'nf_conntrack_netlink',
      'xt_set',
      'xt_comment',
      'xt_mark',
      'xt_addrtype',
      'xt_MASQUERADE',
    ]),
  );
});

test('a forbidden module that the proxy can do without is named, and no error', async () => {
  await forbid('xt_comment');
  const { status, stderr } = await initOnly();
  expect(stderr).toMatch(/^W.*some kernel modules were not loaded.*xt_comment/m);
  expect(status).toBe(0);
  expect(await loaded()).toEqual(expect.arrayContaining(['ip_vs', 'dummy', 'xt_set']));
});

test('without IPVS it fails, and says where modules come from', async () => {
  await forbid('ip_vs');
  const { status, stderr } = await initOnly();
  expect(status).toBe(1);
  expect(stderr).toMatch(
    /^E.*the kernel has no IPVS: mount \/lib\/modules of the node, or install/m,
  );
});

test('without the node’s /lib/modules, as in a container, too', async () => {
  await exec(['mount', '-t', 'tmpfs', 'tmpfs', '/lib/modules']);
  const { status, stderr } = await initOnly();
  await exec(['umount', '/lib/modules']);
  expect(status).toBe(1);
  expect(stderr).toMatch(/^W.*some kernel modules were not loaded/m);
  expect(stderr).toContain('mount /lib/modules of the node');
  expect(await loaded()).toEqual([]);
});
