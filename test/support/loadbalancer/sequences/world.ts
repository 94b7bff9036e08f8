/**
 * What a sequence has done to its nodes so far, and who may answer for an address by that. Nothing
 * here knows how it is done.
 */

export type Step = { readonly waits: boolean } & Deed;

export type Deed =
  | {
      readonly deed:
        | 'kill'
        | 'term'
        | 'start'
        | 'stop'
        | 'continue'
        | 'unplug'
        | 'plug'
        | 'cordon'
        | 'uncordon'
        | 'exclude'
        | 'include'
        | 'release'
        /** none of its heartbeats passes, in either direction */
        | 'isolate'
        /** to the other switch, by itself */
        | 'split'
        | 'join'
        | 'loseApi'
        | 'regainApi';
      readonly node: string;
    }
  /** heartbeats of `from` do not reach it */
  | { readonly deed: 'deafen'; readonly node: string; readonly from: string }
  | { readonly deed: 'hearAgain' }
  | { readonly deed: 'move'; readonly address: string; readonly nodes: readonly string[] };

/** What the API server has, or what a node knows of it. */
interface Objects {
  readonly excluded: ReadonlySet<string>;
  readonly cordoned: ReadonlySet<string>;
  /** of addresses of Services with the policy Local */
  readonly endpoints: ReadonlyMap<string, readonly string[]>;
}

interface NodeState {
  isRunning: boolean;
  isStopped: boolean;
  hasCable: boolean;
  hasApi: boolean;
  isElsewhere: boolean;
  /** undefined: nothing yet, and so it takes part in nothing */
  knows: Objects | undefined;
}

/** Who may answer on a switch: exactly one of them, or also nobody. */
export interface Expectation {
  readonly among: ReadonlySet<string>;
  readonly mayBeNobody: boolean;
}

export class World {
  readonly nodes = new Map<string, NodeState>();
  /** `a<b`: a does not hear b */
  readonly deaf = new Set<string>();
  objects: Objects;

  constructor(names: readonly string[], local: readonly string[]) {
    this.objects = {
      excluded: new Set(),
      cordoned: new Set(),
      endpoints: new Map(local.map((address) => [address, names])),
    };
    for (const name of names) {
      const at = { isRunning: true, isStopped: false, hasCable: true, hasApi: true };
      this.nodes.set(name, { ...at, isElsewhere: false, knows: this.objects });
    }
  }

  /** It runs, and hears the wire. */
  isUp(name: string): boolean {
    const { isRunning, isStopped, hasCable } = this.nodes.get(name)!;
    return isRunning && !isStopped && hasCable;
  }

  take(step: Deed): void {
    if (step.deed === 'hearAgain') return this.deaf.clear();
    if (step.deed === 'move') {
      const endpoints = new Map(this.objects.endpoints).set(step.address, step.nodes);
      return this.#setObjects({ endpoints });
    }
    if (step.deed === 'deafen') return void this.deaf.add(`${step.node}<${step.from}`);
    this.#takeOf(step.deed, step.node);
  }

  /** @param isElsewhere on the other switch */
  expectation(address: string, isElsewhere: boolean): Expectation {
    const here = [...this.nodes.keys()].filter(
      (name) => this.isUp(name) && this.nodes.get(name)!.isElsewhere === isElsewhere,
    );
    const eligible = here.filter((name) => this.#isEligible(name, address));
    const isWhole = !here.some((a) => here.some((b) => this.deaf.has(`${a}<${b}`)));
    const views = new Set(here.flatMap((name) => this.nodes.get(name)!.knows ?? []));
    const mayBeCutOff = eligible.every(
      (name) => !this.nodes.get(name)!.hasApi && this.#mayBeInMinority(name),
    );
    // Who is left out goes on until another one takes it, which may think otherwise.
    if (views.size > 1) return { among: new Set(here), mayBeNobody: true };
    const mayBeNobody = eligible.length === 0 || mayBeCutOff;
    return { among: new Set(isWhole ? eligible : here), mayBeNobody };
  }

  #isEligible(name: string, address: string): boolean {
    const { knows } = this.nodes.get(name)!;
    if (knows === undefined || knows.excluded.has(name)) return false;
    return knows.endpoints.get(address)?.includes(name) ?? true;
  }

  #mayBeInMinority(name: string): boolean {
    const { isElsewhere } = this.nodes.get(name)!;
    const heard = [...this.nodes].filter(
      ([other, at]) =>
        this.isUp(other) &&
        at.isElsewhere === isElsewhere &&
        (other === name || !this.deaf.has(`${name}<${other}`)),
    );
    return 2 * heard.length < this.nodes.size;
  }

  #takeOf(deed: Exclude<Deed, { deed: 'move' | 'hearAgain' | 'deafen' }>['deed'], name: string) {
    const at = this.nodes.get(name)!;
    const others = [...this.nodes.keys()].filter((other) => other !== name);
    switch (deed) {
      case 'kill':
      case 'term':
        at.isRunning = false;
        at.isStopped = false;
        at.knows = undefined;
        return;
      case 'start':
        at.isRunning = true;
        at.knows = at.hasApi ? this.objects : undefined;
        return;
      case 'stop':
      case 'continue':
        at.isStopped = deed === 'stop';
        return;
      case 'unplug':
      case 'plug':
        at.hasCable = deed === 'plug';
        return;
      case 'split':
      case 'join':
        at.isElsewhere = deed === 'split';
        return;
      case 'isolate':
        for (const other of others) this.deaf.add(`${name}<${other}`).add(`${other}<${name}`);
        return;
      case 'loseApi':
        at.hasApi = false;
        return;
      case 'regainApi':
        at.hasApi = true;
        if (at.isRunning) at.knows = this.objects;
        return;
      case 'cordon':
      case 'uncordon':
        return this.#setObjects({
          cordoned: changed(this.objects.cordoned, name, deed === 'cordon'),
        });
      case 'exclude':
      case 'include':
        return this.#setObjects({
          excluded: changed(this.objects.excluded, name, deed === 'exclude'),
        });
      case 'release':
    }
  }

  #setObjects(objects: Partial<Objects>): void {
    this.objects = { ...this.objects, ...objects };
    for (const at of this.nodes.values()) if (at.hasApi && at.knows) at.knows = this.objects;
  }
}

function changed(set: ReadonlySet<string>, name: string, isIn: boolean): ReadonlySet<string> {
  const now = new Set(set);
  if (isIn) now.add(name);
  else now.delete(name);
  return now;
}

/** As a person reads a sequence. */
export function wordsOf(step: Step): string {
  const { deed } = step;
  const then = step.waits ? '' : ' …';
  if (deed === 'hearAgain') return `all hear again${then}`;
  if (deed === 'move') return `endpoints of ${step.address}: ${step.nodes.join(' ')}${then}`;
  if (deed === 'deafen') return `${step.node} does not hear ${step.from}${then}`;
  return `${deed} ${step.node}${then}`;
}
