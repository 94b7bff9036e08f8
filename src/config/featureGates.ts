/**
 * `featureGates` as kube-proxy judges them: what it does not know is an error, and so is another
 * value of a gate that is locked. That a gate depends on others is not looked at: none of those is
 * about a proxy.
 *
 * @see k8s.io/component-base/featuregate/feature_gate.go, SetFromMap
 */
import { GATE_GROUPS, type GateGroup } from './featureGateTable.ts';
import { KUBERNETES_VERSION } from './kubernetesVersion.ts';
import { suggestion } from './suggest.ts';

export type Gates = Readonly<Record<string, boolean>>;

type Gate = Pick<GateGroup, 'stage' | 'isOn' | 'isLocked'>;

const KNOWN: ReadonlyMap<string, Gate> = new Map(
  GATE_GROUPS.flatMap((group) => group.names.map((name) => [name, group])),
);

/** What a kube-proxy on Linux looks at; the others are for other programs. */
export const PROXY_GATES = [
  'AllAlpha',
  'AllBeta',
  'AllowServiceExternalIPs',
  'ComponentFlagz',
  'ComponentStatusz',
  'ContextualLogging',
  'KubeProxyIPVS',
  'KubeProxyNFTablesLocalhostNodePorts',
  'LoggingAlphaOptions',
  'LoggingBetaOptions',
  'MultiCIDRServiceAllocator',
  'NFTablesNetlink',
  'NativeHistograms',
  'PreferSameTrafficDistribution',
] as const;

/** @returns what is wrong with them; undefined when nothing is */
export function wrongGates(gates: Gates): string | undefined {
  const wrong = Object.entries(gates).flatMap(([name, isOn]) => {
    const gate = KNOWN.get(name);
    if (gate === undefined) return [`${name} is unknown${suggestion(name, [...KNOWN.keys()])}`];
    if (gate.isLocked && gate.isOn !== isOn) return [`${name} is locked to ${gate.isOn}`];
    return name === 'KubeProxyIPVS' && !isOn ? [`${name}=false forbids the mode ipvs`] : [];
  });
  if (wrong.length === 0) return undefined;
  return `must hold feature gates of ${KUBERNETES_VERSION}: ${wrong.join('; ')}. Those of a proxy are ${PROXY_GATES.join(', ')}`;
}

/** Whether it is on by itself, by its stage (AllAlpha, AllBeta) or by default. */
export function isGateOn(gates: Gates, name: (typeof PROXY_GATES)[number]): boolean {
  const gate = KNOWN.get(name)!;
  if (gate.isLocked) return gate.isOn;
  const all = { alpha: 'AllAlpha', beta: 'AllBeta', GA: undefined, deprecated: undefined };
  const stage = all[gate.stage];
  return gates[name] ?? (stage === undefined ? undefined : gates[stage]) ?? gate.isOn;
}

/** Gates that a later release will no longer know, and that end its start then. */
export function gateWarnings(gates: Gates): string[] {
  const passing = Object.keys(gates).filter((name) =>
    ['GA', 'deprecated'].includes(KNOWN.get(name)?.stage ?? ''),
  );
  return passing.length === 0
    ? []
    : [`feature gates that a later release will refuse as unknown: ${passing.join(', ')}`];
}
