/**
 * The API server as a source: one reflector a kind, what has to be known of other Nodes, and the
 * states of the kinds that every proxy needs folded into the one line that an operator reads.
 * Nothing here gives up: a server that is away, or refuses us, is asked again.
 */
import {
  type AnyKind,
  type KindName,
  kindsFor,
  type ReadingScope,
  readsAllNodes,
} from '../model/kinds.ts';
import type { Problem } from '../model/problem.ts';
import type { Clock } from '../time/clock.ts';
import { OtherNodes } from './otherNodes.ts';
import { Reflector, type ReflectorState } from './reflector.ts';
import type { ClusterListener, ClusterSource, KindStatus, SourceStatus } from './source.ts';
import type { ApiTransport } from './transport.ts';
import type { WatchObserver } from './watchObserver.ts';

export interface ApiServerSourceOptions {
  readonly transport: ApiTransport;
  /** URL, for the status line */
  readonly server: string;
  readonly timing: Clock;
  readonly scope: ReadingScope;
  /** those that the scope asks for by default */
  readonly kinds?: readonly AnyKind[];
  /** 0 ≤ x < 1; spreads watches and retries */
  readonly random: () => number;
  readonly observer?: WatchObserver;
  /** one line of what only someone who looks closely wants to know */
  readonly log?: (message: string) => void;
  /** objects a page of a list; default 500 */
  readonly pageSize?: number;
}

interface Progress {
  readonly resource: string;
  isListed: boolean;
  state: ReflectorState | undefined;
}

export class ApiServerSource implements ClusterSource {
  readonly #options: ApiServerSourceOptions;
  /** of the kinds that nothing is programmed without */
  readonly #required: Progress[] = [];
  #others: Progress | undefined;
  #reading: readonly { stop(): Promise<void> }[] = [];
  #isListed = false;
  #lastStatus: SourceStatus | undefined;

  constructor(options: ApiServerSourceOptions) {
    this.#options = options;
  }

  start(listener: ClusterListener): Promise<void> {
    if (this.#reading.length > 0) throw new Error('the source was started already');
    const { scope, kinds = kindsFor(scope) } = this.#options;
    const others = readsAllNodes(scope) ? undefined : this.#readOthers(listener);
    const reflectors = kinds.map((kind) => this.#reflect(kind, listener, others));
    this.#reading = [...reflectors, ...(others === undefined ? [] : [others])];
    for (const reflector of reflectors) reflector.start();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#reading.map((each) => each.stop()));
  }

  /** @param others absent: every Node is in the list */
  #reflect(kind: AnyKind, listener: ClusterListener, others: OtherNodes | undefined): Reflector {
    const { scope, observer } = this.#options;
    const progress: Progress = { resource: kind.resource, isListed: false, state: undefined };
    if (kind.isRequired) this.#required.push(progress);
    return new Reflector({
      ...this.#around(),
      kind,
      selectors: kind.selectors(scope),
      ...(observer === undefined ? {} : { observer }),
      listener: {
        store: others ?? listener.store,
        onChange: (change) => listener.onChange(change),
        onProblems: (origin, problems) => this.#tellProblems(kind.kind, origin, problems, listener),
        onListed: () => {
          progress.isListed = true;
          this.#reviewListed(listener, others);
        },
        onState: (state) => {
          progress.state = state;
          if (kind.isRequired) this.#announceStatus(listener);
          else listener.onKindStatus?.(kindStatus(kind.kind, progress));
        },
      },
    });
  }

  /** Each Node's own proxy says what is wrong with it. */
  #tellProblems(
    kind: KindName,
    origin: string,
    problems: readonly Problem[],
    listener: ClusterListener,
  ): void {
    const { nodeName } = this.#options.scope;
    if (kind === 'Node' && origin !== `Node/${nodeName}`) return;
    listener.onProblems(origin, problems);
  }

  /** They are in the line of state only while they cannot be read: else nobody waits for them. */
  #readOthers(listener: ClusterListener): OtherNodes {
    const { store } = listener;
    return new OtherNodes({
      ...this.#around(),
      nodeName: this.#options.scope.nodeName,
      store,
      onChange: (change) => listener.onChange(change),
      onState: (state) => {
        const isFailing = state.phase === 'failing';
        this.#others = isFailing ? { resource: 'other nodes', isListed: true, state } : undefined;
        this.#announceStatus(listener);
      },
    });
  }

  #around() {
    const { transport, timing, random, pageSize, log } = this.#options;
    return {
      transport,
      timing,
      random,
      ...(pageSize === undefined ? {} : { pageSize }),
      ...(log === undefined ? {} : { log }),
    };
  }

  #reviewListed(listener: ClusterListener, others: OtherNodes | undefined): void {
    if (this.#isListed || !this.#required.every((each) => each.isListed)) return;
    this.#isListed = true;
    if (others === undefined) listener.onSynced();
    else others.begin(() => listener.onSynced());
  }

  #announceStatus(listener: ClusterListener): void {
    const others = this.#others === undefined ? [] : [this.#others];
    const status = describe([...this.#required, ...others], this.#options.server);
    const last = this.#lastStatus;
    if (last?.isConnected === status.isConnected && last.detail === status.detail) return;
    this.#lastStatus = status;
    listener.onStatus(status);
  }
}

function kindStatus(kind: KindName, { isListed, state }: Progress): KindStatus {
  return { kind, isListed, ...(state?.phase === 'failing' ? { failure: state.detail } : {}) };
}

function describe(progress: readonly Progress[], server: string): SourceStatus {
  const failures = describeFailures(progress);
  if (failures !== undefined) {
    return { isConnected: false, isFailing: true, detail: `${failures} (${server})` };
  }
  const waiting = progress.filter((each) => each.state === undefined);
  if (waiting.length > 0) {
    const detail = `listing ${namesOf(waiting)} at ${server}`;
    return { isConnected: false, isFailing: false, detail };
  }
  const detail = `watching ${namesOf(progress)} at ${server}`;
  return { isConnected: true, isFailing: false, detail };
}

/** Different failures are all told; one that hits several kinds (the server is away) once. */
function describeFailures(progress: readonly Progress[]): string | undefined {
  const byCause = new Map<string, Progress[]>();
  let sinceMs = Infinity;
  for (const each of progress) {
    if (each.state?.phase !== 'failing') continue;
    sinceMs = Math.min(sinceMs, each.state.sinceMs);
    byCause.set(each.state.cause, [...(byCause.get(each.state.cause) ?? []), each]);
  }
  if (byCause.size === 0) return undefined;
  const texts = [...byCause.values()].map(([first, ...others]) => {
    const detail = first?.state?.phase === 'failing' ? first.state.detail : '';
    return others.length === 0 ? detail : `${detail}; likewise ${namesOf(others)}`;
  });
  return `${texts.join(' | ')}; failing since ${new Date(sinceMs).toISOString()}`;
}

function namesOf(progress: readonly Progress[]): string {
  return progress.map((each) => each.resource).join(', ');
}
