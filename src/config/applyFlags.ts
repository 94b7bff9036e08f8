/**
 * Flags over a KubeProxyConfiguration. Without a file every flag counts; beside --config only those
 * that kube-proxy lets win over it (the host name and logging), the others are reported as ignored.
 */
import type { Flag } from './flag.ts';
import { RUN_FLAGS } from './flags.ts';
import {
  HEALTHZ_PORT,
  type KubeProxyConfiguration,
  METRICS_PORT,
} from './kubeProxyConfiguration.ts';
import type { FlagValue, FlagValues } from './parseFlags.ts';
import { appendPort } from '../net/hostPort.ts';

export interface AppliedFlags {
  readonly configuration: KubeProxyConfiguration;
  /** names of flags that were given and do not count beside the file */
  readonly ignored: readonly string[];
}

export function applyFlags(
  base: KubeProxyConfiguration,
  flags: FlagValues,
  hasFile: boolean,
): AppliedFlags {
  const configuration = structuredClone(base);
  // There the defaults of these two flags are put over what the file says, whatever it is.
  configuration.logging.options.text.splitStream = false;
  configuration.logging.options.json.splitStream = false;
  const ignored: string[] = [];
  for (const flag of RUN_FLAGS) {
    const value = flags.get(flag.name);
    if (value === undefined || (value === '' && flag.isUnsetByEmpty === true)) continue;
    if (hasFile && isShadowedByFile(flag)) ignored.push(flag.name);
    else for (const field of flag.fields ?? []) setField(configuration, field, value);
  }
  return {
    configuration: withModes(hasFile ? configuration : withDeprecatedPorts(configuration, flags)),
    ignored,
  };
}

function isShadowedByFile(flag: Flag): boolean {
  const isPortOfServer = flag.name === 'healthz-port' || flag.name === 'metrics-port';
  return (flag.fields !== undefined || isPortOfServer) && flag.winsOverFile !== true;
}

/** @param field dotted; its parents exist, since every default is filled in */
function setField(configuration: KubeProxyConfiguration, field: string, value: FlagValue): void {
  const steps = field.split('.');
  const last = steps.pop()!;
  let parent = configuration as unknown as Record<string, unknown>;
  for (const step of steps) parent = parent[step] as Record<string, unknown>;
  const before = parent[last];
  // The patterns of --vmodule come before those of the file: the first that fits decides.
  if (field === 'logging.vmodule') parent[last] = [...(value as []), ...(before as [])];
  else if (field === 'hostnameOverride') parent[last] = (value as string).trim().toLowerCase();
  else parent[last] = value;
}

export function fieldOf(configuration: KubeProxyConfiguration, field: string): unknown {
  return field
    .split('.')
    .reduce<unknown>((value, step) => (value as Record<string, unknown>)[step], configuration);
}

/** What an empty mode means; kube-proxy fills in its own in the same place. */
function withModes(configuration: KubeProxyConfiguration): KubeProxyConfiguration {
  const { mode, detectLocalMode } = configuration;
  return {
    ...configuration,
    mode: mode || 'ipvs',
    detectLocalMode: detectLocalMode || 'ClusterCIDR',
  };
}

/**
 * --healthz-port and --metrics-port: 0 turns the server off, any other completes an address without
 * a port.
 */
function withDeprecatedPorts(
  configuration: KubeProxyConfiguration,
  flags: FlagValues,
): KubeProxyConfiguration {
  // A file cannot say "off": an empty address is the default there.
  const isWritten = flags.has('write-config-to');
  const address = (text: string, portFlag: string, standard: number) => {
    const port = flags.get(portFlag) ?? standard;
    return port === 0 && !isWritten ? '' : appendPort(text, (port as number) || standard);
  };
  return {
    ...configuration,
    healthzBindAddress: address(configuration.healthzBindAddress, 'healthz-port', HEALTHZ_PORT),
    metricsBindAddress: address(configuration.metricsBindAddress, 'metrics-port', METRICS_PORT),
  };
}
