/** What people hear of the announcer: the log, Events of Services, conditions. */
import type { FeatureHost } from '../../feature/feature.ts';
import type { Address } from '../../net/address.ts';
import type { ServiceEvent } from '../../ops/conditionEvents.ts';
import type { AnnouncementBook } from '../announcer/announcementBook.ts';
import type { UnaskedNews } from '../announcer/messages.ts';
import { ForeignSightings } from '../announcer/foreignSightings.ts';
import type { Move } from '../announcer/move.ts';
import {
  type AllocationEvent,
  ANNOUNCEMENT_ACTION,
  announcingEvent,
  conflictEvent,
  notAnnouncedEvent,
} from '../events.ts';
import type { ForeignOwners } from '../foreignOwners.ts';
import {
  ANNOUNCER_CUT_OFF,
  ANNOUNCER_DOWN,
  ANNOUNCER_IMPAIRED,
  NO_PEER_HEARD,
} from './announcerConditions.ts';

export interface AnnouncerTellerParts extends Pick<
  FeatureHost,
  'clock' | 'conditions' | 'events' | 'log' | 'nodeName'
> {
  readonly book: Pick<AnnouncementBook, 'servicesAt'>;
  readonly foreignOwners: ForeignOwners;
  readonly onMoves: (moves: readonly Move[]) => void;
  readonly onConflict: () => void;
}

const SUBJECT = 'announcer';

type Unannounced = Extract<UnaskedNews, { news: 'unannounced' }>;

export class AnnouncerTeller {
  readonly #parts: AnnouncerTellerParts;
  readonly #sightings = new ForeignSightings();

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
      case 'unannounced':
        return this.#tellUnannounced(news);
      case 'failure': {
        const { subject, message } = news;
        if (message === undefined) conditions.clear(ANNOUNCER_IMPAIRED, subject);
        else conditions.set(ANNOUNCER_IMPAIRED, subject, { message: `${subject}: ${message}` });
      }
    }
  }

  /** From time to time: who is not seen any more. */
  review(): void {
    const { foreignOwners, clock } = this.#parts;
    for (const address of this.#sightings.forget(clock.monotonicMs()))
      foreignOwners.delete(address);
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

  /** Each time that it is seen; told once. */
  #tellConflict(address: Address, mac: string, interfaceName: string): void {
    const { log, book, nodeName, foreignOwners, onConflict, clock } = this.#parts;
    const seen = { mac, interfaceName, node: nodeName };
    onConflict();
    foreignOwners.set(address, seen);
    if (!this.#sightings.note(address, mac, clock.monotonicMs())) return;
    const fields = { address, mac, interface: interfaceName };
    log.warning('another machine answers for a load balancer address', fields);
    for (const service of book.servicesAt(address))
      this.#record(conflictEvent(service, address, mac, seen), { about: 'AddressConflict' });
  }

  #tellUnannounced({ address, cause, excluded }: Unannounced): void {
    const { log, book } = this.#parts;
    const nodes = excluded.map(({ node, reason }) => `${node} ${reason}`).join(', ');
    log.warning('nobody announces a load balancer address', { address, cause, nodes });
    for (const service of book.servicesAt(address)) {
      const event = notAnnouncedEvent(service, address, cause, excluded);
      this.#record(event, { about: `${address} ${cause}` });
    }
  }

  /** @param more `about` of what others may tell too */
  #record(
    { service, type, reason, note }: AllocationEvent,
    more: Pick<ServiceEvent, 'about'> = {},
  ): void {
    const [namespace = '', name = ''] = service.split('/');
    const regarding = { kind: 'Service', namespace, name } as const;
    const event = { regarding, type, reason, action: ANNOUNCEMENT_ACTION, note, ...more };
    this.#parts.events?.record(event);
  }
}
