// The file system in memory that an emulated kernel starts with: the first process and the modules
// by which it reaches the machine's file tree. An archive in cpio's "new ASCII" format, see the
// kernel's Documentation/driver-api/early-userspace/buffer-format.rst.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { compiled } from './workshop.mjs';

/** @import { PackagedKernel } from './debianKernels.mjs' */

const modules = ['virtio_pci', '9pnet_virtio', '9p', 'overlay'];

const FOLDER = 0o040755;
const PROGRAM = 0o100755;

/** @param {PackagedKernel} kernel */
export function initramfs(kernel) {
  const firstProcess = readFileSync(compiled('firstProcess.c', ['-static']));
  return Buffer.concat([
    entry('modules', FOLDER),
    ...moduleFiles(kernel).map((path, at) =>
      // Their order is that of their names.
      entry(
        `modules/${String(at).padStart(3, '0')}-${basename(path)}`,
        PROGRAM,
        readFileSync(path),
      ),
    ),
    entry('init', PROGRAM, firstProcess),
    entry('TRAILER!!!', 0),
  ]);
}

/**
 * @param {PackagedKernel} kernel
 * @returns each after those that it needs; what is built in has no file
 */
function moduleFiles({ folder, release }) {
  const needs = modules.flatMap((name) =>
    execFileSync('modprobe', ['-d', folder, '-S', release, '--show-depends', name], {
      encoding: 'utf8',
    }).split('\n'),
  );
  const files = needs.flatMap((line) => /^insmod (\S+)/.exec(line)?.[1] ?? []);
  return [...new Set(files)];
}

/**
 * @param {string} name
 * @param {number} mode type and permissions
 * @param {Buffer} content
 */
export function entry(name, mode, content = Buffer.alloc(0)) {
  const nameSize = Buffer.byteLength(name) + 1;
  // inode, mode, uid, gid, links, time, size, device (2), its own device (2), name's size, check
  const fields = [0, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, nameSize, 0];
  const numbers = fields.map((value) => value.toString(16).padStart(8, '0')).join('');
  return Buffer.concat([padded(Buffer.from(`070701${numbers}${name}\0`)), padded(content)]);
}

/** @param {Buffer} part */
const padded = (part) => Buffer.concat([part, Buffer.alloc(-part.length & 3)]);
