/** The Neighbor Discovery packets that an address moves by; encoded by neighborDiscovery.ts. */
import { type Address, isUnspecified } from '../net/address.ts';
import type { MacAddress } from '../net/macAddress.ts';
import { ALL_NODES, multicastMac, solicitedNodeGroup } from './multicast.ts';
import type { NeighborAdvertisement, NeighborSolicitation } from './neighborDiscovery.ts';

/** Who speaks: an interface by its MAC and its link-local address. */
export interface Speaker {
  readonly mac: MacAddress;
  readonly linkLocal: Address;
}

/**
 * The answer to whoever asked; for a node that looks whether the address is free and has none yet
 * (RFC 4862 §5.4) to everybody, unasked for and overriding, as RFC 4861 §7.2.4 wants it.
 */
export function advertisementFor(
  asked: NeighborSolicitation,
  speaker: Speaker,
): NeighborAdvertisement {
  if (isUnspecified(asked.source)) return unsolicitedAdvertisement(asked.target, speaker);
  return {
    kind: 'advertisement',
    destinationMac: asked.linkLayerAddress ?? asked.sourceMac,
    sourceMac: speaker.mac,
    source: speaker.linkLocal,
    destination: asked.source,
    target: asked.target,
    linkLayerAddress: speaker.mac,
    isRouter: false,
    isSolicited: true,
    isOverride: false,
  };
}

/**
 * Tells every node that `target` is here now (RFC 4861 §7.2.6). Without the override flag a
 * receiver keeps the MAC that it has.
 */
export function unsolicitedAdvertisement(
  target: Address,
  { mac, linkLocal }: Speaker,
): NeighborAdvertisement {
  return {
    kind: 'advertisement',
    destinationMac: multicastMac(ALL_NODES),
    sourceMac: mac,
    source: linkLocal,
    destination: ALL_NODES,
    target,
    linkLayerAddress: mac,
    isRouter: false,
    isSolicited: false,
    isOverride: true,
  };
}

/**
 * Asks whether anybody has `target`, without claiming it, as duplicate address detection does
 * (RFC 4862 §5.4.2).
 */
export function neighborProbe(mac: MacAddress, target: Address): NeighborSolicitation {
  const group = solicitedNodeGroup(target);
  return {
    kind: 'solicitation',
    destinationMac: multicastMac(group),
    sourceMac: mac,
    source: '::',
    destination: group,
    target,
    linkLayerAddress: undefined,
  };
}
