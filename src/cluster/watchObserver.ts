/** Who hears that the API server is heard. */
export interface WatchObserver {
  /** An event of a watch. @param type `ADDED`, `BOOKMARK`, … */
  heard(resource: string, type: string, wallMs: number): void;
  /** A complete list has been read. */
  listed(resource: string, wallMs: number): void;
}
