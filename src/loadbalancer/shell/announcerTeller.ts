/** What people hear of the announcer: the log, Events of Services, conditions. */
import type { FeatureHost } from '../../feature/feature.ts';
import type { Address } from '../../net/address.ts';
import type { AnnouncementBook } from '../announcer/announcementBook.ts';
import type { UnaskedNews } from '../announcer/messages.ts';
import type { Move } from '../announcer/move.ts';
import {
  type AllocationEvent,
  ANNOUNCEMENT_ACTION,
  announcingEvent,
  conflictEvent,
} from '../events.ts';
import {
  ANNOUNCER_CUT_OFF,
  ANNOUNCER_DOWN,
  ANNOUNCER_IMPAIRED,
  NO_PEER_HEARD,
} from './announcerConditions.ts';

export interface AnnouncerTellerParts extends Pick<
  FeatureHost,
  'conditions' | 'events' | 'log' | 'nodeName'
> {
  readonly book: Pick<AnnouncementBook, 'servicesAt'>;
  readonly onMoves: (moves: readonly Move[]) => void;
  readonly onConflict: (address: Address, mac: string, interfaceName: string) => void;
}

const SUBJECT = 'announcer';

export class AnnouncerTeller {
  readonly #parts: AnnouncerTellerParts;
  /** `192.0.2.64 02:…` */
  readonly #conflicts = new Set<string>();

  constructor(parts: AnnouncerTellerParts) {
    this.#parts = parts;
  }

  tell(news: UnaskedNews): void {
    const { conditions } = this.#parts;
    switch (news.news) {
      case 'begun':
        conditions.clear(ANNOUNCER_DOWN, SUBJECT);
        return;
      case 'standing':
        return this.#tellStanding(news);
      case 'moves':
        for (const move of news.moves) this.#tellMove(move);
        return this.#parts.onMoves(news.moves);
      case 'conflict':
        return this.#tellConflict(news.address, news.mac, news.interfaceName);
      case 'failure': {
        const { subject, message } = news;
        if (message === undefined) conditions.clear(ANNOUNCER_IMPAIRED, subject);
        else conditions.set(ANNOUNCER_IMPAIRED, subject, { message: `${subject}: ${message}` });
      }
    }
  }

  ended(error: Error): void {
    const message =
      'no load balancer address is announced by this node: its announcer has ended, and is begun again';
    this.#parts.conditions.set(ANNOUNCER_DOWN, SUBJECT, { message, error });
  }

  #tellStanding({ isAlone, isCutOff }: { isAlone: boolean; isCutOff: boolean }): void {
    const { conditions } = this.#parts;
    const alone =
      'no heartbeat of another node was heard, though others are Ready: is the UDP port of heartbeats open between nodes, and the key the same? ' +
      'until then an address is taken only if nobody answers for it on the wire, which takes seconds';
    const cutOff =
      'this node hears fewer than half of the others, and not the API server: it announces nothing until it does';
    if (isAlone) conditions.set(NO_PEER_HEARD, SUBJECT, { message: alone });
    else conditions.clear(NO_PEER_HEARD, SUBJECT);
    if (isCutOff) conditions.set(ANNOUNCER_CUT_OFF, SUBJECT, { message: cutOff });
    else conditions.clear(ANNOUNCER_CUT_OFF, SUBJECT);
  }

  #tellMove({ address, isOurs, why, interfaces }: Move): void {
    const { log, book, nodeName } = this.#parts;
    const message = isOurs
      ? 'announcing a load balancer address'
      : 'no longer announcing a load balancer address';
    log.verbose(1, message, { address, why, interfaces: interfaces.join(',') });
    if (!isOurs) return;
    for (const key of book.servicesAt(address))
      this.#record(announcingEvent(key, address, nodeName, interfaces));
  }

  #tellConflict(address: Address, mac: string, interfaceName: string): void {
    const { log, book, nodeName, onConflict } = this.#parts;
    onConflict(address, mac, interfaceName);
    const key = `${address} ${mac}`;
    if (this.#conflicts.has(key)) return;
    this.#conflicts.add(key);
    log.warning('another machine answers for a load balancer address', {
      address,
      mac,
      interface: interfaceName,
    });
    const seen = { interfaceName, node: nodeName };
    for (const service of book.servicesAt(address))
      this.#record(conflictEvent(service, address, mac, seen));
  }

  #record({ service, type, reason, note }: AllocationEvent): void {
    const [namespace = '', name = ''] = service.split('/');
    const regarding = { kind: 'Service', namespace, name } as const;
    this.#parts.events?.record({ regarding, type, reason, action: ANNOUNCEMENT_ACTION, note });
  }
}
