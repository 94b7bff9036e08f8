import type { PeerView } from '../peers/peerView.ts';

/** Whether an election takes them for the same; how long they are alive is looked at apart. */
export function isSamePeer(a: PeerView | undefined, b: PeerView): boolean {
  if (a === undefined) return false;
  return (
    a.state === b.state &&
    a.hearsUs === b.hearsUs &&
    a.isReady === b.isReady &&
    a.isObserver === b.isObserver &&
    a.unable === b.unable &&
    a.attachments === b.attachments
  );
}
