/**
 * Runs a classic BPF program on a frame as the kernel does, for the instructions that ours use
 * (net/core/filter.c: a load beyond the end of the frame refuses it).
 *
 * @returns how many bytes of the frame are kept, 0: none of it
 */
import { endianness } from 'node:os';

export function runFilter(program: Uint8Array, frame: Uint8Array): number {
  const isLittleEndian = endianness() === 'LE';
  const code = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const data = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  let loaded = 0;
  for (let at = 0; at < program.length; at += 8) {
    const k = code.getUint32(at + 4, isLittleEndian);
    switch (code.getUint16(at, isLittleEndian)) {
      case 0x28:
        if (k + 2 > frame.length) return 0;
        loaded = data.getUint16(k);
        break;
      case 0x30:
        if (k + 1 > frame.length) return 0;
        loaded = data.getUint8(k);
        break;
      case 0x15:
        at += 8 * code.getUint8(at + (loaded === k ? 2 : 3));
        break;
      case 0x06:
        return Math.min(k, frame.length);
      default:
        throw new Error(`no such instruction at ${at}`);
    }
  }
  throw new Error('the program has no end');
}
