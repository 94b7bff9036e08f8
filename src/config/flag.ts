/**
 * What a table of command-line flags says of each: the parser, `--help` and the mapping to the
 * configuration read it.
 */

/** A Kubernetes resource quantity, such as `128Ki`, `1.5M` or `0`. */
export const QUANTITY = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+|[numkMGTPE]|[KMGTPE]i)?$/;

export type FlagType =
  | 'bool'
  | 'string'
  | 'int'
  | 'float'
  | 'duration'
  | 'quantity'
  /** comma separated, and repeated flags add up */
  | 'list'
  /** `NAME=true,NAME=false` */
  | 'boolMap'
  /** `PATTERN=N,PATTERN=N` */
  | 'vmodule'
  /** several words may follow, and repeated flags add up */
  | 'paths'
  /** a text that may be left out: then `true` */
  | 'version';

export interface Flag {
  readonly name: string;
  readonly shorthand?: string;
  readonly type: FlagType;
  /** as `--help` shows it; left out where the zero value of the type is the default */
  readonly default?: string;
  readonly help: string;
  /** what `--help` calls the value, where the type's own word says too little: `FILE` */
  readonly value?: string;
  readonly group: FlagGroup;
  /** dotted paths in KubeProxyConfiguration that it sets; such a flag is ignored beside --config */
  readonly fields?: readonly string[];
  /** the exception to that rule: it wins over the file */
  readonly winsOverFile?: boolean;
  /** accepted so that kube-proxy's command lines work; named in a warning when set */
  readonly isWithoutEffect?: boolean;
  /** an empty value counts as not given, where kube-proxy takes it so */
  readonly isUnsetByEmpty?: boolean;
  readonly deprecated?: string;
  /** not a flag of kube-proxy any more: taken, without effect, and said to be gone */
  readonly isGone?: boolean;
}

export const FLAG_GROUPS = {
  source: 'Where Services come from',
  node: 'The node',
  servers: 'Health and metrics servers',
  output: 'Output',
  proxy: 'IPVS and NodePorts',
  masquerade: 'Masquerading and local traffic',
  conntrack: 'Connection tracking',
  configuration: 'Configuration file',
  logging: 'Logging',
  general: 'General',
  withoutEffect: 'Accepted as kube-proxy accepts them, without effect',
  gone: 'Of older kube-proxies: accepted, without effect',
} as const;

export type FlagGroup = keyof typeof FLAG_GROUPS;
