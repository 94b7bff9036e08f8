// Which kernel `--kernel debian-VERSION` means, and the archive that it boots with: what a stranger
// (dpkg's order of versions, cpio's reader) makes of them is asked in the lab itself.

import { expect, test } from '@jest/globals';
import { newest } from '../../lab/debianKernels.mjs';
import { entry } from '../../lab/initramfs.mjs';

const releases = [
  '6.1.0-9-amd64',
  '6.1.0-57-amd64',
  '6.12.100+deb12-amd64',
  '6.12.99+deb12-amd64',
  '6.13.1-amd64',
];

test('a series is its newest release, by number and not by letter', () => {
  expect(newest('6.1', releases)).toBe('6.1.0-57-amd64');
  expect(newest('6.12', releases)).toBe('6.12.100+deb12-amd64');
});

test('a release is itself, and what is not there is nothing', () => {
  expect(newest('6.12.99+deb12-amd64', releases)).toBe('6.12.99+deb12-amd64');
  expect(newest('6.12.99', releases)).toBeUndefined();
  expect(newest('6.2', releases)).toBeUndefined();
  expect(newest('6', releases)).toBeUndefined();
});

test('an entry of the archive has its header, name and content on multiples of four', () => {
  const made = entry('modules/1-é', 0o100755, Buffer.from('ELF..'));
  const header =
    '070701' +
    '00000000' + // inode
    '000081ed' + // -rwxr-xr-x
    '0000000000000000' + // root
    '00000001' +
    '00000000' +
    '00000005' + // size
    '00000000000000000000000000000000' + // no devices
    '0000000d' + // name's size in bytes, with its end
    '00000000';
  expect(made.subarray(0, 110).toString()).toBe(header);
  expect(made.subarray(110).toString()).toBe('modules/1-é\0\0ELF..\0\0\0');
  expect(made.length % 4).toBe(0);
});
