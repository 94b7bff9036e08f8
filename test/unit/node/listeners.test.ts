import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { readListeners, usersAt } from '../../../src/node/listeners.ts';

let procfs: string;
beforeEach(async () => {
  procfs = await mkdtemp(path.join(tmpdir(), 'procfs-'));
  await mkdir(path.join(procfs, 'net'));
});
afterEach(() => rm(procfs, { recursive: true }));

const write = (table: string, ...lines: string[]) =>
  writeFile(path.join(procfs, 'net', table), `  sl  local_address …\n${lines.join('\n')}\n`);

/** As Linux prints it on a little-endian machine. */
const line = (local: string, state: string, user: number) =>
  `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000 ${String(user).padStart(5)}        0 1061 1 00000000dd781f33 100 0 0 10 0`;

test('listening sockets of both families are read, connections and other lines are not', async () => {
  await write(
    'tcp',
    line('0100007F:2809', '0A', 0),
    line('0100A8C0:D431', '01', 1000),
    'a line of a later kernel',
  );
  await write('tcp6', line('0000000000000000FFFF00000100007F:2810', '0A', 65_534));
  expect(await readListeners(procfs)).toEqual([
    { address: '127.0.0.1', port: 10_249, user: 0 },
    { address: '127.0.0.1', port: 10_256, user: 65_534 },
  ]);
});

test('a kernel without IPv6, or a table that cannot be read, leaves the other', async () => {
  await write('tcp', line('00000000:2809', '0A', 7));
  expect(await readListeners(procfs)).toEqual([{ address: '0.0.0.0', port: 10_249, user: 7 }]);
});

const at = (address: string, port: number, user: number) => ({ address, port, user });

test.each([
  ['the socket of the very address', [at('127.0.0.1', 80, 1), at('0.0.0.0', 80, 2)], [1]],
  ['else those of all addresses', [at('127.0.0.2', 80, 1), at('0.0.0.0', 80, 2)], [2]],
  ['of either family', [at('::', 80, 3), at('0.0.0.0', 80, 2)], [3, 2]],
  ['never one of another port', [at('127.0.0.1', 81, 1), at('0.0.0.0', 8080, 2)], []],
])('who would accept a connection: %s', (_, listeners, users) => {
  expect(usersAt(listeners, { address: '127.0.0.1', port: 80 })).toEqual(users);
});
