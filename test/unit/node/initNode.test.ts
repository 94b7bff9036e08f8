import { expect, test } from '@jest/globals';
import { initNode, loadModules, modulesFor, setSysctls } from '../../../src/node/initNode.ts';
import { ExecError } from '../../../src/kernel/errors.ts';
import type { ResolvedConfig } from '../../../src/config/resolve.ts';

const CLOSE_WAIT = 'net/netfilter/nf_conntrack_tcp_timeout_close_wait';

function recorder() {
  const lines: string[] = [];
  const write = (message: string) => lines.push(message);
  return { lines, log: { info: write, warning: write, error: write } as never };
}

test('the modules are those of the scheduler and of the sets', () => {
  const modules = modulesFor('wrr');
  expect(modules).toEqual(expect.arrayContaining(['ip_vs', 'ip_vs_wrr', 'dummy', 'xt_set']));
  expect(modules).toEqual(
    expect.arrayContaining(['ip_set_hash_ipportip', 'ip_set_bitmap_port', 'ip_set_hash_net']),
  );
  for (const name of [
    'nf_conntrack',
    'nf_conntrack_netlink',
    'ip_set',
    'ipt_REJECT',
    'ip6t_REJECT',
  ])
    expect(modules).toContain(name);
  for (const match of ['comment', 'mark', 'addrtype', 'conntrack', 'MASQUERADE'])
    expect(modules).toContain(`xt_${match}`);
  expect(new Set(modules).size).toBe(modules.length);
  // it would bring br_netfilter along
  expect(modules).not.toContain('xt_physdev');
});

test('a module that is built in does not stop the start', async () => {
  const { lines, log } = recorder();
  const argv = ['modprobe', '--all', 'ip_vs', 'dummy'] as const;
  await loadModules(['ip_vs', 'dummy'], log, (given) => {
    expect(given).toEqual(argv);
    return Promise.reject(new ExecError({ argv, exitCode: 1, stderr: 'FATAL: dummy not found' }));
  });
  expect(lines).toEqual(['some kernel modules were not loaded; that is fine if they are built in']);
});

function sysctls(actual: Record<string, string>, failure?: Error) {
  const written: string[] = [];
  let calls = 0;
  const port = {
    read: () => Promise.resolve(new Map(Object.entries(actual))),
    apply: async (operations: readonly { readonly name: string; readonly value: string }[]) => {
      // The first is slow: whoever does not wait for it is done before.
      for (let turns = calls++ === 0 ? 5 : 0; turns > 0; turns--) {
        await new Promise(setImmediate);
      }
      written.push(...operations.map(({ name, value }) => `${name}=${value}`));
      return { outcomes: operations.map(() => failure), kernelWrites: 0 };
    },
  };
  return { written, port };
}

test('only sysctls with another value are written', async () => {
  const { written, port } = sysctls({ a: '1', b: '0' });
  const desired = new Map([
    ['a', '1'],
    ['b', '1'],
    ['c', '1'],
  ]);
  expect(await setSysctls(port, desired, recorder().log)).toBe(true);
  expect(written).toEqual(['b=1', 'c=1']);
});

test('a sysctl that cannot be set is told and counts as failure', async () => {
  const { lines, log } = recorder();
  const { port } = sysctls({ a: '0' }, new Error('EROFS'));
  expect(await setSysctls(port, new Map([['a', '1']]), log)).toBe(false);
  expect(lines).toEqual(['sysctl a was not set']);
});

test.each([
  { version: undefined, sysctl: undefined, exitCode: 0 },
  { version: new Error('ENOENT'), sysctl: undefined, exitCode: 1 },
  { version: undefined, sysctl: new Error('EROFS'), exitCode: 1 },
])('the exit code says whether the proxy can work: %j', async ({ version, sysctl, exitCode }) => {
  const { log } = recorder();
  const { port, written } = sysctls({ [CLOSE_WAIT]: '60' }, sysctl);
  const ran: string[] = [];
  let isClosed = false;
  const tools = {
    run: async (argv: readonly string[]) => {
      ran.push(argv[0]!);
      return { stdout: '', stderr: '' };
    },
    ipvs: {
      version: () =>
        version === undefined
          ? Promise.resolve({ version: 0x010201, connectionTableSize: 4096 })
          : Promise.reject(version),
      close: () => (isClosed = true),
    },
    sysctls: port,
  };
  const config = {
    dataplane: { scheduler: 'rr', strictArp: false },
    conntrack: { maxPerCore: 0, min: 0, tcpCloseWaitTimeoutMs: 3_600_000 },
  } as unknown as ResolvedConfig;
  expect(await initNode(config, log, tools)).toBe(exitCode);
  expect(ran).toEqual(['modprobe']);
  expect(isClosed).toBe(true);
  // The container ends with it: nothing may come later.
  expect(written[0]).toBe(`${CLOSE_WAIT}=3600`);
});
