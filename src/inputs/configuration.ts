/**
 * The configuration of a command: flags, the file that --config names, which is read here and
 * nowhere else, and our own documents (features.ts). What is wrong is told with the file's line,
 * all of it at once; what kube-proxy's lenient decoding of its own file would only log is a
 * warning.
 */
import { readFile } from 'node:fs/promises';
import {
  type KubeProxyConfiguration,
  decodeConfiguration,
} from '../config/kubeProxyConfiguration.ts';
import type { FlagValues } from '../config/parseFlags.ts';
import { type ResolvedConfig, resolveConfig } from '../config/resolve.ts';
import { decodeText } from '../config/textEncoding.ts';
import { type YamlText, parseYamlText } from '../config/yamlText.ts';
import { type Problem, formatProblem } from '../model/problem.ts';
import { type ReadBytes, findFeatureFiles, readFeatures } from './features.ts';

/** Of the process. */
export type Environment = Readonly<Record<string, string | undefined>>;

export type LoadedConfiguration =
  | { readonly config: ResolvedConfig; readonly problems?: never }
  | { readonly config?: never; readonly problems: readonly Problem[] };

/** @param read of a file; another one where a file must not be opened twice */
export async function loadConfiguration(
  flags: FlagValues,
  env: Environment,
  read: ReadBytes = readFile,
): Promise<LoadedConfiguration> {
  const isInCluster = Boolean(env['KUBERNETES_SERVICE_HOST'] && env['KUBERNETES_SERVICE_PORT']);
  const path = flags.get('config') as string | undefined;
  const own = await readOwnDocuments((flags.get('features') ?? []) as readonly string[], read);
  const { features } = own;
  const file = path ? await readConfigurationFile(path, read) : undefined;
  if (file?.problems) return { problems: [...file.problems, ...own.problems] };
  const { config, problems } = resolveConfig({
    flags,
    ...(file && { file: { path: path!, configuration: file.configuration } }),
    features,
    isInCluster,
  });
  if (!config || own.problems.length > 0) {
    const wrong = (problems ?? []).map((each) =>
      file ? located(each, each.field, file.text) : each,
    );
    return { problems: [...wrong, ...own.problems] };
  }
  const warnings = [...(file?.warnings ?? []), ...own.warnings, ...config.warnings];
  return { config: { ...config, warnings } };
}

async function readOwnDocuments(paths: readonly string[], read: ReadBytes) {
  const found = await findFeatureFiles(paths);
  const missing = found.missing.map(
    (path) => `--features ${path} does not exist: nothing of it is on`,
  );
  const decoded = await readFeatures(found, read);
  return { ...decoded, warnings: [...missing, ...decoded.remarks.map(formatProblem)] };
}

type ConfigurationFile =
  | {
      readonly configuration: KubeProxyConfiguration;
      readonly text: YamlText;
      readonly warnings: readonly string[];
      readonly problems?: never;
    }
  | { readonly problems: readonly Problem[] };

async function readConfigurationFile(
  path: string,
  readBytes: ReadBytes,
): Promise<ConfigurationFile> {
  const read = await readYamlFile(path, '--config', readBytes);
  if (read.problems) return read;
  const { text } = read;
  const { configuration, unknown, problems } = decodeConfiguration(text.value);
  if (problems) return { problems: problems.map((each) => located(each, each.path, text)) };
  const strange = [
    ...unknown.map((field) => `${field.path}${field.suggestion} at ${text.placeOf(field.path)}`),
    ...text.duplicates.map((field) => `${field} (more than once, the last counts)`),
  ];
  const warnings: string[] = [];
  if (strange.length > 0) {
    const fields = strange.join(', ');
    warnings.push(
      `${path}: unknown or repeated fields, not errors for kube-proxy either: ${fields}`,
    );
  }
  if (text.secondDocumentAt !== undefined) {
    warnings.push(
      `${text.secondDocumentAt}: a second document begins here and is not read, as kube-proxy does; keep one in the file`,
    );
  }
  return { configuration, text, warnings };
}

export type YamlFile =
  | { readonly text: YamlText; readonly problems?: never }
  | { readonly text?: never; readonly problems: readonly Problem[] };

/** @param flag that named the file, for the problem when it cannot be read */
export async function readYamlFile(
  path: string,
  flag: string,
  read: ReadBytes = readFile,
): Promise<YamlFile> {
  let content: string;
  try {
    content = decodeText(await read(path));
  } catch (error) {
    const problem = `cannot be read: ${(error as Error).message}`;
    return { problems: [{ path: flag, value: path, problem }] };
  }
  return parseYamlText(content, path);
}

/** Adds where in the file a field stands. */
export function located({ path, value, problem }: Problem, field: string, text: YamlText): Problem {
  const source = text.placeOf(field);
  return { path, value, problem, ...(source === undefined ? {} : { source }) };
}
