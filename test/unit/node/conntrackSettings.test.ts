import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { applyConntrackSettings, hashSizeIn } from '../../../src/node/conntrackSettings.ts';
import type { ConntrackSettings } from '../../../src/config/resolve.ts';
import { KernelError } from '../../../src/kernel/errors.ts';

const { EACCES, EIO, ENOENT, EOPNOTSUPP, EROFS } = constants.errno;
const MAX = 'net/netfilter/nf_conntrack_max';
const ESTABLISHED = 'net/netfilter/nf_conntrack_tcp_timeout_established';
const CLOSE_WAIT = 'net/netfilter/nf_conntrack_tcp_timeout_close_wait';

/** kube-proxy's defaults */
const SETTINGS: ConntrackSettings = {
  maxPerCore: 32_768,
  min: 131_072,
  tcpEstablishedTimeoutMs: 86_400_000,
  tcpCloseWaitTimeoutMs: 3_600_000,
  tcpBeLiberal: false,
  udpTimeoutMs: 0,
  udpStreamTimeoutMs: 0,
};
const KERNEL = { [MAX]: '65536', [ESTABLISHED]: '432000', [CLOSE_WAIT]: '60' };

interface Given {
  readonly actual?: Readonly<Record<string, string>>;
  readonly refusals?: Readonly<Record<string, number>>;
  readonly hashSize?: number;
  readonly hashErrno?: number;
  readonly settings?: ConntrackSettings;
}

async function applied({ actual = KERNEL, refusals = {}, ...given }: Given) {
  let hashSize = given.hashSize ?? 16_384;
  const written: string[] = [];
  const lines: string[] = [];
  const line = (severity: string) => (message: string) => lines.push(`${severity}: ${message}`);
  await applyConntrackSettings(given.settings ?? SETTINGS, {
    log: {
      info: line('info'),
      warning: line('warning'),
      error: line('error'),
      verbose: () => undefined,
    } as never,
    conditions: {
      set: ({ code }, subject, { isTold }) => lines.push(`${code} of ${subject}, told: ${isTold}`),
    },
    sysctls: {
      read: () => Promise.resolve(new Map(Object.entries(actual))),
      apply: (operations) => {
        written.push(...operations.map(({ name, value }) => `${name}=${value}`));
        const outcomes = operations.map(({ name }) => {
          const errno = refusals[name] ?? (name in actual ? undefined : ENOENT);
          return errno === undefined ? undefined : new KernelError({ op: `set ${name}`, errno });
        });
        return Promise.resolve({ outcomes, kernelWrites: operations.length });
      },
    },
    hashSize: {
      read: () => Promise.resolve(hashSize),
      write: (size) => {
        if (given.hashErrno !== undefined) {
          return Promise.reject(new KernelError({ op: 'write', errno: given.hashErrno }));
        }
        hashSize = size;
        return Promise.resolve();
      },
    },
    cpuCount: 8,
  });
  return { written, lines, hashSize };
}

test('what differs is written, and the hash grows with the maximum', async () => {
  const actual = { ...KERNEL, [CLOSE_WAIT]: '3600' };
  expect(await applied({ actual, hashSize: 16_384 })).toEqual({
    written: [`${MAX}=262144`, `${ESTABLISHED}=86400`],
    lines: [],
    hashSize: 65_536,
  });
});

test('a hash that is large enough is not written', async () => {
  expect((await applied({ hashSize: 65_537 })).hashSize).toBe(65_537);
});

test('nothing asked for is nothing looked at', async () => {
  const settings = {
    ...SETTINGS,
    maxPerCore: 0,
    tcpEstablishedTimeoutMs: 0,
    tcpCloseWaitTimeoutMs: 0,
  };
  expect(await applied({ settings, hashSize: 1 })).toEqual({
    written: [],
    lines: [],
    hashSize: 1,
  });
});

test('in a network namespace that may not set the maximum one line says so, and the rest is set', async () => {
  const { written, lines, hashSize } = await applied({
    refusals: { [MAX]: EACCES },
  });
  expect(written).toHaveLength(3);
  expect(lines).toEqual([expect.stringMatching(/^info: nf_conntrack_max was left alone/)]);
  expect(hashSize).toBe(16_384);
});

test('a read-only /proc/sys is one error that says what to do', async () => {
  const refusals = { [MAX]: EROFS, [ESTABLISHED]: EROFS, [CLOSE_WAIT]: EROFS };
  const { lines } = await applied({ refusals });
  expect(lines).toEqual([
    expect.stringMatching(/^error: .*not applied; run it privileged/),
    'ConntrackNotSet of nf_conntrack, told: true',
  ]);
});

test('what the kernel does not have is one line', async () => {
  const { lines } = await applied({ actual: { [ESTABLISHED]: '86400' } });
  expect(lines).toEqual([expect.stringMatching(/^warning: .*skipped.*modprobe nf_conntrack/)]);
});

test.each([
  [
    EROFS,
    ['warning: /sys is mounted read-only', 'ConntrackHashTooSmall of nf_conntrack, told: true'],
  ],
  [EIO, ['error: the conntrack hash size was not set']],
  // not the machine's own network namespace: nothing anybody could do from here
  [EOPNOTSUPP, []],
])('a hash that cannot be set for errno %i', async (hashErrno, starts) => {
  const { written, lines } = await applied({ hashErrno });
  expect(written).toHaveLength(3);
  expect(lines).toEqual(starts.map((start) => expect.stringContaining(start)));
});

test('the hash size is read and written as the kernel prints it', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'hashsize-'));
  try {
    const file = path.join(folder, 'hashsize');
    await writeFile(file, '16384\n');
    const hashSize = hashSizeIn(file);
    expect(await hashSize.read()).toBe(16_384);
    await hashSize.write(65_536);
    expect(await readFile(file, 'utf8')).toBe('65536');
  } finally {
    await rm(folder, { recursive: true });
  }
});
