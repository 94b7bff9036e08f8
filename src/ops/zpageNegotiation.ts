/**
 * In which form `/statusz` and `/flagz` are wanted, as component-base's negotiation decides: text
 * unless a structure is named whole, kind, group and version.
 */

export const ZPAGE_VERSIONS = ['v1alpha1', 'v1beta1'] as const;
export type ZpageVersion = (typeof ZPAGE_VERSIONS)[number];
export type ZpageKind = 'Statusz' | 'Flagz';

export type ZpageForm =
  | { readonly form: 'text' }
  | { readonly form: 'json' | 'yaml'; readonly version: ZpageVersion }
  /** with the form in which that is told */
  | { readonly form: 'none'; readonly refusal: 'json' | 'yaml' };

const GROUP = 'config.k8s.io';
const TEXT: readonly string[] = ['text/plain', 'text/*', '*/*'];
const STRUCTURES = new Map([
  ['application/json', 'json'],
  ['application/yaml', 'yaml'],
] as const);

interface Wish {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

/** @param accept the header; undefined or empty: whatever there is */
export function zpageForm(kind: ZpageKind, accept: string | undefined): ZpageForm {
  const wishes = parseAccept(accept ?? '');
  if (wishes.length === 0) return { form: 'text' };
  for (const { type, parameters } of wishes) {
    if (TEXT.includes(type)) return { form: 'text' };
    const form = STRUCTURES.get(type as 'application/json');
    const version = ZPAGE_VERSIONS.find((each) => each === parameters.get('v'));
    const isOfGroup = parameters.get('g') === GROUP && parameters.get('as') === kind;
    if (form !== undefined && version !== undefined && isOfGroup) return { form, version };
  }
  const refusal = wishes[0]!.type === 'application/yaml' ? 'yaml' : 'json';
  return { form: 'none', refusal };
}

/** The most wanted first; of equals the one that stands first. */
function parseAccept(accept: string): readonly Wish[] {
  return accept
    .split(',')
    .filter((clause) => clause.trim() !== '')
    .map(parseClause)
    .toSorted((one, other) => other.quality - one.quality);
}

function parseClause(clause: string): Wish {
  const [type = '', ...rest] = clause.split(';').map((part) => part.trim());
  const parameters = new Map(
    rest.map((part): [string, string] => {
      const [name = '', ...value] = part.split('=');
      return [name.trim(), value.join('=').trim()];
    }),
  );
  const quality = Number(parameters.get('q') ?? 1);
  return { type, parameters, quality: Number.isNaN(quality) ? 1 : quality };
}
