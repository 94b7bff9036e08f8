/**
 * Programs for packet sockets in the kernel's classic BPF: an assembler of the five instructions
 * that are needed here. An offset counts from the first byte of the frame; a load beyond its end
 * refuses it.
 *
 * @see Documentation/networking/filter.rst; linux/filter.h, linux/bpf_common.h
 */
import { ByteWriter } from '../net/bytes.ts';

/** BPF_LD|BPF_ABS with BPF_H and BPF_B, BPF_JMP|BPF_JEQ|BPF_K, BPF_RET|BPF_K */
const CODES = { ldh: 0x28, ldb: 0x30, jeq: 0x15, ret: 0x06 } as const;

/**
 * One line. `ldh` and `ldb` load 2 bytes, big endian, or 1 at an offset; `jeq` compares what was
 * loaded and goes to `jt` (true) or `jf` (false), to the next line where that is not named; `ret`
 * keeps so many bytes of the frame, 0: none of it.
 */
export type Instruction = { readonly label?: string } & (
  | { readonly ldh: number }
  | { readonly ldb: number }
  | { readonly jeq: number; readonly jt?: string; readonly jf?: string }
  | { readonly ret: number }
);

/**
 * @returns `struct sock_filter[]`, 8 bytes an instruction, in host order
 * @throws RangeError for a label that is not there, or not further down
 */
export function assemble(program: readonly Instruction[]): Uint8Array {
  const out = new ByteWriter(program.length * 8);
  program.forEach((line, at) => {
    const distance = (label: string | undefined): number => {
      if (label === undefined) return 0;
      const to = program.findIndex((other) => other.label === label);
      if (to <= at) throw new RangeError(`no label ${label} below line ${at}`);
      return to - at - 1;
    };
    if ('jeq' in line) {
      put(out, CODES.jeq, line.jeq, distance(line.jt), distance(line.jf));
    } else if ('ldh' in line) {
      put(out, CODES.ldh, line.ldh);
    } else if ('ldb' in line) {
      put(out, CODES.ldb, line.ldb);
    } else {
      put(out, CODES.ret, line.ret);
    }
  });
  return out.written();
}

function put(out: ByteWriter, code: number, k: number, jumpTrue = 0, jumpFalse = 0): void {
  out.u16(code);
  out.u8(jumpTrue);
  out.u8(jumpFalse);
  out.u32(k);
}
