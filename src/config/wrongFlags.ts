/**
 * What is wrong with flags and cannot be seen in the configuration that they make: an empty value
 * beside an absent one, and what no field holds.
 */
import type { KubeProxyConfiguration } from './kubeProxyConfiguration.ts';
import { KUBERNETES_VERSION, isOfKubernetesVersion } from './kubernetesVersion.ts';
import type { FlagValues } from './parseFlags.ts';
import type { ConfigurationProblem } from './validate.ts';

export function wrongFlags(
  flags: FlagValues,
  configuration: KubeProxyConfiguration,
  hasFile: boolean,
): ConfigurationProblem[] {
  const problems: ConfigurationProblem[] = [];
  const refuse = (name: string, problem: string) =>
    problems.push({ path: `--${name}`, value: flags.get(name), problem, field: '' });
  if (flags.get('dry-run') === true && flags.get('cleanup') !== true) {
    refuse('dry-run', 'goes with --cleanup only; kube-ipvs plan shows what the proxy would do');
  }
  if (/^\s+$/.test((flags.get('hostname-override') ?? '') as string)) {
    refuse('hostname-override', 'must be a name; leave the flag out for the host name');
  }
  const readsCidr = !hasFile && configuration.detectLocalMode === 'ClusterCIDR';
  if (flags.get('cluster-cidr') === '' && readsCidr) {
    refuse('cluster-cidr', 'must be a CIDR; leave the flag out where there is none');
  }
  const claimed = (flags.get('version') ?? 'false') as string;
  if (claimed.startsWith('v') && !isOfKubernetesVersion(claimed)) {
    refuse('version', `must begin with ${KUBERNETES_VERSION}, the version that this stands in for`);
  }
  return problems;
}
