/** The Event about a problem: which object it is about, and with which of the fixed words. */
import type { EventSubject, ProxyEvent } from '../../cluster/events.ts';
import { reasonOf } from '../../model/consequence.ts';
import { formatProblem, type Problem } from '../../model/problem.ts';

/** @returns nothing for what no object of the cluster is to blame for: a file */
export function eventOf(problem: Problem, nodeName: string): ProxyEvent | undefined {
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
