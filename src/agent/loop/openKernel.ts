/** The kernel with what is known of it, being read for the first time. */
import type { ResolvedConfig } from '../../config/resolve.ts';
import type { Dataplane } from '../../dataplane/dataplane.ts';
import { type DataplaneState, emptyState } from '../../dataplane/state.ts';
import type { Contributors } from '../../inputs/contributors.ts';
import { KernelDataplane, openClients } from '../../kernel/dataplane.ts';
import type { IptablesTools } from '../../kernel/iptablesBackend.ts';
import type { HostNetwork } from '../../model/host.ts';
import type { Clock } from '../../time/clock.ts';
import { firstReading } from './firstReading.ts';
import { KernelView } from './kernelView.ts';

export interface KernelParts {
  readonly config: Pick<ResolvedConfig, 'dataplane'>;
  readonly tools: IptablesTools;
  readonly contributors: Contributors;
  readonly clock: Clock;
  /** of this process's network namespace by default; another one in tests */
  readonly dataplane?: Dataplane;
}

export interface Kernel {
  readonly dataplane: Dataplane;
  readonly view: KernelView;
  /** empty before the first reading */
  readonly known: () => DataplaneState;
}

const NOTHING = emptyState();

/**
 * The names of sets and chains do not depend on the cluster, so the kernel is read while the
 * cluster is listed.
 */
export function openKernel(
  { config, tools, contributors, clock, dataplane: given }: KernelParts,
  host: HostNetwork,
): Kernel {
  const { names, sysctls } = firstReading(config.dataplane, host, contributors);
  const dataplane = given ?? new KernelDataplane(names, openClients(names, tools));
  const view = new KernelView(dataplane, clock);
  void view.prefetch(sysctls);
  return { dataplane, view, known: () => (view.isKnown ? view.state : NOTHING) };
}
