/** Where Services come from: an API server or manifest files, behind one interface. */
import type { KindName } from '../model/kinds.ts';
import type { Problem } from '../model/problem.ts';
import type { ClusterChange, ClusterStore } from '../model/clusterStore.ts';

export interface ClusterListener {
  /** where every object is put before its change is told */
  readonly store: ClusterStore;
  /** called in the order things happened; must not block */
  onChange(change: ClusterChange): void;
  /**
   * every kind has been listed completely for the first time; nothing may be removed from a kernel
   * before this
   */
  onSynced(): void;
  /** all current problems of one input (a file, an object); an empty list clears them */
  onProblems(origin: string, problems: readonly Problem[]): void;
  /**
   * how the source stands, for health, metrics and logs: `connected`, or what fails and since when
   */
  onStatus(status: SourceStatus): void;
  /**
   * how a kind stands that only features need: it holds up nobody else, so it is in no {@link
   * SourceStatus}
   */
  onKindStatus?(status: KindStatus): void;
}

export interface KindStatus {
  readonly kind: KindName;
  /** it has been listed completely once; until then what is missing may be late */
  readonly isListed: boolean;
  /** one line: what fails, its cure and when it is tried again; absent while it is watched */
  readonly failure?: string;
}

export interface SourceStatus {
  readonly isConnected: boolean;
  /** not connected for another reason than that it has just begun */
  readonly isFailing: boolean;
  /**
   * one line: `watching 3 kinds at https://…`, `list services: connect ECONNREFUSED …, retry in 2
   * s`
   */
  readonly detail: string;
}

export interface ClusterSource {
  /**
   * resolves when watching has begun; failures of the world are reported by onStatus and retried,
   * not thrown
   */
  start(listener: ClusterListener): Promise<void>;
  stop(): Promise<void>;
}
