/** What the kernel says of a table of iptables-legacy; see src/netlink/xtables.ts. */
import type { Family } from '../../../src/net/family.ts';

export interface PlayedRule {
  /** whatever tells one rule from another */
  readonly mark: number;
  /** counted so far */
  readonly packets: number;
}

const ENTRY = {
  IPv4: { bytes: 112, nextAt: 90, countersAt: 96 },
  IPv6: { bytes: 168, nextAt: 142, countersAt: 152 },
};
const TARGET_BYTES = 40;

/** `struct ipt_get_entries` with these rules. */
export function entriesAnswer(family: Family, rules: readonly PlayedRule[]): Uint8Array {
  const { bytes, nextAt, countersAt } = ENTRY[family];
  const size = bytes + TARGET_BYTES;
  const answer = new Uint8Array(40 + rules.length * size);
  rules.forEach(({ mark, packets }, i) => {
    const entry = new DataView(answer.buffer, 40 + i * size, size);
    entry.setUint8(0, mark);
    entry.setUint16(nextAt, size, true);
    entry.setBigUint64(countersAt, BigInt(packets), true);
    entry.setBigUint64(countersAt + 8, BigInt(60 * packets), true);
  });
  return answer;
}
