/**
 * Destinations of our virtual servers that somebody else added, as problems to be told: we neither
 * count nor remove them.
 */
import type { ActualState } from '../../dataplane/state.ts';
import type { Problem } from '../../model/problem.ts';

export function foreignDestinations(foreignServers: ActualState['foreignServers']): Problem[] {
  return foreignServers.flatMap((text) => {
    const [server, destination] = text.split(' -> ');
    if (destination === undefined) return [];
    const problem =
      'is not masqueraded, so it is none of ours and stays: a part of the connections goes there; remove it with ipvsadm -d if nobody needs it';
    return [{ path: `virtual server ${server}`, value: destination, problem }];
  });
}
