/** The checksum of the Internet protocols (RFC 1071), as ICMPv6 uses it (RFC 4443 §2.3). */

const NEXT_HEADER_ICMPV6 = 58;

/**
 * Over the pseudo header of RFC 8200 §8.1 and the message.
 *
 * @param addresses source and destination, 32 bytes as they stand in the IPv6 header
 * @param message whole; its checksum field counts, so zero while the sum is made
 * @returns what belongs into the field; 0 for a message that carries the right one
 */
export function icmpv6Checksum(addresses: Uint8Array, message: Uint8Array): number {
  const sum = wordSum(addresses) + wordSum(message) + message.length + NEXT_HEADER_ICMPV6;
  return ~foldedTo16(sum) & 0xffff;
}

/** Big endian words; an odd byte at the end is the higher half of one. */
function wordSum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  return sum;
}

function foldedTo16(sum: number): number {
  let rest = sum;
  while (rest > 0xffff) rest = (rest & 0xffff) + (rest >>> 16);
  return rest;
}
