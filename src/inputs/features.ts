/**
 * The files that `--features` names, read for every command that takes run's flags; `run` reads
 * them again when they change.
 */
import { readFile, stat } from 'node:fs/promises';
import { findManifestFiles, isMissing, reasonOf } from '../cluster/manifestFiles.ts';
import { type DecodedFeatures, decodeFeatures } from '../config/features.ts';
import { decodeText } from '../config/textEncoding.ts';
import { type YamlDocument, parseYamlDocuments } from '../config/yamlText.ts';
import type { Problem } from '../model/problem.ts';

export interface FeatureFiles {
  /** changes when a file does, comes or goes */
  readonly stamp: string;
  readonly files: readonly string[];
  /** of the paths: there is nothing */
  readonly missing: readonly string[];
  /** what is there and cannot be looked at */
  readonly problems: readonly Problem[];
}

/** The bytes of a file. */
export type ReadBytes = (path: string) => Promise<Uint8Array>;

export interface ReadDocuments {
  readonly documents: readonly YamlDocument[];
  readonly problems: readonly Problem[];
}

/** @param paths files, of any name, and folders with .yaml, .yml and .json files */
export async function findFeatureFiles(paths: readonly string[]): Promise<FeatureFiles> {
  const missing = await missingOf(paths);
  const { stamps, unreadable } = await findManifestFiles(
    paths.filter((path) => !missing.includes(path)),
  );
  return {
    stamp: JSON.stringify([[...stamps], [...unreadable], missing]),
    files: [...stamps.keys()],
    missing,
    problems: [...unreadable].map(([path, reason]) => unreadableFile(path, reason)),
  };
}

export async function readFeatures(
  files: FeatureFiles,
  read: ReadBytes = readFile,
): Promise<DecodedFeatures> {
  const { documents, problems } = await readDocuments(files, read);
  const decoded = decodeFeatures(documents);
  return { ...decoded, problems: [...problems, ...decoded.problems] };
}

/** As they stand in the files, undecoded. */
export async function readDocuments(
  { files, problems }: FeatureFiles,
  read: ReadBytes = readFile,
): Promise<ReadDocuments> {
  const documents: YamlDocument[] = [];
  const wrong: Problem[] = [...problems];
  for (const file of files) {
    try {
      const text = parseYamlDocuments(decodeText(await read(file)), file);
      documents.push(...text.documents);
      wrong.push(...text.problems);
    } catch (error) {
      wrong.push(unreadableFile(file, reasonOf(error)));
    }
  }
  return { documents, problems: wrong };
}

async function missingOf(paths: readonly string[]): Promise<readonly string[]> {
  const missing: string[] = [];
  for (const path of paths) {
    await stat(path).catch((error: unknown) => {
      if (isMissing(error)) missing.push(path);
    });
  }
  return missing;
}

function unreadableFile(path: string, reason: string): Problem {
  return { path: '--features', value: path, problem: `cannot be read: ${reason}` };
}
