/**
 * JSON as `kubectl get -o json` writes it, read without a tree of nodes: that takes sixty times its
 * text, and a list of a whole cluster is one document. Only what is plainly JSON is read here;
 * whatever is wrong with a text the reader of YAML, of which JSON is a part, says better.
 */
import { findNodeAtLocation, parseTree, visit } from 'jsonc-parser';

export type Steps = readonly (string | number)[];

export interface ManifestDocument {
  readonly value: unknown;
  /** where the value is, or where the innermost thing around it begins when it is absent */
  offsetOf(steps: Steps): number;
}

/** @returns undefined for what is no JSON object, or none that is well formed */
export function readJson(text: string): ManifestDocument | undefined {
  if (!/^\s*\{/.test(text)) return undefined;
  const builder = new Builder();
  visit(text, builder, { disallowComments: true, allowTrailingComma: false });
  return builder.isBroken ? undefined : new JsonDocument(text, builder);
}

type Container = Record<string, unknown> | unknown[];

class Builder {
  value: unknown;
  isBroken = false;
  readonly offsets = new WeakMap<object, number>();
  readonly #open: Container[] = [];
  readonly #keys: string[] = [];

  readonly onObjectBegin = (offset: number): void => this.#begin({}, offset);
  readonly onArrayBegin = (offset: number): void => this.#begin([], offset);
  readonly onObjectEnd = (): void => void this.#open.pop();
  readonly onArrayEnd = (): void => void this.#open.pop();
  readonly onLiteralValue = (value: unknown): void => this.#add(value);
  readonly onError = (): void => void (this.isBroken = true);

  readonly onObjectProperty = (name: string): void => {
    const around = this.#open.at(-1)!;
    // Not a field like others, and one that is given twice: both are for the reader of YAML.
    if (name === '__proto__' || Object.hasOwn(around, name)) this.isBroken = true;
    this.#keys[this.#open.length] = name;
  };

  #begin(container: Container, offset: number): void {
    this.#add(container);
    this.#open.push(container);
    this.offsets.set(container, offset);
  }

  #add(value: unknown): void {
    const around = this.#open.at(-1);
    if (around === undefined) this.value = value;
    else if (Array.isArray(around)) around.push(value);
    else around[this.#keys[this.#open.length]!] = value;
  }
}

class JsonDocument implements ManifestDocument {
  readonly value: unknown;
  readonly #text: string;
  readonly #offsets: WeakMap<object, number>;

  constructor(text: string, { value, offsets }: Builder) {
    this.value = value;
    this.#text = text;
    this.#offsets = offsets;
  }

  offsetOf(steps: Steps): number {
    let around = this.value;
    for (const [depth, step] of steps.entries()) {
      const next: unknown = (around as Record<string | number, unknown>)[step];
      if (typeof next !== 'object' || next === null)
        return this.#scalarOffset(around as object, steps.slice(depth));
      around = next;
    }
    return this.#offsets.get(around as object)!;
  }

  /** Seldom asked for: its parent is read once more. */
  #scalarOffset(parent: object, [key]: Steps): number {
    const start = this.#offsets.get(parent)!;
    const tree = parseTree(this.#text.slice(start));
    const node = tree && findNodeAtLocation(tree, [key!]);
    return start + (node?.offset ?? 0);
  }
}
