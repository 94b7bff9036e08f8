import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { LineSplitter } from '../../../src/cluster/lineSplitter.ts';

describe('LineSplitter', () => {
  test('gives lines as they are completed and keeps the rest', () => {
    const splitter = new LineSplitter();
    expect(splitter.push(Buffer.from('one\ntw'))).toEqual(['one']);
    expect(splitter.push(Buffer.from('o'))).toEqual([]);
    expect(splitter.pendingBytes).toBe(3);
    expect(splitter.push(Buffer.from('\n\n'))).toEqual(['two']);
    expect(splitter.pendingBytes).toBe(0);
  });

  test('a UTF-8 sequence cut between any two bytes comes out whole', () => {
    const bytes = Buffer.from('{"name":"žluťoučký 🐎"}\n');
    for (let at = 0; at <= bytes.length; at++) {
      const splitter = new LineSplitter();
      const lines = [...splitter.push(bytes.subarray(0, at)), ...splitter.push(bytes.subarray(at))];
      expect(lines).toEqual(['{"name":"žluťoučký 🐎"}']);
    }
  });

  test('any lines in any pieces come out as the same lines', () => {
    const line = fc
      .string({ unit: 'grapheme', minLength: 1 })
      .map((text) => JSON.stringify({ text }));
    fc.assert(
      fc.property(fc.array(line), fc.array(fc.integer({ min: 1, max: 9 })), (lines, sizes) => {
        const bytes = Buffer.from(lines.map((each) => `${each}\n`).join(''));
        const splitter = new LineSplitter();
        const found: string[] = [];
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const size = sizes[i % Math.max(1, sizes.length)] ?? 3;
          found.push(...splitter.push(bytes.subarray(at, at + size)));
          at += size;
        }
        expect(found).toEqual(lines);
      }),
    );
  });

  test('a line without an end is refused instead of filling the memory', () => {
    const splitter = new LineSplitter(10);
    splitter.push(Buffer.from('0123456789'));
    expect(() => splitter.push(Buffer.from('x'))).toThrow('longer than 10 bytes');
  });
});
