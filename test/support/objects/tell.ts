/** Stands for a source: puts an object into the store and tells what that changed. */
import type { ClusterChange, ClusterStore, ObjectState } from '../../../src/model/clusterStore.ts';

export interface Listener {
  readonly store: ClusterStore;
  onChange(change: ClusterChange): void;
}

export function tell(listener: Listener, state: ObjectState): void {
  const change = listener.store.put(state);
  if (change !== undefined) listener.onChange(change);
}
