/**
 * Bytes of a text file as text: UTF-8, or UTF-16 with its byte order mark, as PowerShell writes
 * files and Go's YAML reads them.
 */

export function decodeText(bytes: Uint8Array): string {
  const [first, second] = bytes;
  // The decoder takes the mark itself away.
  if (first === 0xff && second === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  return new TextDecoder().decode(bytes);
}
