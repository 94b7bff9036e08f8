/**
 * The Events about problems: which object each is about, and with which of the fixed words. What an
 * object suffers from for one cause is one Event, however many of its ports and endpoints do.
 */
import type { EventSubject, ProxyEvent } from '../../cluster/events.ts';
import { reasonOf } from '../../model/consequence.ts';
import { formatProblem, type Problem } from '../../model/problem.ts';

/** @returns nothing for what no object of the cluster is to blame for: a file */
export function eventsOf(problems: readonly Problem[], nodeName: string): readonly ProxyEvent[] {
  const groups = new Map<string, { readonly event: ProxyEvent; count: number }>();
  for (const problem of problems) {
    const event = eventOf(problem, nodeName);
    if (event === undefined) continue;
    const cause = causeOf(event);
    const group = groups.get(cause);
    if (group === undefined) groups.set(cause, { event, count: 1 });
    else group.count++;
  }
  return [...groups.values()].map(({ event, count }) =>
    count === 1 ? event : { ...event, note: `${event.note}; and ${count - 1} more like it` },
  );
}

/** `Service shop/web AddressTaken`: of what is wrong for this cause one Event tells. */
export function causeOf({ regarding, reason, about }: ProxyEvent): string {
  if (regarding.kind === 'Service')
    return `Service ${regarding.namespace}/${regarding.name} ${reason}`;
  // What fails on a node has a cause of its own each: a sysctl, a set.
  return `Node ${regarding.name} ${reason} ${about ?? ''}`;
}

function eventOf(problem: Problem, nodeName: string): ProxyEvent | undefined {
  const { consequence, path } = problem;
  const regarding = serviceOf(problem) ?? nodeOf(problem, nodeName);
  if (regarding === undefined || consequence === undefined) return undefined;
  const note = formatProblem(problem);
  return {
    regarding,
    type: 'Warning',
    reason: reasonOf(consequence),
    action: 'Proxy',
    note,
    about: path,
  };
}

/** `Service/ns/name.spec…`, or the Service that an endpoint's problem names. */
function serviceOf({ path, service = '' }: Problem): EventSubject | undefined {
  const found = /^Service\/([^/]+)\/([^.]+)(?:\.|$)/.exec(path) ?? /^([^/]+)\/(.+)$/.exec(service);
  if (found === null) return undefined;
  return { kind: 'Service', namespace: found[1]!, name: found[2]! };
}

/** What this node alone suffers from. */
function nodeOf({ consequence }: Problem, name: string): EventSubject | undefined {
  switch (consequence) {
    case 'NodeNotProgrammed':
    case 'NotRemoved':
      return { kind: 'Node', name };
    default:
      return undefined;
  }
}
