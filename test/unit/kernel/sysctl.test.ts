import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { SysctlClient } from '../../../src/kernel/sysctl.ts';

let root: string;
let port: SysctlClient;

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'sysctl-'));
  await mkdir(path.join(root, 'net/ipv4'), { recursive: true });
  await writeFile(path.join(root, 'net/ipv4/ip_forward'), '0\n');
  await writeFile(path.join(root, 'net/ipv4/tcp_rmem'), '4096\t131072\t6291456\n');
  port = new SysctlClient(root);
});

afterEach(async () => rm(root, { recursive: true }));

test('values are read without the line end, and what the kernel does not have is left out', async () => {
  const names = ['net/ipv4/ip_forward', 'net/ipv4/tcp_rmem', 'net/ipv4/vs/conntrack'];
  expect([...(await port.read(names))]).toEqual([
    ['net/ipv4/ip_forward', '0'],
    ['net/ipv4/tcp_rmem', '4096 131072 6291456'],
  ]);
});

test('values are written, and one that cannot be does not stop the others', async () => {
  const { outcomes, kernelWrites } = await port.apply([
    { op: 'setSysctl', name: 'net/ipv4/vs/conntrack', value: '1' },
    { op: 'setSysctl', name: 'net/ipv4/ip_forward', value: '1' },
  ]);
  expect(kernelWrites).toBe(2);
  expect(outcomes[1]).toBeUndefined();
  expect(await readFile(path.join(root, 'net/ipv4/ip_forward'), 'utf8')).toBe('1');
  expect(outcomes[0]).toMatchObject({
    name: 'KernelError',
    code: 'ENOENT',
    message: expect.stringContaining('modprobe ip_vs'),
  });
});

test('a refusal says what was tried and what to do, as far as that is known', async () => {
  // Files of the kernel refuse what they do not understand, here as there.
  await symlink('/proc/self/oom_score_adj', path.join(root, 'net/number'));
  const refusalOf = async (name: string) =>
    (await port.apply([{ op: 'setSysctl', name, value: 'odd' }])).outcomes[0]?.message;
  expect(await refusalOf('net/number')).toMatch(
    /^set sysctl net\/number to odd: EINVAL.*\(the kernel does not take this value\)$/,
  );
  expect(await refusalOf('net/other/missing')).toMatch(/\(this kernel does not have it\)$/);
  expect(await refusalOf('net/ipv4')).toMatch(/^set sysctl net\/ipv4 to odd: EISDIR, [^(]*$/);
  await expect(port.read(['net/ipv4'])).rejects.toThrow(/^read sysctl net\/ipv4: EISDIR, [^(]*$/);
});

test('a name cannot lead out of the directory', async () => {
  for (const name of ['../etc/passwd', '/etc/passwd', 'net//ipv4', 'net/../../x', ''])
    await expect(port.read([name])).rejects.toThrow(TypeError);
});
