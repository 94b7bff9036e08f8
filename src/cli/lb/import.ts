/**
 * `kube-ipvs lb import FILE…`: pools of MetalLB and Cilium, and documents of ours among them, as
 * one LoadBalancerConfiguration on stdout. What has no counterpart is told on stderr.
 */
import type { Flag } from '../../config/flag.ts';
import { decodeFeatures } from '../../config/features.ts';
import { RUN_FLAGS } from '../../config/flags.ts';
import { defaultLoadBalancer } from '../../config/loadBalancer/assemble.ts';
import { writtenLoadBalancer } from '../../config/loadBalancer/writtenConfiguration.ts';
import { parseFlags } from '../../config/parseFlags.ts';
import { suggestion } from '../../config/suggest.ts';
import { parseYamlDocuments } from '../../config/yamlText.ts';
import { type ReadDocuments, findFeatureFiles, readDocuments } from '../../inputs/features.ts';
import { formatProblem, type Problem } from '../../model/problem.ts';
import { type CommandHelp, helpText, refuse } from '../commandLine.ts';
import { EXIT, type Io, readStandardInput } from '../io.ts';
import { render } from '../render.ts';
import { apart } from '../wordsAndFlags.ts';

const FORMATS = ['yaml', 'json'] as const;

const FLAGS: readonly Flag[] = [
  {
    name: 'output',
    shorthand: 'o',
    type: 'string',
    value: 'FORMAT',
    default: 'yaml',
    group: 'output',
    help: 'yaml or json',
  },
  RUN_FLAGS.find(({ name }) => name === 'help')!,
];

const HELP: CommandHelp = {
  name: 'kube-ipvs lb import FILE…',
  summary:
    "Prints MetalLB's and Cilium's pools as a LoadBalancerConfiguration for --features; what it has no counterpart for is told " +
    'on stderr. FILE is a file or a folder, or - for standard input. Touches nothing. Exit code 2 when anything is wrong.',
  examples: [
    [
      'kubectl get ipaddresspools,l2advertisements -A -o yaml | kube-ipvs lb import - >pools.yaml',
      'the pools of MetalLB',
    ],
    [
      'kubectl get ciliumloadbalancerippools,ciliuml2announcementpolicies -o yaml | kube-ipvs lb import -',
      'those of Cilium',
    ],
    ['kube-ipvs lb import ours.yaml metallb/ -o json', 'several files as one, as JSON'],
  ],
  flags: FLAGS,
};

export async function importPools(words: readonly string[], io: Io): Promise<number> {
  const { words: files, flagWords } = apart(words, FLAGS);
  const { values, problems: wrongFlags } = parseFlags(flagWords, FLAGS);
  if (values.get('help') === true) {
    io.stdout.write(helpText(HELP));
    return EXIT.done;
  }
  const typed = (values.get('output') ?? 'yaml') as string;
  const format = FORMATS.find((each) => each === typed);
  const wrong = [...wrongFlags, ...wrongFormat(typed), ...wrongFiles(files)];
  if (format === undefined || wrong.length > 0) return refuse(wrong, io);

  const read = await readAll(files, io);
  const { features, problems, remarks } = decodeFeatures(read.documents);
  const found = [...read.problems, ...problems];
  if (found.length > 0) return refuse(found, io);
  for (const remark of remarks) io.stderr.write(`warning: ${formatProblem(remark)}\n`);
  const settings = features.loadBalancer ?? defaultLoadBalancer();
  io.stdout.write(render(writtenLoadBalancer(settings), format));
  return EXIT.done;
}

function wrongFormat(value: string): readonly Problem[] {
  if (FORMATS.some((each) => each === value)) return [];
  const problem = `must be ${FORMATS.join(' or ')}${suggestion(value, FORMATS)}`;
  return [{ path: '--output', value, problem }];
}

function wrongFiles(files: readonly string[]): readonly Problem[] {
  if (files.length === 0) {
    const problem = 'needs the path of a file, or - for standard input';
    return [{ path: 'lb import', value: undefined, problem }];
  }
  return [];
}

async function readAll(files: readonly string[], io: Io): Promise<ReadDocuments> {
  const found = await findFeatureFiles(files.filter((file) => file !== '-'));
  const fromFiles = await readDocuments(found);
  const fromInput = files.includes('-')
    ? parseYamlDocuments(await readStandardInput(io), 'stdin')
    : { documents: [], problems: [] };
  const missing = found.missing.map((path) => ({
    path,
    value: undefined,
    problem: 'does not exist',
  }));
  return {
    documents: [...fromInput.documents, ...fromFiles.documents],
    problems: [...missing, ...fromInput.problems, ...fromFiles.problems],
  };
}
