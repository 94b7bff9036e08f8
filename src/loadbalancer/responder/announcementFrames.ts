/** The frames by which an address is announced, defended and asked for on an interface. */
import { type Address, familyOf } from '../../net/address.ts';
import { arpProbe, encodeArp, gratuitousArp } from '../../wire/arp.ts';
import { neighborProbe, unsolicitedAdvertisement } from '../../wire/neighborAnswers.ts';
import { encodeNeighbor } from '../../wire/neighborDiscovery.ts';
import type { CarrierInterface } from './carrierInterfaces.ts';

/**
 * `takeover`: one of its rounds; `refresh`: what keeps tables of switches from forgetting, and asks
 * whether anybody else has the address; `probe` asks only.
 */
export type SendingKind = 'takeover' | 'defence' | 'refresh' | 'probe';

/** At most, of one sending. */
export const MOST_FRAMES = 2;

/** How many {@link announcementFrames} there are where all can be sent. */
export function frameCount(kind: SendingKind, address: Address): number {
  if (kind === 'probe') return 1;
  return kind === 'refresh' || familyOf(address) === 'IPv4' ? MOST_FRAMES : 1;
}

/** @returns one or two frames; none for IPv6 where the interface has no address to send it from */
export function announcementFrames(
  kind: SendingKind,
  address: Address,
  { mac, neighborSource }: Pick<CarrierInterface, 'mac' | 'neighborSource'>,
): readonly Uint8Array[] {
  if (familyOf(address) === 'IPv4') return arpFrames(kind, address, mac);
  const probe = () => encodeNeighbor(neighborProbe(mac, address));
  if (kind === 'probe') return [probe()];
  if (neighborSource === undefined) return [];
  const speaker = { mac, linkLocal: neighborSource };
  const announcement = encodeNeighbor(unsolicitedAdvertisement(address, speaker));
  return kind === 'refresh' ? [announcement, probe()] : [announcement];
}

/** Stacks differ in which of request and reply they heed. */
function arpFrames(kind: SendingKind, address: Address, mac: string): readonly Uint8Array[] {
  const request = () => encodeArp(gratuitousArp('request', mac, address));
  const probe = () => encodeArp(arpProbe(mac, address));
  switch (kind) {
    case 'probe':
      return [probe()];
    case 'refresh':
      return [request(), probe()];
    default:
      return [request(), encodeArp(gratuitousArp('reply', mac, address))];
  }
}
