/** A reflector of Services between a scripted API server and a store, and what it tells. */
import { Reflector, type ReflectorState } from '../../../src/cluster/reflector.ts';
import { ClusterStore } from '../../../src/model/clusterStore.ts';
import { KINDS, NO_NEEDS } from '../../../src/model/kinds.ts';
import { FakeClock, settle } from '../../support/program/fakeClock.ts';
import { ScriptedTransport } from './scriptedTransport.ts';

export class ReflectorHarness {
  readonly clock = new FakeClock();
  readonly transport = new ScriptedTransport();
  /** `+KEY` and `-KEY` of what came, changed and went, `listed`, counts of problems */
  readonly log: string[] = [];
  readonly notes: string[] = [];
  /** what the observer is told, each as resource, event and wall time */
  readonly heard: string[] = [];
  readonly states: ReflectorState[] = [];
  readonly reflector: Reflector;

  constructor() {
    this.reflector = new Reflector({
      kind: KINDS.Service,
      selectors: KINDS.Service.selectors({ nodeName: 'node-1', needs: NO_NEEDS }),
      transport: this.transport,
      timing: this.clock,
      random: () => 1 - Number.EPSILON,
      log: (message) => this.notes.push(message),
      observer: {
        heard: (resource, type, wallMs) => this.heard.push(`${resource} ${type} ${wallMs}`),
        listed: (resource, wallMs) => this.heard.push(`${resource} listed ${wallMs}`),
      },
      listener: {
        store: new ClusterStore(),
        onChange: ({ key, object }) => this.log.push(`${object === undefined ? '-' : '+'}${key}`),
        onProblems: (origin, problems) => this.log.push(`${origin}: ${problems.length} problems`),
        onListed: () => this.log.push('listed'),
        onState: (state) => this.states.push(state),
      },
    });
  }

  async start(): Promise<void> {
    this.reflector.start();
    await settle();
  }

  /** What was logged since the last call. */
  told(): string[] {
    return this.log.splice(0);
  }
}
