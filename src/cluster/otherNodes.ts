/**
 * What has to be known of Nodes that are not this one: who has an address, or the pods around an
 * address, that a Service asks for and nobody allocated (docs/adr/0008). Where no Service asks for
 * one they are not read at all. In a small cluster they are watched then, so that a Node that comes
 * counts at once; in a large one they are looked over now and then (nodeLook.ts), the seldomer the
 * more there are, since all nodes do it: all by all is their square. Only those that matter reach
 * the store.
 *
 * An address that is new waits, in a small cluster, until its owner is known: the Service is put
 * into the store without it until then.
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
import { NodeLook } from './nodeLook.ts';
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

/** Up to so many are watched, and an address that is new waits for them. */
export const WATCHED_NODES = 100;
/** Of many Nodes the next look comes between half of and this × their square, in ms. */
const LOOK_MS = 0.05;
const SHORTEST_PERIOD_MS = 60_000;
/** Of many Nodes all are read anew, for what a look does not see, and at most so often. */
const READ_MS = 6 * 60 * 60_000;
/** The first reading, which all do at the same time, is spread over this × their square, in ms. */
const FIRST_MS = 0.06;
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
  /** the cluster is so small that a new address waits for its owner */
  #isSmall = true;
  #reading: Reflector | undefined;
  #whenKnown: (() => void) | undefined;
  #forgetTimer: () => void = () => undefined;
  readonly #ending = new AbortController();
  /** the work beside a reading */
  #opening: Promise<void> | undefined;
  #looking: Promise<void> | undefined;

  constructor(options: OtherNodesOptions) {
    this.#options = options;
    const { store, onChange, transport, nodeName } = options;
    this.#look = new NodeLook(transport, nodeName);
    const onClaimed = (addresses: readonly Address[]) => this.#askedFor(addresses);
    this.#gate = new ClaimGate({ store, onChange, onClaimed });
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
    await Promise.all([this.#opening, this.#looking, this.#reading?.stop()]);
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
    if (state.kind === 'Node' && this.#isLost) this.#found();
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
    if (this.#isSmall) this.#gate.hold(addresses);
    if (this.#reading === undefined) this.#opening ??= this.#open();
  }

  /** The first reading since the start: everybody else is asked for the same at this moment. */
  async #open(): Promise<void> {
    const { timing, random } = this.#options;
    const { signal } = this.#ending;
    try {
      const count = await this.#count();
      this.#isSmall = count <= WATCHED_NODES;
      if (!this.#isSmall) this.#gate.release();
      await timing.sleep(random() * FIRST_MS * count ** 2, signal);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    this.#opening = undefined;
    this.#read();
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
    this.#isSmall = this.#facts.size <= WATCHED_NODES;
    this.#gate.release();
    this.#whenKnown?.();
    this.#whenKnown = undefined;
    if (!this.#isSmall) this.#endReading();
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
    else this.#looking = this.#lookOver();
  }

  async #lookOver(): Promise<void> {
    const { log } = this.#options;
    const { signal } = this.#ending;
    try {
      const changes = await this.#look.changes(this.#facts, signal);
      // Nobody may ask for anything any more.
      if (!this.#isKnown) return;
      if (changes === undefined) return this.#read();
      for (const [key, object] of changes) this.#take({ kind: 'Node', key, object });
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ApiError)) throw error;
      log?.(`other Nodes were not looked over: ${error.message}`);
    }
    this.#reviewLater();
  }

  #forget(): void {
    this.#endReading();
    this.#isKnown = false;
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
