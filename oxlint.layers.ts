/**
 * The layers of `src/` as one table of allowed pairs, floor by floor from the ground, and the
 * linter's rules made of it. A folder that is in no row may import nothing, and nobody may import
 * it: adding a folder is adding a row. What the floors are for is told in docs/architecture.md.
 */
import type { OxlintConfig, OxlintOverride } from 'oxlint';

export interface Layer {
  /** Below `src/`. A deeper folder without a row of its own belongs to this one. */
  readonly folder: string;
  /** Other folders it may import from, or single files of them; its own it always may. */
  readonly from: readonly string[];
  /** Without Node, clock, randomness and process: what it needs of them it is told. */
  readonly isPure: boolean;
}

const pure = (folder: string, ...from: readonly string[]): Layer => ({
  folder,
  from,
  isPure: true,
});
const shell = (folder: string, ...from: readonly string[]): Layer => ({
  folder,
  from,
  isPure: false,
});

const GROUND = ['net', 'time'];
const CODECS = ['netlink', 'wire'];
const VALUES = [...GROUND, 'model', 'dataplane'];
const COMPUTED = [...VALUES, ...CODECS, 'config', 'desired', 'plan', 'trace'];
const OUTSIDE = ['kernel', 'cluster', 'ops'];

/**
 * A feature: what it computes, and in the folder below its own shell. It plugs into the interfaces
 * of feature/ and desired/, is handed what is shared when it starts, and sees no other feature.
 */
const feature = (folder: string, ...others: readonly string[]): readonly Layer[] => {
  const values = [...VALUES, ...CODECS, 'desired/contributor.ts', ...others];
  return [pure(folder, ...values), shell(`${folder}/shell`, ...values, 'feature', ...OUTSIDE)];
};

const FEATURES = [
  feature('healthports', 'desired/nodeAddresses.ts'),
  feature('localhostports'),
  feature('apiservers'),
  feature('conntrack'),
  feature('localserver'),
  feature('loadbalancer', 'config/loadBalancer/settings.ts'),
  feature('tenancy'),
  // A name is answered by whom it is asked.
  feature('dns', 'tenancy'),
].flat();
const FEATURE_FOLDERS = FEATURES.map(({ folder }) => folder).filter((path) => !path.includes('/'));

export const LAYERS: readonly Layer[] = [
  pure('net'),
  pure('time'),
  pure('netlink', 'net'),
  pure('wire', 'net'),
  pure('model', ...GROUND),
  pure('dataplane', 'net', 'model'),
  pure('desired', ...VALUES),
  pure('config', ...VALUES, 'desired/nodeAddresses.ts'),
  pure('plan', ...VALUES, 'netlink', 'desired/ipsets.ts'),
  pure('trace', ...VALUES),
  shell('kernel', ...VALUES, ...CODECS, 'plan'),
  shell('cluster', ...VALUES, 'config'),
  shell('ops', ...VALUES, 'config'),
  shell('inputs', ...COMPUTED, ...OUTSIDE),
  shell('node', ...COMPUTED, ...OUTSIDE, 'inputs'),
  shell('feature', ...VALUES, 'desired/contributor.ts', 'plan/round.ts', 'cluster', 'ops'),
  ...FEATURES,
  pure('cleanup', ...VALUES, 'desired', 'plan'),
  shell('cleanup/shell', ...COMPUTED, ...OUTSIDE, 'feature'),
  shell(
    'agent',
    ...COMPUTED,
    ...OUTSIDE,
    'inputs',
    'node',
    'feature',
    'cleanup',
    ...FEATURE_FOLDERS,
  ),
  shell(
    'cli',
    ...COMPUTED,
    ...OUTSIDE,
    'inputs',
    'node',
    ...FEATURE_FOLDERS,
    'cleanup',
    'agent',
    '../package.json',
  ),
];

const PAGE = 'docs/architecture.md';
/** Folders inside a row's folder, at most. */
const DEEPEST = 2;

type Rules = NonNullable<OxlintConfig['rules']>;
type Pattern = { readonly message: string } & (
  { readonly regex: string } | { readonly group: string[] }
);

/**
 * Overrides of the linter, from the general to the particular: the last one that fits a file says
 * what it may import.
 */
export function layerRules(layers: readonly Layer[] = LAYERS): OxlintOverride[] {
  return [
    {
      files: ['src/**'],
      rules: restricted([
        {
          regex: '^',
          message: `This folder is in no row of oxlint.layers.ts; ${PAGE} says which floor is for what.`,
        },
      ]),
    },
    ...layers.flatMap((layer) =>
      depths(layer).map(({ files, climb }) => ({
        files,
        rules: { ...imports(layer, climb), ...(layer.isPure ? PURITY : IMPURITY) },
      })),
    ),
  ];
}

/** The files of a layer by their depth, with what leads from there up to `src/`. */
function depths({
  folder,
}: Layer): readonly { readonly files: string[]; readonly climb: string }[] {
  return Array.from({ length: DEEPEST + 1 }, (_, inner) => ({
    files: [`src/${folder}/${'*/'.repeat(inner)}*.ts`],
    climb: '../'.repeat(folder.split('/').length + inner),
  }));
}

function imports({ folder, from, isPure }: Layer, climb: string): Rules {
  const [top = folder] = folder.split('/');
  const allowed = [top, ...from].map(
    (path) => `!${climb}${/\.\w+$/.test(path) ? path : `${path}/**`}`,
  );
  const patterns: Pattern[] = [
    {
      group: [`${climb}**`, ...allowed],
      message: `src/${folder} may import ${from.join(', ') || 'nothing of ours'}: see ${PAGE}.`,
    },
    {
      regex: String.raw`[^./][^/]*/\.\./|^\./\.\./`,
      message: `A path goes up first and down then, or nobody sees where it leads: see ${PAGE}.`,
    },
  ];
  if (isPure) {
    patterns.push(
      {
        regex: '^node:',
        message: `src/${folder} is pure, a shell does input and output: see ${PAGE}.`,
      },
      {
        group: ['./shell/**', '../**/shell/**'],
        message: `src/${folder} is pure, its shell imports it and not the other way round: see ${PAGE}.`,
      },
    );
  }
  return restricted(patterns);
}

const restricted = (patterns: Pattern[]): Rules => ({
  'no-restricted-imports': ['error', { patterns }],
});

const PURITY: Rules = {
  'no-restricted-globals': [
    'error',
    'process',
    'Buffer',
    'console',
    'fetch',
    'performance',
    'setTimeout',
    'setInterval',
    'setImmediate',
    'clearTimeout',
    'clearInterval',
    'queueMicrotask',
  ],
  'no-restricted-properties': [
    'error',
    { object: 'Date', property: 'now', message: `Pure code is told the time: see ${PAGE}.` },
    {
      object: 'Math',
      property: 'random',
      message: `Pure code is told its randomness: see ${PAGE}.`,
    },
  ],
};

/** For a shell inside a pure folder. */
const IMPURITY: Rules = { 'no-restricted-globals': 'off', 'no-restricted-properties': 'off' };
