/**
 * The host that is decided for: described by a file, or this one. Modules that talk to the kernel
 * are loaded only when they are needed: with a file, a plan runs anywhere.
 */
import { hostname } from 'node:os';
import { decodeHostFile } from '../config/hostFile.ts';
import { nodeNameOf } from '../config/nodeName.ts';
import type { DecodedFile } from '../config/ownFile.ts';
import type { ResolvedConfig } from '../config/resolve.ts';
import type { IptablesTools } from '../kernel/iptablesBackend.ts';
import type { HostNetwork } from '../model/host.ts';
import type { Address } from '../net/address.ts';
import { readOwnFile } from './ownFile.ts';

/** Undefined when neither the configuration nor the system has a name for it. */
export function thisNodeName(
  { hostnameOverride }: ResolvedConfig,
  systemName: string = hostname(),
): string | undefined {
  return nodeNameOf(hostnameOverride, systemName);
}

export async function hostFromFile(path: string): Promise<DecodedFile<HostNetwork>> {
  return readOwnFile(path, '--host', decodeHostFile);
}

export interface HostQuestion {
  readonly nodeName: string;
  /** that the cluster was read from */
  readonly apiServerAddresses: readonly Address[];
  /** what is made includes iptables rules: the programs are asked what they can do */
  readonly hasRules: boolean;
  /** of another host's network, in tests */
  readonly networkNamespacePath?: string;
}

/** @throws KernelError, ExecError */
export async function hostFromKernel({
  hasRules,
  ...question
}: HostQuestion): Promise<HostNetwork> {
  const { KernelHostObserver } = await import('../kernel/hostObserver.ts');
  const tools = hasRules ? await iptablesTools() : undefined;
  const hasRandomFully = tools?.hasRandomFully ?? false;
  const observer = new KernelHostObserver({ ...question, hasRandomFully });
  try {
    const host = await observer.read();
    return tools === undefined ? host : asProgrammable(host, tools);
  } finally {
    observer.close();
  }
}

async function iptablesTools(): Promise<IptablesTools> {
  const { findTools } = await import('../kernel/iptablesBackend.ts');
  const { run } = await import('../kernel/exec.ts');
  return findTools({ run });
}

/** A family without its iptables cannot be programmed. */
export function asProgrammable(
  host: HostNetwork,
  { families }: Pick<IptablesTools, 'families'>,
): HostNetwork {
  return { ...host, families: host.families.filter((each) => families.includes(each)) };
}
