// The lab's end of the pod test: a pod network beside the node that the lab itself is, servers and
// clients in it, and what a kubelet does on the node before a container starts.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { exec, ipBatch } from '../lab/netns.ts';
import { Traffic, type FlowResult } from '../lab/traffic.ts';

let traffic: Traffic | undefined;

/**
 * A bridge with the pods `client` (10.244.1.4) and `server` (10.244.1.5), the latter answering HTTP
 * on port 8080.
 */
export async function buildPods(): Promise<void> {
  traffic = new Traffic();
  await writeFile('/proc/sys/net/ipv4/ip_forward', '0'); // the proxy's to set
  await ipBatch(undefined, [
    'link add cni0 type bridge',
    'address add 10.244.1.1/24 dev cni0',
    'link set cni0 up',
  ]);
  for (const [name, address] of [
    ['client', '10.244.1.4'],
    ['server', '10.244.1.5'],
  ]) {
    await ipBatch(undefined, [
      `netns add ${name}`,
      `link add v-${name} type veth peer name eth0 netns ${name}`,
      `link set v-${name} master cni0 up`,
    ]);
    await ipBatch(name, [
      'link set lo up',
      `address add ${address}/24 dev eth0`,
      'link set eth0 up',
      'route add default via 10.244.1.1',
    ]);
  }
  await traffic.serve('server', 'server', 'http', 8080);
}

/** One request from a pod, or from the node itself (`-`). */
export function ask(from: string, address: string, port: number): Promise<FlowResult> {
  return traffic!.probe({ from, protocol: 'http', address, port });
}

/** Makes what hostPath volumes ask for, and what the container runtime needs of the machine. */
export async function prepareNode(
  paths: readonly { readonly path: string; readonly type?: string }[],
): Promise<void> {
  for (const { path, type } of paths) {
    if (type === 'DirectoryOrCreate') await mkdir(path, { recursive: true });
    else if (type === 'FileOrCreate' && !existsSync(path)) {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, '');
    }
  }
  // crun wants to know which cgroups there are, even where it shall use none.
  const { status, stderr } = await exec(['mount', '-t', 'cgroup2', 'none', '/sys/fs/cgroup']);
  if (status !== 0 && !/busy|already mounted/.test(stderr)) throw new Error(stderr);
}

/** @returns values of sysctls, by their path below /proc/sys */
export async function sysctls(names: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const values = names.map(
    async (name) => [name, (await readFile(`/proc/sys/${name}`, 'utf8')).trim()] as const,
  );
  return Object.fromEntries(await Promise.all(values));
}

/**
 * A systemd that knows the unit from `root`, the targets it names, and nothing of this machine.
 *
 * @param root what packaging/install.sh made; laid over /etc and /usr/local
 * @param logFile the unit writes there instead of to a journal
 */
export async function startSystemd(root: string, logFile: string): Promise<void> {
  for (const folder of ['/etc', '/usr/local']) {
    await must([
      'mount',
      '-t',
      'overlay',
      '-o',
      `lowerdir=${root}${folder}:${folder}`,
      'overlay',
      folder,
    ]);
  }
  const units = '/run/units';
  await mkdir(`${units}/kube-ipvs.service.d`, { recursive: true });
  await writeFile(
    `${units}/kube-ipvs.service.d/log.conf`,
    `[Service]\nStandardOutput=append:${logFile}\nStandardError=inherit\n`,
  );
  for (const target of ['sysinit', 'basic', 'shutdown', 'network-online', 'multi-user']) {
    await writeFile(`${units}/${target}.target`, '[Unit]\nDefaultDependencies=no\n');
  }
  await must(['cp', '/etc/systemd/system/kube-ipvs.service', units]);
  await mkdir(`${units}/multi-user.target.wants`);
  await symlink('../kube-ipvs.service', `${units}/multi-user.target.wants/kube-ipvs.service`);
  const argv = '--pid --fork --mount --mount-proc --kill-child /lib/systemd/systemd --system';
  spawn('unshare', [...argv.split(' '), '--unit=multi-user.target'], {
    stdio: 'ignore',
    env: {
      SYSTEMD_UNIT_PATH: units,
      SYSTEMD_GENERATOR_PATH: '',
      SYSTEMD_LOG_TARGET: 'null',
      container: 'lab',
    },
  });
}

/** @returns the newest process, as the lab numbers it, whose command line has this word */
export async function pidOf(word: string): Promise<number> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  for (const pid of pids.toSorted((a, b) => Number(b) - Number(a))) {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (line.split('\0').includes(word)) return Number(pid);
  }
  throw new Error(`no process of ${word}`);
}

async function must(argv: readonly string[]): Promise<void> {
  const { status, stderr } = await exec(argv);
  if (status !== 0) throw new Error(`${argv.join(' ')}: ${stderr}`);
}
