import { expect, test } from '@jest/globals';
import { checkLocalPorts, openNodePorts } from '../../../src/node/localPorts.ts';

test.each([
  ['32768\t60999\n', '\n', []],
  ['10000\t65000\n', '\n', [{ first: 30_000, last: 32_767 }]],
  ['31000\t60999\n', '\n', [{ first: 31_000, last: 32_767 }]],
  ['1024\t30000\n', '\n', [{ first: 30_000, last: 30_000 }]],
  ['10000\t65000\n', '8080,30000-32767\n', []],
  [
    '10000\t65000\n',
    '30000,30002-32766\n',
    [
      { first: 30_001, last: 30_001 },
      { first: 32_767, last: 32_767 },
    ],
  ],
])('the range %j with %j reserved leaves open %j', (range, reserved, open) => {
  expect(openNodePorts(range, reserved)).toEqual(open);
});

async function warnings(files: Readonly<Record<string, string>>): Promise<string[]> {
  const told: string[] = [];
  const log = { warning: (message: string) => told.push(message) };
  await checkLocalPorts(log, (path) => {
    const text = files[path.split('/').at(-1)!];
    return text === undefined ? Promise.reject(new Error('ENOENT')) : Promise.resolve(text);
  });
  return told;
}

test('an overlap is told with its cure (kubernetes issue 139276)', async () => {
  const files = { ip_local_port_range: '32000\t61000\n', ip_local_reserved_ports: '\n' };
  expect(await warnings(files)).toEqual([
    expect.stringMatching(
      /nodePort \(32000-32767\).*add 30000-32767 to .*net\.ipv4\.ip_local_reserved_ports/,
    ),
  ]);
});

test('nothing is said where nothing overlaps, or nothing can be read', async () => {
  expect(await warnings({})).toEqual([]);
  const files = { ip_local_port_range: '32768\t60999\n', ip_local_reserved_ports: '\n' };
  expect(await warnings(files)).toEqual([]);
});
