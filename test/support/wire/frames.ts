/** Frames as hexadecimal text, as tcpdump -xx prints them, and changes to single bytes of them. */

export const bytesOf = (text: string): Uint8Array =>
  Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));

export const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** A copy with other bytes from `offset` on. */
export function changed(frame: Uint8Array, offset: number, ...bytes: readonly number[]) {
  const copy = frame.slice();
  copy.set(bytes, offset);
  return copy;
}
