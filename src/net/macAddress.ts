/** Ethernet (MAC-48) addresses as canonical strings: `02:00:5e:10:00:01`, lower case. */

/** Only {@link parseMac} and {@link macFromBytes} make one from outside input. */
export type MacAddress = string;

/** ff:ff:ff:ff:ff:ff, to everybody on the segment. */
export const BROADCAST_MAC: MacAddress = 'ff:ff:ff:ff:ff:ff';
/** Stands in ARP for what is not known yet. */
export const ZERO_MAC: MacAddress = '00:00:00:00:00:00';

/** By byte; frames have several addresses each, and there are many frames. */
const PAIRS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

const MAC = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/i;

/** @returns undefined for anything but six pairs of digits with colons between */
export function parseMac(text: string): MacAddress | undefined {
  return MAC.test(text) ? text.toLowerCase() : undefined;
}

/** @param bytes 6 of them; any other length is a bug of the caller */
export function macFromBytes(bytes: Uint8Array): MacAddress {
  if (bytes.length !== 6) throw new RangeError(`a MAC address has 6 bytes, not ${bytes.length}`);
  let text = PAIRS[bytes[0]!]!;
  for (let i = 1; i < 6; i++) text += `:${PAIRS[bytes[i]!]!}`;
  return text;
}

/** @returns 6 bytes; anything but a canonical address is a bug of the caller */
export function macToBytes(mac: MacAddress): Uint8Array {
  if (!MAC.test(mac)) throw new RangeError(`not a MAC address: ${mac}`);
  const bytes = new Uint8Array(6);
  for (let i = 0; i < 6; i++) bytes[i] = Number.parseInt(mac.slice(3 * i, 3 * i + 2), 16);
  return bytes;
}

/** Of one interface: neither a group (the lowest bit of the first byte) nor zero. */
export function isUnicastMac(mac: MacAddress): boolean {
  return (Number.parseInt(mac.slice(0, 2), 16) & 1) === 0 && mac !== ZERO_MAC;
}
