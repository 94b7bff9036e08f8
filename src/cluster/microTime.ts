/**
 * RFC 3339 with six digits, which is what the API's MicroTime accepts.
 *
 * @param wallMs since the epoch
 */
export function microTime(wallMs: number): string {
  return new Date(wallMs).toISOString().replace('Z', '000Z');
}
