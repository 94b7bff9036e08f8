/** The Event on the Node when a condition begins, for those that are defined with one. */
import type { ConditionTeller, StandingCondition } from './conditions.ts';

export interface NodeEvent {
  readonly regarding: { readonly kind: 'Node'; readonly name: string };
  readonly type: 'Warning';
  readonly reason: string;
  readonly action: string;
  readonly note: string;
}

/** About a Service, and of this node. */
export interface ServiceEvent extends Omit<NodeEvent, 'regarding' | 'type'> {
  readonly regarding: {
    readonly kind: 'Service';
    readonly namespace: string;
    readonly name: string;
  };
  readonly type: 'Normal' | 'Warning';
  /** of the Service, where it is known */
  readonly uid?: string;
  /** of what several nodes may come to say: so the cluster has the same words once */
  readonly about?: string;
}

/** EventRecorder is it. */
export interface EventSink {
  record(event: NodeEvent | ServiceEvent): void;
}

export class ConditionEvents implements ConditionTeller {
  readonly #events: EventSink;
  readonly #nodeName: string;

  constructor(events: EventSink, nodeName: string) {
    this.#events = events;
    this.#nodeName = nodeName;
  }

  stands({ condition: { event }, report }: StandingCondition, isNew: boolean): void {
    if (event === undefined || !isNew) return;
    const regarding = { kind: 'Node', name: this.#nodeName } as const;
    const { reason, action } = event;
    this.#events.record({ regarding, type: 'Warning', reason, action, note: report.message });
  }

  ends(): void {
    // An Event tells a beginning; the cluster forgets it after an hour.
  }
}
