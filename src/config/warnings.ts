/**
 * What is odd about a configuration without being wrong: flags that do not count, have no effect
 * yet or are deprecated. One line each, printed once at the start.
 */
import { fieldOf } from './applyFlags.ts';
import { gateWarnings } from './featureGates.ts';
import type { Flag } from './flag.ts';
import { RUN_FLAGS } from './flags.ts';
import { type KubeProxyConfiguration, defaultConfiguration } from './kubeProxyConfiguration.ts';
import { KUBERNETES_VERSION } from './kubernetesVersion.ts';
import type { FlagValues } from './parseFlags.ts';
import { suggestion } from './suggest.ts';

const KNOWN_SCHEDULERS = 'rr wrr lc wlc lblc lblcr sh dh sed nq mh fo ovf twos'.split(' ');

/**
 * Schedulers that do harm to Services, and why: their endpoints all have weight 1 and share one
 * destination address.
 */
const UNFIT_SCHEDULERS: Readonly<Partial<Record<string, string>>> = {
  dh:
    'it chooses by the destination address, so all connections of a Service address meet one endpoint; and the connections of ' +
    'an endpoint that leaves are cut at once, because dh would refuse new ones while they last',
  lblc: 'it chooses by the destination address, so nearly all connections of a Service address meet one endpoint',
  fo: 'it takes the endpoint of the greatest weight, and all have weight 1, so one gets every connection',
  ovf: 'it gives an endpoint no more connections than its weight, which is 1, so most connections are refused',
};

/** @param ignored names of flags that the file shadows, see applyFlags.ts */
export function configurationWarnings(
  configuration: KubeProxyConfiguration,
  flags: FlagValues,
  ignored: readonly string[],
): string[] {
  const deprecated = RUN_FLAGS.filter((flag) => flag.deprecated && flags.has(flag.name));
  const idle = withoutEffect(configuration, flags, ignored);
  const { scheduler } = configuration.ipvs;
  const warnings = deprecated.map((flag) => `--${flag.name} is deprecated: ${flag.deprecated}`);
  if (ignored.length > 0) {
    const names = ignored.map((name) => `--${name}`).join(', ');
    warnings.push(`ignored because --config is given: ${names}`);
  }
  if (idle.length > 0) warnings.push(`accepted, but without effect: ${idle.join(', ')}`);
  warnings.push(...flagWarnings(flags), ...gateWarnings(configuration.featureGates));
  if (scheduler !== '' && !KNOWN_SCHEDULERS.includes(scheduler)) {
    const hint = suggestion(scheduler, KNOWN_SCHEDULERS);
    warnings.push(`scheduler ${scheduler} is not known here${hint}; the kernel decides`);
  }
  const unfit = UNFIT_SCHEDULERS[scheduler];
  if (unfit !== undefined) {
    warnings.push(
      `scheduler ${scheduler} does not suit Services: ${unfit}; choose another (ipvs.scheduler, --ipvs-scheduler)`,
    );
  }
  const hasCluster = configuration.clientConnection.kubeconfig !== '' || flags.get('master');
  if (flags.has('manifests') && hasCluster) {
    warnings.push('Services are read from --manifests and not from the API server');
  }
  return warnings;
}

/** What is odd about flags themselves. */
function flagWarnings(flags: FlagValues): string[] {
  const given = RUN_FLAGS.filter(({ name }) => flags.has(name));
  const namesOf = (chosen: readonly Flag[]) => chosen.map(({ name }) => `--${name}`).join(', ');
  const gone = given.filter(({ isGone }) => isGone);
  const empty = given.filter((flag) => flag.isUnsetByEmpty && flags.get(flag.name) === '');
  const off = ['healthz-port', 'metrics-port'].filter((name) => flags.get(name) === 0);
  const warnings: string[] = [];
  if (gone.length > 0) {
    warnings.push(
      `flags that kube-proxy ${KUBERNETES_VERSION} no longer has and ends at; they do nothing, take them out: ${namesOf(gone)}`,
    );
  }
  if (empty.length > 0) {
    warnings.push(`empty, which counts as not given: ${namesOf(empty)}`);
  }
  if (off.length > 0 && flags.has('write-config-to')) {
    warnings.push(
      'a file cannot turn the health or metrics server off: an empty address means the default there',
    );
  }
  const claimed = (flags.get('version') ?? 'false') as string;
  if (claimed.startsWith('v')) warnings.push(`--version=${claimed} changes no version here`);
  return warnings;
}

/**
 * What was set to something else than its default and is not looked at: flags by name, otherwise
 * the file's fields.
 */
function withoutEffect(
  configuration: KubeProxyConfiguration,
  flags: FlagValues,
  ignored: readonly string[],
): string[] {
  const standard = defaultConfiguration();
  const isChanged = (field: string) =>
    JSON.stringify(fieldOf(configuration, field)) !== JSON.stringify(fieldOf(standard, field));
  return RUN_FLAGS.filter((flag) => flag.isWithoutEffect).flatMap((flag) => {
    const changed = (flag.fields ?? []).filter(isChanged);
    const counts = flags.has(flag.name) && !ignored.includes(flag.name);
    if (counts && (changed.length > 0 || !flag.fields)) return [`--${flag.name}`];
    return changed;
  });
}
