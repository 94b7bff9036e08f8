/**
 * One manifest file's text as objects of the API: YAML or JSON, several documents, Lists. Each
 * problem gets its place in the file. Decides which kinds are read; the fields are checked at the
 * doors of model/, and what a broken text means for the state in force is decided in
 * manifestSet.ts.
 */
import { Composer, type Document, LineCounter, Parser, type YAMLError } from 'yaml';
import { KUBERNETES_YAML } from '../config/yamlText.ts';
import { type ManifestDocument, readJson, type Steps } from './manifestJson.ts';
import { Fields } from '../model/fields.ts';
import type { Problem } from '../model/problem.ts';
import type { ObjectState } from '../model/clusterStore.ts';
import { type AnyKind, kindsFor, type Need, NO_NEEDS } from '../model/kinds.ts';

export interface ManifestObject {
  /** `Service/default/web` */
  readonly id: string;
  /** absent when the object cannot be used or is none of a proxy's business */
  readonly state?: ObjectState;
  readonly problems: readonly Problem[];
  /** `FILE:LINE:COLUMN` */
  readonly source: string;
}

export interface Manifest {
  /** in the order of the file */
  readonly objects: readonly ManifestObject[];
  /** what is wrong with the text, or with documents that cannot be told to be any object */
  readonly problems: readonly Problem[];
}

/**
 * @param file name for messages
 * @param needs of features, whose kinds are read besides
 */
export function readManifest(
  text: string,
  file: string,
  needs: ReadonlySet<Need> = NO_NEEDS,
): Manifest {
  return new ManifestReader(text, file, needs).read();
}

type RawObject = Readonly<Record<string, unknown>>;

/** What the items of a typed list (`ServiceList`) leave out. */
interface Inherited {
  readonly kind?: string;
  readonly apiVersion?: string;
}

class ManifestReader {
  readonly #text: string;
  readonly #file: string;
  readonly #kinds: ReadonlyMap<string, AnyKind>;
  readonly #lines = new LineCounter();
  readonly #objects: ManifestObject[] = [];
  readonly #problems: Problem[] = [];

  constructor(text: string, file: string, needs: ReadonlySet<Need>) {
    this.#text = text;
    this.#file = file;
    this.#kinds = new Map(kindsFor({ needs }).map((kind) => [kind.kind, kind]));
  }

  read(): Manifest {
    const json = readJson(this.#text);
    if (json === undefined) this.#readYaml();
    else this.#readJson(json);
    return { objects: this.#objects, problems: this.#problems };
  }

  #readJson(document: ManifestDocument): void {
    this.#lines.addNewLine(0);
    for (let at = -1; (at = this.#text.indexOf('\n', at + 1)) >= 0;) this.#lines.addNewLine(at + 1);
    this.#readObject(document, document.value, [], {});
  }

  #readYaml(): void {
    // One document's tree at a time: it takes some fifty times its text.
    const tokens = new Parser(this.#lines.addNewLine).parse(this.#text);
    const composer = new Composer(KUBERNETES_YAML);
    for (const document of composer.compose(tokens)) this.#readDocument(document);
  }

  #readDocument(document: Document): void {
    for (const error of document.errors) this.#reportSyntax(error);
    if (document.errors.length > 0) return;
    const start = document.contents?.range?.[0] ?? 0;
    try {
      const raw: unknown = document.toJS();
      const offsetOf = (steps: Steps) => offsetIn(document, steps);
      if (raw !== null) this.#readObject({ value: raw, offsetOf }, raw, [], {});
    } catch (error) {
      // aliases are resolved late: unknown ones, or far too many
      this.#report(start, undefined, (error as Error).message);
    }
  }

  #readObject(document: ManifestDocument, raw: unknown, steps: Steps, inherited: Inherited): void {
    const at = document.offsetOf(steps);
    if (!isObject(raw)) return this.#report(at, raw, 'must be an object with apiVersion and kind');
    const kind = raw['kind'] ?? inherited.kind;
    const apiVersion = raw['apiVersion'] ?? inherited.apiVersion;
    if (typeof kind !== 'string' || kind === '') {
      return this.#report(at, raw['kind'], 'must say its kind, as in "kind: Service"');
    }
    if (kind === 'List' || (kind.endsWith('List') && Array.isArray(raw['items']))) {
      return this.#readList(document, raw, steps, { kind, apiVersion });
    }
    const readable = this.#kinds.get(kind);
    if (readable === undefined) return undefined;
    const [group, version] = splitApiVersion(apiVersion, readable);
    if (group !== readable.group) return undefined;
    if (version !== readable.version) {
      const problem = `must be of version ${readable.version} to be read as ${kind}`;
      return this.#report(at, apiVersion, problem);
    }
    return this.#readResource(document, raw, steps, readable);
  }

  #readList(
    document: ManifestDocument,
    list: RawObject,
    steps: Steps,
    of: { kind: string; apiVersion: unknown },
  ): void {
    const items = list['items'] ?? [];
    if (!Array.isArray(items)) {
      return this.#report(document.offsetOf([...steps, 'items']), items, 'items must be a list');
    }
    const kind = of.kind.slice(0, -'List'.length);
    const inherited: Inherited =
      kind === '' || typeof of.apiVersion !== 'string' ? {} : { kind, apiVersion: of.apiVersion };
    for (const [index, item] of items.entries()) {
      this.#readObject(document, item, [...steps, 'items', index], inherited);
    }
    return undefined;
  }

  #readResource(
    document: ManifestDocument,
    raw: RawObject,
    steps: Steps,
    { kind, isNamespaced, slim }: AnyKind,
  ): void {
    const { root, namespace, name, isNamed } = Fields.open(raw, kind, isNamespaced);
    const id = root.path();
    const found = slim(raw);
    const problems = found.problems.map((problem) => ({
      ...problem,
      source: this.#place(document.offsetOf([...steps, ...stepsBelow(id, problem.path)])),
    }));
    if (!isNamed) {
      for (const problem of problems) this.#problems.push(problem);
    } else {
      const source = this.#place(document.offsetOf(steps));
      const key = isNamespaced ? `${namespace}/${name}` : name;
      const state = { kind, key, object: found.object } as ObjectState;
      const made = found.object === undefined ? {} : { state };
      this.#objects.push({ ...made, id, problems, source });
    }
  }

  #reportSyntax(error: YAMLError): void {
    const [start, end] = error.pos;
    if (error.code === 'DUPLICATE_KEY') {
      const key = /^[^:\r\n]*/.exec(this.#text.slice(start))![0].trim();
      return this.#report(start, key.replaceAll('"', ''), 'is given twice in one object');
    }
    const line = this.#text.slice(this.#lineStart(start), end).split(/\r?\n/)[0]!.slice(0, 80);
    return this.#report(start, line, `is not well formed: ${error.message}`);
  }

  #lineStart(offset: number): number {
    return this.#text.lastIndexOf('\n', offset - 1) + 1;
  }

  #report(offset: number, value: unknown, problem: string): undefined {
    this.#problems.push({ path: this.#file, value, problem, source: this.#place(offset) });
  }

  #place(offset: number): string {
    const { line, col } = this.#lines.linePos(offset);
    return `${this.#file}:${Math.max(line, 1)}:${Math.max(col, 1)}`;
  }
}

/** Where the value is, or where the innermost thing around it begins when it is absent. */
function offsetIn(document: Document, steps: Steps): number {
  for (let depth = steps.length; depth > 0; depth--) {
    const node = document.getIn(steps.slice(0, depth), true) as {
      range?: [number, number, number];
    };
    if (node?.range !== undefined && node.range !== null) return node.range[0];
  }
  return document.contents?.range?.[0] ?? 0;
}

/** `.spec.ports[0].port` after the object's label, as `['spec', 'ports', 0, 'port']`. */
function stepsBelow(label: string, path: string): Steps {
  const rest = path.startsWith(label) ? path.slice(label.length) : '';
  return Array.from(rest.matchAll(/\.(\w+)|\[(\d+)\]|\[([^\]]*)\]/g), ([, key, index, odd]) =>
    index === undefined ? (key ?? odd ?? '') : Number(index),
  );
}

/** `discovery.k8s.io/v1` → group and version; one that is left out is taken for granted. */
function splitApiVersion(apiVersion: unknown, expected: AnyKind): [string, string] {
  if (typeof apiVersion !== 'string') {
    return [expected.group, apiVersion === undefined ? expected.version : ''];
  }
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? ['', apiVersion] : [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)];
}

function isObject(value: unknown): value is RawObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
