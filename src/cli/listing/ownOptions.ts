/**
 * What `kube-ipvs list` takes beyond ipvsadm: taken out of the command line first, so that
 * ipvsadm's parser, with its own rules and texts, sees the rest. `-o` is free for the output
 * format, since ipvsadm's `-o` goes with changes only.
 */
import type { Flag } from '../../config/flag.ts';
import { RUN_FLAGS } from '../../config/flags.ts';
import { type FlagValues, parseFlags } from '../../config/parseFlags.ts';
import type { Problem } from '../../model/problem.ts';
import { OUTPUT_FLAG, type OutputFormat, outputFormat } from '../outputFormat.ts';

const OWN_FLAGS: readonly Flag[] = [
  {
    name: 'services',
    type: 'bool',
    group: 'output',
    help: 'name the Service of each virtual server, and the pod, slice and node of each destination',
  },
  {
    name: 'namespace',
    type: 'string',
    value: 'NAME',
    group: 'output',
    help: 'only virtual servers of Services in this namespace; implies --services',
  },
  {
    name: 'service',
    type: 'string',
    value: '[NAMESPACE/]NAME',
    group: 'output',
    help: 'only virtual servers of this Service; implies --services',
  },
  {
    name: 'watch',
    type: 'string',
    value: '[=SECONDS]',
    group: 'output',
    help: 'list again every so many seconds (2), until ended; JSON is then one line each time',
  },
  OUTPUT_FLAG,
  {
    name: 'agent-socket',
    type: 'string',
    value: 'PATH',
    default: '/run/kube-ipvs/agent.sock',
    group: 'source',
    help: 'where the proxy on this node tells what it knows; asked first unless a cluster is named',
  },
];

const SOURCE_FLAGS = ['kubeconfig', 'master', 'manifests'];

export const LIST_FLAGS: readonly Flag[] = [
  ...OWN_FLAGS,
  ...RUN_FLAGS.filter(({ name }) =>
    [...SOURCE_FLAGS, 'config', 'features', 'hostname-override', 'nodeport-addresses'].includes(
      name,
    ),
  ),
];

export interface OwnOptions {
  readonly hasServices: boolean;
  readonly namespace?: string;
  /** without its namespace */
  readonly service?: string;
  readonly watchMs?: number;
  readonly format: OutputFormat;
  readonly agentSocket?: string;
  /** a cluster or manifests were named: the proxy on this node is not asked */
  readonly isSourceGiven: boolean;
  /** for the configuration */
  readonly values: FlagValues;
}

export interface SplitCommandLine {
  readonly own: OwnOptions;
  /** for ipvsadm's parser */
  readonly words: readonly string[];
  readonly problems: readonly Problem[];
}

const DEFAULT_WATCH_SEC = 2;
const MAX_WATCH_SEC = 86_400;

export function splitOwnOptions(argv: readonly string[]): SplitCommandLine {
  const { taken, words } = takeOwn(argv);
  const { values, problems } = parseFlags(taken, LIST_FLAGS);
  const output = outputFormat(values);
  const watch = watchInterval(values.get('watch') as string | undefined);
  const { namespace, service, problem } = selection(values);
  return {
    own: {
      hasServices:
        values.get('services') === true || namespace !== undefined || service !== undefined,
      ...(namespace !== undefined && { namespace }),
      ...(service !== undefined && { service }),
      ...(watch.ms !== undefined && { watchMs: watch.ms }),
      format: output.format,
      ...(values.has('agent-socket') && { agentSocket: values.get('agent-socket') as string }),
      isSourceGiven: [...SOURCE_FLAGS, 'config'].some((name) => values.has(name)),
      values,
    },
    words,
    problems: [...problems, ...output.problems, ...watch.problems, ...problem],
  };
}

const BY_NAME = new Map(LIST_FLAGS.map((flag) => [flag.name, flag]));

function takeOwn(argv: readonly string[]): { taken: string[]; words: string[] } {
  const taken: string[] = [];
  const words: string[] = [];
  const rest = [...argv];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') {
      words.push(word, ...rest);
      break;
    }
    const flag = ownFlag(word);
    if (flag === undefined) {
      words.push(word);
      continue;
    }
    if (word === '--watch') word = `--watch=${DEFAULT_WATCH_SEC}`;
    taken.push(word);
    if (word.includes('=') || flag.type === 'bool' || (word.startsWith('-o') && word !== '-o'))
      continue;
    if (rest.length > 0) taken.push(rest.shift()!);
    while (flag.type === 'paths' && rest.length > 0 && !rest[0]!.startsWith('-')) {
      taken.push(rest.shift()!);
    }
  }
  return { taken, words };
}

function ownFlag(word: string): Flag | undefined {
  if (word.startsWith('--')) return BY_NAME.get(word.slice(2).split('=')[0]!);
  return word.startsWith('-o') ? OUTPUT_FLAG : undefined;
}

function watchInterval(text: string | undefined): {
  readonly ms?: number;
  readonly problems: readonly Problem[];
} {
  if (text === undefined) return { problems: [] };
  const seconds = Number(text);
  if (seconds > 0 && seconds <= MAX_WATCH_SEC) return { ms: seconds * 1000, problems: [] };
  const problem = `must be seconds, more than 0 and at most ${MAX_WATCH_SEC}`;
  return { problems: [{ path: '--watch', value: text, problem }] };
}

function selection(values: FlagValues) {
  const namespace = values.get('namespace') as string | undefined;
  const text = values.get('service') as string | undefined;
  if (text === undefined) return { namespace, problem: [] };
  const [first = '', name] = text.split('/');
  if (name === undefined) return { namespace, service: first, problem: [] };
  if (namespace === undefined || namespace === first) {
    return { namespace: first, service: name, problem: [] };
  }
  const problem = `is in another namespace than --namespace ${namespace}`;
  return {
    namespace,
    service: name,
    problem: [{ path: '--service', value: text, problem }] as const,
  };
}
