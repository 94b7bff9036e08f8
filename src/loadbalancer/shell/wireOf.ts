import type { Clock } from '../../time/clock.ts';
import type { Responder } from './responder.ts';
import type { ThreadTools } from './threadParts.ts';

/** The responder as an announcer uses it. */
export function wireOf(
  responder: Responder,
  clock: Pick<Clock, 'monotonicMs'>,
): ThreadTools['wire'] {
  return {
    answer: (address, interfaces) => responder.answer(address, interfaces),
    silence: (address) => responder.silence(address),
    announce: (address) => responder.announce(address),
    defend: (address, against) => responder.defend(address, against),
    setKnown: (addresses) => responder.setKnown(addresses),
    drain: () => responder.drain(),
    probe: (address, interfaces, rounds, onEnd) => {
      // Where nobody can be asked, nobody is there to answer.
      const asked = responder.probe(address, interfaces, rounds).catch(() => undefined);
      void asked.then((answer) => onEnd(answer, clock.monotonicMs()));
    },
    counters: () => {
      const { announcements, requests, packetDrops, answerSeconds } = responder.counters();
      const flat = Object.entries(requests).flatMap(([family, outcomes]) =>
        Array.from(outcomes, ([outcome, count]) => [`${family} ${outcome}`, count] as const),
      );
      return {
        announcements,
        requests: Object.fromEntries(flat),
        packetDrops: Object.fromEntries(packetDrops),
        answerSeconds,
      };
    },
  };
}
