// The lab's end of the pod test: a pod network beside the node that the lab itself is, servers and clients in it, and what a
// kubelet does on the node before a container starts.

import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { exec, ipBatch } from '../lab/netns.ts';
import { Traffic, type FlowResult } from '../lab/traffic.ts';

let traffic: Traffic | undefined;

/** A bridge with the pods `client` (10.244.1.4) and `server` (10.244.1.5), the latter answering HTTP on port 8080. */
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
  const { readFile } = await import('node:fs/promises');
  const values = names.map(
    async (name) => [name, (await readFile(`/proc/sys/${name}`, 'utf8')).trim()] as const,
  );
  return Object.fromEntries(await Promise.all(values));
}
