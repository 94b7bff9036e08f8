/**
 * tcpdump at a switch: what it has captured, with the kernel's time stamps, told in words. It is
 * read here from offsets of its own, not by the codec of what is being judged.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Namespace } from '../../lab/namespace.ts';

/** Who was seen to say that an address is his, and to whom. */
export interface Sighting {
  /** by the wall clock, ms */
  readonly atMs: number;
  readonly kind: 'question' | 'answer' | 'announcement';
  /** as hexadecimal digits of its bytes */
  readonly address: string;
  /** of the sender of the frame */
  readonly mac: string;
  /** of a question and its answers; else 0 */
  readonly question: number;
}

const EXPRESSION = 'arp or (icmp6 and (ip6[40] == 135 or ip6[40] == 136))';
const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;

export class Witness {
  readonly sightings: Sighting[] = [];
  readonly #child;
  #rest = Buffer.alloc(0);
  #hasBegun = false;

  private constructor(namespace: Namespace, bridge: string) {
    const tcpdump = ['tcpdump', '-Z', 'root', '-i', bridge, '-U', '--immediate-mode', '-w', '-'];
    const argv = ['netns', 'exec', namespace.name, ...tcpdump, EXPRESSION];
    this.#child = spawn('ip', argv, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child.stdout.on('data', (bytes: Buffer) => this.#read(bytes));
  }

  /** Resolves when it listens. */
  static async listen(namespace: Namespace, bridge: string): Promise<Witness> {
    const witness = new Witness(namespace, bridge);
    let said = '';
    const { stderr } = witness.#child;
    stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    while (!said.includes('listening on')) {
      await Promise.race([once(stderr, 'data'), once(witness.#child, 'close')]);
      if (witness.#child.exitCode !== null) throw new Error(`tcpdump ended: ${said}`);
    }
    return witness;
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'close');
    this.#child.kill();
    await ended;
  }

  #read(bytes: Buffer): void {
    let rest = Buffer.concat([this.#rest, bytes]);
    if (!this.#hasBegun) {
      if (rest.length < FILE_HEADER_BYTES) return void (this.#rest = rest);
      this.#hasBegun = true;
      rest = rest.subarray(FILE_HEADER_BYTES);
    }
    while (rest.length >= RECORD_HEADER_BYTES) {
      const end = RECORD_HEADER_BYTES + rest.readUInt32LE(8);
      if (rest.length < end) break;
      const atMs = rest.readUInt32LE(0) * 1000 + rest.readUInt32LE(4) / 1000;
      const seen = sightingIn(rest.subarray(RECORD_HEADER_BYTES, end));
      if (seen !== undefined) this.sightings.push({ atMs, ...seen });
      rest = rest.subarray(end);
    }
    this.#rest = rest;
  }
}

export function hexOf(address: Uint8Array): string {
  return Buffer.from(address).toString('hex');
}

function sightingIn(frame: Buffer): Omit<Sighting, 'atMs'> | undefined {
  return frame.readUInt16BE(12) === 0x0806 ? arpSighting(frame) : neighborSighting(frame);
}

function arpSighting(frame: Buffer): Omit<Sighting, 'atMs'> {
  const [sender, target] = [frame.subarray(28, 32), frame.subarray(38, 42)];
  const mac = macAt(frame, 6);
  if (frame.readUInt16BE(20) === 1 && !sender.equals(target))
    return { kind: 'question', address: hexOf(target), mac, question: questionOf(sender) };
  const question = questionOf(target);
  return { kind: question > 0 ? 'answer' : 'announcement', address: hexOf(sender), mac, question };
}

function neighborSighting(frame: Buffer): Omit<Sighting, 'atMs'> | undefined {
  if (frame.length < 78) return undefined;
  const address = hexOf(frame.subarray(62, 78));
  const mac = macAt(frame, 6);
  if (frame[54] === 135)
    return { kind: 'question', address, mac, question: questionOf(frame.subarray(22, 38)) };
  const question = questionOf(frame.subarray(38, 54));
  return { kind: question > 0 ? 'answer' : 'announcement', address, mac, question };
}

function macAt(frame: Buffer, offset: number): string {
  return [...frame.subarray(offset, offset + 6)]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join(':');
}

/** @param asker 4 or 16 bytes (asker.ts) @returns 0: it is nobody who asks by numbers */
function questionOf(asker: Buffer): number {
  if (asker.length === 4)
    return asker[0] === 100 && asker[1]! >= 64 && asker[1]! < 128
      ? asker.readUInt32BE(0) & 0x3fffff
      : 0;
  return asker.readUInt32BE(0) === 0xfe800000 && asker.readUInt16BE(10) === 0x64
    ? asker.readUInt32BE(12)
    : 0;
}
