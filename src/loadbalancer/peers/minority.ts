/** Whether this node is on the smaller side of a network that fell apart. */
import { isHeard, type PeerView } from './peerView.ts';

/**
 * Fewer than half of the nodes that it ever heard and that still exist, itself counted among both.
 * Exactly half is none: of two nodes that lost each other both go on.
 *
 * @param view by name @param everHeard names of others
 */
export function isMinority(
  view: ReadonlyMap<string, Pick<PeerView, 'state'>>,
  everHeard: ReadonlySet<string>,
): boolean {
  const heard = [...everHeard].filter((name) => {
    const peer = view.get(name);
    return peer !== undefined && isHeard(peer);
  });
  return 2 * (heard.length + 1) < everHeard.size + 1;
}
