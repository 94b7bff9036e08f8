import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { checkCapabilities, missingCapabilities } from '../../../src/node/capabilities.ts';

const status = (effective: string) =>
  `Name:\tnode\nCapPrm:\t0000000000000000\nCapEff:\t${effective}\n`;

test.each([
  ['0000000000003000', []],
  ['000001ffffffffff', []],
  [
    '0000000000001000',
    ['CAP_NET_RAW (the raw socket over which iptables, nft or legacy, finds ipsets)'],
  ],
  ['0000000000002000', ['CAP_NET_ADMIN (IPVS, ipset, rules and addresses)']],
])('capabilities %s', (effective, missing) => {
  expect(missingCapabilities(status(effective))).toEqual(missing);
});

test('without any capability both are named', () => {
  expect(missingCapabilities(status('0000000000000000'))).toHaveLength(2);
});

test('a status that does not tell stops nothing', () => {
  expect(missingCapabilities('')).toEqual([]);
});

test('the start is refused with all that is missing and what to do', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'status-'));
  const file = join(folder, 'status');
  try {
    writeFileSync(file, status('0000000000000000'));
    await expect(checkCapabilities(file)).rejects.toThrow(
      /lacks CAP_NET_ADMIN .* and CAP_NET_RAW .*: run as root, or add the capabilities/,
    );
    writeFileSync(file, status('0000000000003000'));
    await checkCapabilities(file);
    await checkCapabilities(join(folder, 'none'));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
