/** What is wrong with one field of an input, in the form every command prints and `plan -o json` lists. */

export interface Problem {
  /** dotted path, led by the object where there is one: `Service/default/web.spec.ports[0].port` */
  readonly path: string;
  /** the offending value as it was found */
  readonly value: unknown;
  /** one sentence: what is wrong, what happens because of it, what would be right */
  readonly problem: string;
  /** what happens because of it; absent for flags, configuration and whole files */
  readonly consequence?: Consequence;
  /** `FILE:LINE:COLUMN` of the value, for what was read from a file */
  readonly source?: string;
  /** `ns/name` of the Service that suffers, where the path does not name it */
  readonly service?: string;
}

/** The end of a problem's sentence. The names are what Events give as their reason. */
export const CONSEQUENCES = {
  ServiceSkipped: 'this Service is skipped',
  EndpointSliceSkipped: 'this EndpointSlice is skipped',
  NodeSkipped: 'this Node is skipped',
  PortSkipped: 'this port is skipped',
  EndpointSkipped: 'this endpoint is skipped',
  AddressSkipped: 'this address is skipped',
  BalancerAddressSkipped: 'this load balancer address is skipped',
  HintSkipped: 'this hint is skipped',
  ValueIgnored: 'it is ignored',
  RangeAdmitsNobody: 'it admits nobody',
  /** the address belongs to another machine */
  AddressNotServed:
    'it is not served here, or this node could no longer reach it; use a free address',
  /** the address is this node's own: everything works, so this is a remark */
  AddressNotBound: 'it is served there and not bound to kube-ipvs0',
  /** it is also somebody else's, whom this node does not reach there any more */
  AddressShared: 'it is served here, and this node reaches nothing else at that address',
  /** two Services want it */
  AddressTaken: 'this one gets it when that one lets go',
  /** two ports of one Service want it */
  PortLeftOut: 'this one is left out',
  DocumentSkipped: 'this document is skipped',
  LastStateKept: "the file's last good state stays in force",
  LastVersionKept: 'its last valid version stays in force',
  RefusedByKernel: 'it is left out, everything else is served, and it is tried again',
  NotRemoved: 'it stays in the kernel for now, and it is tried again',
  NodeNotProgrammed: 'it is tried again',
  NodeUnknown:
    'until there is one, no endpoint counts as one of this node, and its zone, addresses and pod CIDRs are not known',
  NodeGone: 'what it said last is still used, and /healthz tells load balancers to go elsewhere',
  PodsNotTold:
    'until it has one, traffic from outside the cluster to its ClusterIPs cannot be told from that of pods, so only that of this node itself is masqueraded',
} as const satisfies Readonly<Record<string, string>>;

export type Consequence = keyof typeof CONSEQUENCES;

/** Nothing is missing or different for anybody: worth a line, no warning. */
const HARMLESS: ReadonlySet<Consequence> = new Set(['AddressNotBound']);

/** Whether everything that the object asks for is served all the same. */
export function isRemark({ consequence }: Problem): boolean {
  return consequence !== undefined && HARMLESS.has(consequence);
}

/** @param why what is wrong, and what would be right */
export function withConsequence(
  why: string,
  consequence: Consequence,
): Required<Pick<Problem, 'problem' | 'consequence'>> {
  return { problem: `${why}; ${CONSEQUENCES[consequence]}`, consequence };
}

/** The same with another outcome than who reported it could know. */
export function reconsidered(problem: Problem, consequence: Consequence): Problem {
  const { consequence: before } = problem;
  const end = before === undefined ? '' : `; ${CONSEQUENCES[before]}`;
  const why = problem.problem.slice(0, problem.problem.length - end.length);
  return { ...problem, ...withConsequence(why, consequence) };
}

/** One line for a log or a terminal, whatever characters names and values hold. */
export function formatProblem(problem: Problem): string {
  const value = problem.value === undefined ? '' : ` (${JSON.stringify(problem.value)})`;
  const { source, path } = problem;
  // What is wrong with a file as a whole has the file for its path: once is enough.
  const place = source === undefined ? '' : `${source}: `;
  const subject = source?.startsWith(`${path}:`) ? source : place + path;
  const line = `${subject}${value}: ${problem.problem}`;
  return line.replace(/[\p{Cc}\u2028\u2029]/gu, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
