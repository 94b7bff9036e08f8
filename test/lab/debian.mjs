// The lab on a packaged Debian kernel under QEMU's software emulation: nf_tables, modules that are
// loaded as on a node, two processors, and whichever version is asked for. The machine's file tree
// is there by 9p with a layer in memory above it, so what the command writes is gone at the end,
// except in the folders `through`. Programs run some ten times slower than outside, so this is no
// place for figures. KVM is not used: where it exists it may hang.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkout } from '../../packaging/machine.mjs';
import { bootToEnd, writeRun } from './boot.mjs';
import { DEFAULT_SERIES, packagedKernel } from './debianKernels.mjs';
import { initramfs } from './initramfs.mjs';
import { tapName } from './joint.mjs';
import { endingTogether, runFolder } from './session.mjs';
import { xtablesFolder } from './workshop.mjs';

/** @import { LabCommandLine } from './options.mjs' */
/** @import { PackagedKernel } from './debianKernels.mjs' */

/**
 * What a node has by its distribution or by kube-ipvs --init-only; the rest comes when it is used.
 */
const modules = 'ip_vs dummy ip_set xt_set nf_conntrack';

/**
 * @param {LabCommandLine} options
 * @returns the exit status, see run.mjs
 */
export async function runInDebian(options) {
  const kernel = packagedKernel(options.kernel?.version ?? DEFAULT_SERIES);
  if (!options.quiet) process.stderr.write(`lab: ${kernel.release}\n`);
  const { folder, remove } = runFolder();
  try {
    writeRun(folder, options, { kernel: 'debian', modules, pathFirst: [xtablesFolder('nft')] });
    writeFileSync(join(folder, 'through'), through(folder).join('\n') + '\n');
    writeFileSync(join(folder, 'initramfs'), initramfs(kernel));
    return await bootToEnd(
      [...launcher(options), ...machine(kernel, folder, options)],
      folder,
      options,
    );
  } finally {
    remove();
  }
}

/**
 * Folders in which what is written reaches the machine: the run's own, reports, and what Jest has
 * compiled, which takes long in there.
 *
 * @param {string} run
 */
function through(run) {
  const folders = [run, join(checkout, '.cache'), join(checkout, 'node_modules', '.cache')];
  for (const folder of folders) mkdirSync(folder, { recursive: true });
  return folders;
}

/** @param {LabCommandLine} options */
function launcher({ netns }) {
  return [...(netns ? ['ip', 'netns', 'exec', netns] : []), ...endingTogether];
}

/**
 * @param {PackagedKernel} kernel
 * @param {string} folder
 * @param {LabCommandLine} options
 */
function machine({ release, folder: tree }, folder, options) {
  const share = 'security_model=none,multidevs=remap';
  const words = [
    ['-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', options.memory],
    ['-nodefaults', '-display', 'none', '-no-reboot'],
    ['-kernel', join(tree, 'boot', `vmlinuz-${release}`)],
    ['-initrd', join(folder, 'initramfs')],
    ['-append', kernelLine(tree, folder, options)],
    ['-virtfs', `local,path=/,mount_tag=root,readonly=on,${share}`],
    ['-virtfs', `local,path=/,mount_tag=machine,${share}`],
    serial(folder, options),
    options.netns ? wire : [],
    options.line ? line : [],
  ];
  return ['qemu-system-x86_64', ...words.flat()];
}

/**
 * @param {string} tree
 * @param {string} folder
 * @param {LabCommandLine} options
 */
function kernelLine(tree, folder, options) {
  return [
    'console=ttyS0',
    options.tty ? 'loglevel=1' : 'quiet',
    'panic=-1',
    // On a busy machine the check finds that no timer ticks, and then none does.
    'no_timer_check',
    // What guards one program against another takes a third of the time and guards nobody here.
    'mitigations=off',
    `LAB_INIT=${join(checkout, 'test', 'lab', 'init.sh')}`,
    `LAB_RUN=${folder}`,
    `LAB_MODULES=${join(tree, 'lib', 'modules')}`,
    'LAB_TERMINAL=/dev/ttyS0',
    ...(options.netns ? ['LAB_TAP=eth0'] : []),
    ...(options.line ? ['LAB_LINES=/dev/vport0p'] : []),
  ].join(' ');
}

/**
 * @param {string} folder
 * @param {LabCommandLine} options
 */
function serial(folder, options) {
  const end = options.tty ? 'stdio,id=serial,signal=off' : `file,id=serial,path=${folder}/console`;
  return ['-chardev', end, '-serial', 'chardev:serial'];
}

const wire = [
  ['-netdev', `tap,id=wire,ifname=${tapName},script=no,downscript=no`],
  ['-device', 'virtio-net-pci,netdev=wire'],
].flat();

/** Descriptors 3 and 4 as ports 1 and 2. They are sockets: lab.ts gets them from Node. */
const line = [
  ['-device', 'virtio-serial-pci'],
  ...[3, 4].flatMap((descriptor) => [
    ['-chardev', `socket,id=line${descriptor},fd=${descriptor}`],
    ['-device', `virtserialport,chardev=line${descriptor}`],
  ]),
].flat();
