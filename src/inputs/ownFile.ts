/** Reads a file of one of our own formats: one document, and what is wrong with its place. */
import type { DecodedFile } from '../config/ownFile.ts';
import { located, readYamlFile } from './configuration.ts';

/** @param flag that names it: `--host` */
export async function readOwnFile<Value>(
  path: string,
  flag: string,
  decode: (document: unknown) => DecodedFile<Value>,
): Promise<DecodedFile<Value>> {
  const file = await readYamlFile(path, flag);
  if (!file.text) return file;
  const { text } = file;
  if (text.secondDocumentAt !== undefined) {
    const problem = 'a second document begins here; put exactly one into the file';
    return {
      problems: [{ path: 'YAML', value: undefined, problem, source: text.secondDocumentAt }],
    };
  }
  const { value, problems } = decode(text.value);
  if (problems === undefined) return { value };
  return { problems: problems.map((problem) => located(problem, problem.path, text)) };
}
