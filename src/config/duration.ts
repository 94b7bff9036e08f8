/**
 * Go's time.Duration in its text form (`30s`, `1h15m0s`, `1.5h`, `-2ms`), as kube-proxy's flags and
 * configuration files write it. What a duration means, and which are allowed, is decided in
 * validate.ts.
 */

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

const TERM = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y;

/** The longest that Go's 64-bit nanoseconds can hold. */
const MAX_MS = 2 ** 63 / 1e6;

/**
 * @returns milliseconds, with fractions below one; undefined when `text` is not a Go duration (a
 * bare `0` is one)
 */
export function parseDuration(text: string): number | undefined {
  const sign = text.startsWith('-') ? -1 : 1;
  const terms = text.replace(/^[+-]/, '');
  if (terms === '0') return 0;
  let total = 0;
  TERM.lastIndex = 0;
  for (let at = 0; at < terms.length; at = TERM.lastIndex) {
    const match = TERM.exec(terms);
    if (match === null) return undefined;
    total += wholeNanoseconds(Number(match[1]) * UNIT_MS[match[2]!]!);
  }
  if (terms === '' || total > MAX_MS) return undefined;
  return total === 0 ? 0 : sign * total;
}

/** What binary fractions have lost: 8.168 times 1,000 is less than 8,168. */
function wholeNanoseconds(ms: number): number {
  return Math.round(ms * 1e6) / 1e6;
}

/** As Go prints it: `1h15m0s`, `30s`, `1.5s`, `100ms`, `0s`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s';
  const sign = ms < 0 ? '-' : '';
  const size = Math.abs(ms);
  if (size < 1000) return sign + formatBelowOneSecond(size);
  const seconds = Math.floor(size / 1000);
  const fraction = trimZeros((size - seconds * 1000).toFixed(6).replace('.', '').padStart(9, '0'));
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  let text = `${seconds % 60}${fraction === '' ? '' : `.${fraction}`}s`;
  if (seconds >= 60) text = `${minutes}m${text}`;
  if (hours > 0) text = `${hours}h${text}`;
  return sign + text;
}

function formatBelowOneSecond(ms: number): string {
  const ns = Math.round(ms * 1e6);
  if (ns < 1000) return `${ns}ns`;
  return ns < 1_000_000 ? `${ns / 1000}µs` : `${ns / 1_000_000}ms`;
}

function trimZeros(digits: string): string {
  return digits.replace(/0+$/, '');
}
