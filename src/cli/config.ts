/**
 * `kube-ipvs config check FILE…`: what a start would say of configuration files, without starting:
 * kube-proxy's KubeProxyConfiguration, and what --features takes, told apart by the apiVersion.
 */
import { readFile, stat } from 'node:fs/promises';
import type { Flag } from '../config/flag.ts';
import { API_VERSION, DOCUMENT_KINDS } from '../config/featureKinds.ts';
import { isObject } from '../config/fieldTypes.ts';
import { RUN_FLAGS } from '../config/flags.ts';
import { parseFlags, type FlagValues } from '../config/parseFlags.ts';
import { suggestion } from '../config/suggest.ts';
import { loadConfiguration, readYamlFile } from '../inputs/configuration.ts';
import type { ReadBytes } from '../inputs/features.ts';
import type { Problem } from '../model/problem.ts';
import { type CommandHelp, helpText, refuse } from './commandLine.ts';
import { EXIT, type Io } from './io.ts';
import { apart } from './wordsAndFlags.ts';

const FLAGS: readonly Flag[] = [
  {
    name: 'strict',
    type: 'bool',
    group: 'output',
    help: 'exit code 2 for warnings too: unknown fields, fields without effect, what is deprecated',
  },
  RUN_FLAGS.find(({ name }) => name === 'help')!,
];

const HELP: CommandHelp = {
  name: 'kube-ipvs config check FILE…',
  summary:
    'Checks configuration files as a start would, without starting: the file of --config (KubeProxyConfiguration), ' +
    `and those of --features (documents of ${API_VERSION}, MetalLB's and Cilium's pools), folders too. ` +
    'Exit code 2 when one is wrong.',
  examples: [
    ['kube-ipvs config check config.yaml features/', 'before they are rolled out'],
    ['kube-ipvs config check --strict config.yaml', 'fail for a misspelt field too'],
    [
      "kubectl -n kube-system get cm kube-proxy -o jsonpath='{.data.config\\.conf}' | kube-ipvs config check /dev/stdin",
      'what kubeadm gave kube-proxy',
    ],
  ],
  flags: FLAGS,
};

export async function config(words: readonly string[], io: Io): Promise<number> {
  const { words: paths, flagWords } = apart(words, FLAGS);
  const { values, problems } = parseFlags(flagWords, FLAGS);
  if (values.get('help') === true) {
    io.stdout.write(helpText(HELP));
    return EXIT.done;
  }
  const [verb, ...files] = paths;
  const wrong = [...problems, ...wrongWords(verb, files)];
  if (wrong.length > 0) return refuse(wrong, io);

  let code: number = EXIT.done;
  for (const file of files) {
    const { problems: found, warnings } = await judge(file, io);
    for (const warning of warnings) io.stderr.write(`warning: ${warning}\n`);
    const isBad = found.length > 0 || (values.get('strict') === true && warnings.length > 0);
    if (isBad) code = EXIT.badInput;
    refuse(found, io);
    io.stdout.write(`${file}: ${verdict(found.length, warnings.length)}\n`);
  }
  return code;
}

function wrongWords(verb: string | undefined, files: readonly string[]): Problem[] {
  if (verb !== 'check') {
    const hint = suggestion(verb ?? '', ['check']);
    return [{ path: 'config', value: verb, problem: `must be: config check FILE…${hint}` }];
  }
  if (files.length > 0) return [];
  return [{ path: 'config check', value: undefined, problem: 'needs the path of a file' }];
}

interface Judgement {
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}

async function judge(file: string, io: Io): Promise<Judgement> {
  const isMissing = (await stat(file).catch(() => undefined)) === undefined;
  // A folder of --features may be missing; here somebody named what is to be looked at.
  if (isMissing) {
    return {
      problems: [{ path: file, value: undefined, problem: 'does not exist' }],
      warnings: [],
    };
  }
  // What kind it is shows in its contents, and a pipe has them once.
  const contents = stat(file).then((found) => (found.isDirectory() ? undefined : readFile(file)));
  const read = (path: string) => contents.then((bytes) => bytes ?? readFile(path));
  const flags = await asFlags(file, read);
  const { config: resolved, problems = [] } = await loadConfiguration(flags, io.env, read);
  return { problems, warnings: resolved?.warnings ?? [] };
}

/** Of what --features takes: documents of ours, objects of others, kubectl's List of them. */
const APIS: ReadonlySet<unknown> = new Set([
  'v1',
  ...DOCUMENT_KINDS.map(({ apiVersion }) => apiVersion),
]);

/** As a start would be given it. */
async function asFlags(file: string, read: ReadBytes): Promise<FlagValues> {
  const isFolder = (await stat(file)).isDirectory();
  const { text } = isFolder ? { text: undefined } : await readYamlFile(file, file, read);
  const { value } = text ?? {};
  const isOurs = isFolder || (isObject(value) && APIS.has(value['apiVersion']));
  return isOurs ? new Map([['features', [file]]]) : new Map([['config', file]]);
}

function verdict(problems: number, warnings: number): string {
  if (problems > 0) return 'wrong';
  return warnings === 0 ? 'right' : `right, with warnings: ${warnings}`;
}
