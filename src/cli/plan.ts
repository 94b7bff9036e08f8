/**
 * `kube-ipvs plan`: the dataplane that the proxy would make, and what would change, without
 * touching anything. The same code decides as in `run`; only the inputs may come from files, which
 * makes it the seam for golden tests.
 */
import type { Flag } from '../config/flag.ts';
import { RUN_FLAGS } from '../config/flags.ts';
import type { FlagValues } from '../config/parseFlags.ts';
import type { ResolvedConfig } from '../config/resolve.ts';
import { buildDesired } from '../desired/builder.ts';
import { BadInput } from '../inputs/badInput.ts';
import { readComparison } from '../inputs/comparison.ts';
import { loadConfiguration } from '../inputs/configuration.ts';
import { hostFromFile } from '../inputs/host.ts';
import { readInputs } from '../inputs/inputs.ts';
import type { HostNetwork } from '../model/host.ts';
import { isRemark } from '../model/problem.ts';
import type { ClusterSnapshot } from '../model/clusterStore.ts';
import { difference } from '../plan/difference.ts';
import { orderPlan } from '../plan/order.ts';
import { type CommandHelp, readCommandLine, refuse, reporting } from './commandLine.ts';
import { EXIT, type Io } from './io.ts';
import { OUTPUT_FLAG, outputFormat } from './outputFormat.ts';
import { VERSION } from './packageVersion.ts';
import { type MadePlan, planText } from './planText.ts';

const PLAN_FLAGS: readonly Flag[] = [
  OUTPUT_FLAG,
  {
    name: 'host',
    type: 'string',
    value: 'FILE',
    group: 'node',
    help:
      'plan for the host that this file describes: { nodeName, interfaces: [ { name, up, addresses: [CIDR…] } ], ' +
      'defaultGateways: […] }, optionally families: [IPv4, IPv6], kernelVersion, iptables: { version }; without it for this host',
  },
  {
    name: 'against',
    type: 'string',
    value: 'kernel|empty|FILE',
    group: 'output',
    help: 'what to compare with: the kernel of this host, nothing, or the JSON of an earlier plan (default empty with --host, else kernel)',
  },
  {
    name: 'strict',
    type: 'bool',
    group: 'output',
    help:
      'exit code 2 when anything of an object is skipped; otherwise that is listed only. What works all the same (an externalIP of this ' +
      'node, say) does not count',
  },
  {
    name: 'diff-only',
    type: 'bool',
    group: 'output',
    help: 'leave out the desired state: what would change, what is wrong and a summary',
  },
  {
    name: 'exit-code',
    type: 'bool',
    group: 'output',
    help: 'exit code 1 when anything would change',
  },
];

/** Flags of run that do something else than describe the proxy. */
const NOT_FOR_PLAN = new Set([
  'write-config-to',
  'cleanup',
  'dry-run',
  'cleanup-other-modes',
  'init-only',
  'version',
]);

const HELP: CommandHelp = {
  name: 'kube-ipvs plan',
  summary:
    'Prints the dataplane that the proxy would make and what would change, touching nothing. Takes the flags of run.',
  examples: [
    [
      'kube-ipvs plan --kubeconfig=admin.conf',
      'the cluster as it is, against the kernel of this host',
    ],
    [
      'kube-ipvs plan --manifests web.yaml --host host.yaml -o json',
      'offline: files only, on any machine',
    ],
    [
      'kube-ipvs plan --manifests web.yaml --host host.yaml --features features.yaml',
      'the same with documents of ours; a bad one is told with its line, exit code 2',
    ],
    [
      'kube-ipvs plan --manifests new/ --host host.yaml --against old.json',
      'what a change of manifests would do',
    ],
    [
      'kube-ipvs plan --kubeconfig=admin.conf --diff-only --exit-code',
      'whether this node holds what it should, for scripts',
    ],
  ],
  flags: [...PLAN_FLAGS, ...RUN_FLAGS.filter(({ name }) => !NOT_FOR_PLAN.has(name))],
};

export async function plan(words: readonly string[], io: Io): Promise<number> {
  const line = readCommandLine(words, HELP, io);
  if (!line.values) return line.exitCode;
  const { values } = line;
  const output = outputFormat(values);
  const { config, problems = [] } = await loadConfiguration(values, io.env);
  const hostFile = (values.get('host') ?? '') as string;
  const given = hostFile === '' ? undefined : await hostFromFile(hostFile);
  const bad = [...line.problems, ...output.problems, ...problems, ...(given?.problems ?? [])];
  if (!config || bad.length > 0) return refuse(bad, io);
  for (const warning of config.warnings) io.stderr.write(`warning: ${warning}\n`);
  return reporting(io, async () => {
    const made = await makePlan(config, given?.value, values, io);
    io.stdout.write(planText(made, output.format, values.get('diff-only') === true));
    const skipped = made.problems.filter((problem) => !isRemark(problem));
    if (values.get('strict') === true && skipped.length > 0) return refuse(skipped, io);
    const isDifferent = made.operations.length > 0;
    return values.get('exit-code') === true && isDifferent ? EXIT.failed : EXIT.done;
  });
}

async function makePlan(
  config: ResolvedConfig,
  givenHost: HostNetwork | undefined,
  values: FlagValues,
  io: Io,
): Promise<MadePlan> {
  const against = (values.get('against') ?? (givenHost ? 'empty' : 'kernel')) as string;
  const reader = { version: VERSION, env: io.env, hasRules: true };
  const { host, snapshot, built, contributors, problems } = await readInputs(config, {
    ...reader,
    host: givenHost,
  });
  if (built.problems.length > 0) throw new BadInput(built.problems);
  const nodePortWarnings = hasNodePort(snapshot) ? built.nodePortWarnings : [];
  for (const warning of [...built.warnings, ...nodePortWarnings]) {
    io.stderr.write(`warning: ${warning}\n`);
  }

  const { options } = built;
  const { make, off } = contributors;
  const desired = buildDesired(snapshot, host, options, make(), off);
  const { actual, isOwned } = await readComparison(against, desired.state);
  const { excludeCidrs } = options;
  return {
    against,
    desired: desired.state,
    operations: orderPlan(difference(desired.state, actual, { isOwned, excludeCidrs })),
    problems: [...problems, ...desired.problems],
  };
}

function hasNodePort({ services }: ClusterSnapshot): boolean {
  return [...services.values()].some(({ ports }) => ports.some(({ nodePort }) => nodePort !== 0));
}
