/**
 * What has to be known of Nodes that are not this one: who has an address, or the pods around an
 * address, that a Service asks for and nobody allocated (docs/adr/0008). Where no Service asks for
 * one they are not read at all. In a small cluster they are watched then, so that a Node that comes
 * counts at once; in a large one they are looked over now and then (nodeLook.ts), the seldomer the
 * more there are, since all nodes do it: all by all is their square. Only those that matter reach
 * the store.
 *
 * The first address that is asked for waits until its owner is known, but in a very large cluster:
 * the Service is put into the store without it until then.
 */
import type { ClusterChange, ClusterStore, ObjectState } from '../model/clusterStore.ts';
import { type KindName, KINDS } from '../model/kinds.ts';
import type { NodeResource, ObjectKey } from '../model/resources.ts';
import type { Address } from '../net/address.ts';
import { parsePrefix } from '../net/prefix.ts';
import { JitteredBackoff } from '../time/backoff.ts';
import { ApiError } from './apiError.ts';
import { ClaimGate } from './claimGate.ts';
import type { ObjectStore } from './intake.ts';
import { countNodes } from './nodeCount.ts';
import { NodeFacts } from './nodeFacts.ts';
import { type NodeChanges, NodeLook } from './nodeLook.ts';
import { Reflector, type ReflectorOptions, type ReflectorState } from './reflector.ts';

export interface OtherNodesOptions extends Omit<
  ReflectorOptions,
  'kind' | 'selectors' | 'listener' | 'observer'
> {
  readonly nodeName: string;
  readonly store: ClusterStore;
  readonly onChange: (change: ClusterChange) => void;
  readonly onState: (state: ReflectorState) => void;
}

/** Up to so many are watched. */
export const WATCHED_NODES = 100;
/** Up to so many the first address that is asked for waits until its owner has been looked for. */
export const AWAITED_NODES = 1_000;
/** Of many Nodes the next look comes between half of and this × their square, in ms. */
const LOOK_MS = 0.05;
const SHORTEST_PERIOD_MS = 60_000;
/** Of many Nodes all are read anew, for what a look does not see, and at most so often. */
const READ_MS = 6 * 60 * 60_000;
/** What all do at the same time is spread over these × their square, in ms. */
const FIRST_LOOK_MS = 0.01;
const FIRST_READING_MS = 0.06;
const BACKOFF = { firstMs: 250, maxMs: 15_000 };

export class OtherNodes implements ObjectStore {
  readonly #options: OtherNodesOptions;
  readonly #gate: ClaimGate;
  readonly #facts = new NodeFacts();
  /** in the store by our doing */
  readonly #told = new Set<string>();
  readonly #look: NodeLook;
  #readAtMs = 0;
  /** while this Node has not been found one of the others may be meant */
  #isLost = true;
  /** everything else has been read: what is asked for now is new */
  #hasBegun = false;
  /** all have been read at least once since somebody asked */
  #isKnown = false;
  /** an address that is new waits for its owner */
  #mayWait = true;
  #reading: Reflector | undefined;
  #whenKnown: (() => void) | undefined;
  #forgetTimer: () => void = () => undefined;
  readonly #ending = new AbortController();
  /** the work beside a reading */
  #opening: Promise<void> | undefined;
  #lookingOver: Promise<void> | undefined;

  constructor(options: OtherNodesOptions) {
    this.#options = options;
    const { store, onChange, transport, nodeName } = options;
    this.#look = new NodeLook(transport, nodeName);
    const onClaimed = (addresses: readonly Address[]) => this.#askedFor(addresses);
    const onDropped = () => this.#tellAll();
    this.#gate = new ClaimGate({ store, onChange, onClaimed, onDropped });
  }

  /**
   * Everything else is listed.
   *
   * @param whenKnown called as soon as the owners of what is asked for are known
   */
  begin(whenKnown: () => void): void {
    this.#hasBegun = true;
    if (!this.#isAsked) return whenKnown();
    this.#whenKnown = whenKnown;
    this.#read();
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    this.#forgetTimer();
    await Promise.all([this.#opening, this.#lookingOver, this.#reading?.stop()]);
  }

  /** The other Nodes are not the watch's to delete. */
  keys(kind: KindName): Iterable<ObjectKey> {
    const { store, nodeName } = this.#options;
    if (kind !== 'Node') return store.keys(kind);
    return [nodeName].filter((name) => store.nodes.has(name));
  }

  /** The store's, of what the watches tell. */
  put(state: ObjectState): ClusterChange | undefined {
    if (state.kind === 'Service') return this.#gate.put(state);
    const change = this.#options.store.put(state);
    if (state.kind === 'Node' && state.object !== undefined && this.#isLost) this.#found();
    return change;
  }

  get #isAsked(): boolean {
    return this.#gate.claims.size > 0 || this.#isLost;
  }

  #found(): void {
    this.#isLost = false;
    this.#tellAll();
  }

  #askedFor(addresses: readonly Address[]): void {
    if (!this.#hasBegun) return;
    if (this.#isKnown) return this.#tellAll();
    if (this.#mayWait) this.#gate.hold(addresses);
    if (this.#reading === undefined) this.#opening ??= this.#open();
  }

  /** The first reading since the start: everybody else is asked for the same at this moment. */
  async #open(): Promise<void> {
    const { timing, random } = this.#options;
    const { signal } = this.#ending;
    try {
      const count = await this.#count();
      if (count > WATCHED_NODES) await this.#lookForOwners(count);
      await timing.sleep(random() * FIRST_READING_MS * count ** 2, signal);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    this.#opening = undefined;
    this.#read();
  }

  /** Of many Nodes the owners of what is asked for now come first: nearly all have one address. */
  async #lookForOwners(count: number): Promise<void> {
    const { timing, random } = this.#options;
    const { signal } = this.#ending;
    if (count > AWAITED_NODES) this.#letIn();
    await timing.sleep(random() * FIRST_LOOK_MS * count ** 2, signal);
    await this.#looking(() => this.#look.owners(this.#gate.claims, signal));
    this.#letIn();
  }

  #letIn(): void {
    this.#mayWait = false;
    this.#gate.release();
  }

  async #count(): Promise<number> {
    const { transport, timing, random } = this.#options;
    const { signal } = this.#ending;
    const backoff = new JitteredBackoff({ ...BACKOFF, random });
    for (;;) {
      try {
        return await countNodes(transport, { signal });
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        await timing.sleep(backoff.next(), signal);
      }
    }
  }

  #read(): void {
    const { transport, timing, random, log, pageSize, onState } = this.#options;
    const reading = new Reflector({
      kind: KINDS.Node,
      selectors: {},
      transport,
      timing,
      random,
      ...(log === undefined ? {} : { log }),
      ...(pageSize === undefined ? {} : { pageSize }),
      listener: {
        store: { put: (state) => this.#take(state), keys: () => this.#facts.names() },
        onChange: () => undefined,
        // Each Node's own proxy says what is wrong with it.
        onProblems: () => undefined,
        onListed: () => this.#complete(),
        onState: (state) => {
          if (this.#reading === reading) onState(state);
        },
      },
    });
    this.#reading = reading;
    reading.start();
  }

  #take({ kind, key, object }: ObjectState): undefined {
    if (kind !== 'Node' || key === this.#options.nodeName) return;
    if (object === undefined) this.#facts.delete(key);
    else this.#facts.set(object);
    this.#tell(key, object);
  }

  #complete(): void {
    this.#isKnown = true;
    this.#readAtMs = this.#options.timing.monotonicMs();
    this.#letIn();
    this.#whenKnown?.();
    this.#whenKnown = undefined;
    if (this.#facts.size > WATCHED_NODES) this.#endReading();
    this.#reviewLater();
  }

  #reviewLater(): void {
    const { timing, random } = this.#options;
    const periodMs = Math.max(SHORTEST_PERIOD_MS, LOOK_MS * this.#facts.size ** 2);
    this.#forgetTimer();
    this.#forgetTimer = timing.after(periodMs * (0.5 + random() / 2), () => this.#review());
  }

  #review(): void {
    if (!this.#isAsked) return this.#forget();
    const isSmall = this.#facts.size <= WATCHED_NODES;
    if (isSmall && this.#reading !== undefined) return this.#reviewLater();
    this.#endReading();
    const isOld = this.#options.timing.monotonicMs() - this.#readAtMs >= READ_MS;
    if (isSmall || isOld) this.#read();
    else this.#lookingOver = this.#lookOver();
  }

  async #lookOver(): Promise<void> {
    const { signal } = this.#ending;
    const isEnough = await this.#looking(() => this.#look.changes(this.#facts, signal));
    if (signal.aborted || !this.#isKnown) return;
    if (isEnough) this.#reviewLater();
    else this.#read();
  }

  /** @returns false where all have to be read; a failure is left to the next look */
  async #looking(look: () => Promise<NodeChanges | undefined>): Promise<boolean> {
    try {
      const changes = await look();
      for (const [key, object] of changes ?? []) this.#take({ kind: 'Node', key, object });
      return changes !== undefined;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#options.log?.(`other Nodes were not looked over: ${error.message}`);
      return true;
    }
  }

  #forget(): void {
    this.#endReading();
    this.#isKnown = false;
    this.#mayWait = true;
    this.#facts.clear();
    for (const name of this.#told) this.#tell(name, undefined);
  }

  #endReading(): void {
    const reading = this.#reading;
    this.#reading = undefined;
    void reading?.stop();
    this.#options.onState({ phase: 'watching' });
  }

  #tellAll(): void {
    for (const node of this.#facts.all()) this.#tell(node.name, node);
  }

  #tell(name: string, node: NodeResource | undefined): void {
    const { store, onChange } = this.#options;
    const object = node !== undefined && this.#matters(node) ? node : undefined;
    if (object === undefined && !this.#told.has(name)) return;
    if (object === undefined) this.#told.delete(name);
    else this.#told.add(name);
    const change = store.put({ kind: 'Node', key: name, object });
    if (change !== undefined) onChange(change);
  }

  #matters({ addresses, podCIDRs }: NodeResource): boolean {
    const { claims } = this.#gate;
    if (this.#isLost || addresses.some((address) => claims.has(address))) return true;
    return podCIDRs.map(parsePrefix).some((range) => range !== undefined && claims.hasIn(range));
  }
}
