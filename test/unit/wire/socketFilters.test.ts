/**
 * The programs beside those that tcpdump 4.99 (libpcap's compiler) makes of the same conditions:
 * `tcpdump -y EN10MB -s 128 -ddd 'arp and ether[14:2] = 1'`, and for Neighbor Discovery
 * `tcpdump -y EN10MB -s 256 -ddd 'ether[20]=58 and (ether[54]=135 or ether[54]=136)'`.
 */
import { endianness } from 'node:os';
import { expect, test } from '@jest/globals';
import { arpProbe, encodeArp } from '../../../src/wire/arp.ts';
import { assemble } from '../../../src/wire/bpf.ts';
import { encodeNeighbor } from '../../../src/wire/neighborDiscovery.ts';
import { neighborProbe, unsolicitedAdvertisement } from '../../../src/wire/neighborAnswers.ts';
import { arpFilter, neighborFilter } from '../../../src/wire/socketFilters.ts';
import { runFilter } from '../../support/wire/bpfMachine.ts';
import { changed } from '../../support/wire/frames.ts';

/** As tcpdump -ddd prints it: code, jump if true, jump if false, k. */
function printed(program: Uint8Array): string[] {
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const isLittleEndian = endianness() === 'LE';
  return Array.from({ length: program.length / 8 }, (_, i) => {
    const at = 8 * i;
    const code = view.getUint16(at, isLittleEndian);
    const k = view.getUint32(at + 4, isLittleEndian);
    return `${code} ${view.getUint8(at + 2)} ${view.getUint8(at + 3)} ${k}`;
  });
}

test('ARP of Ethernet', () => {
  expect(printed(arpFilter())).toEqual([
    '40 0 0 12',
    '21 0 3 2054',
    '40 0 0 14',
    '21 0 1 1',
    '6 0 0 128',
    '6 0 0 0',
  ]);
});

test('Neighbor Solicitations and Advertisements', () => {
  expect(printed(neighborFilter())).toEqual([
    '48 0 0 20',
    '21 0 4 58',
    '48 0 0 54',
    '21 1 0 135',
    '21 0 1 136',
    '6 0 0 256',
    '6 0 0 0',
  ]);
});

const MAC = '02:00:00:00:00:0a';
const arp = encodeArp(arpProbe(MAC, '192.0.2.64'));
const solicitation = encodeNeighbor(neighborProbe(MAC, '2001:db8::1'));
const speaker = { mac: MAC, linkLocal: 'fe80::1' };
const advertisement = encodeNeighbor(unsolicitedAdvertisement('2001:db8::1', speaker));

test('what is decoded passes, and is kept whole', () => {
  expect(runFilter(arpFilter(), arp)).toBe(42);
  expect(
    runFilter(
      arpFilter(),
      new Uint8Array(1500).fill(0).map((_, i) => arp[i] ?? 0),
    ),
  ).toBe(128);
  expect(runFilter(neighborFilter(), solicitation)).toBe(78);
  expect(runFilter(neighborFilter(), advertisement)).toBe(86);
});

test.each([
  ['a frame that ends before what is looked at', arpFilter(), arp.slice(0, 15)],
  ['another EtherType', arpFilter(), solicitation],
  ['other hardware', arpFilter(), changed(arp, 14, 0, 6)],
  ['no type', neighborFilter(), solicitation.slice(0, 54)],
  ['UDP', neighborFilter(), changed(solicitation, 20, 17)],
  ['a router advertisement', neighborFilter(), changed(solicitation, 54, 134)],
  ['a redirect', neighborFilter(), changed(solicitation, 54, 137)],
])('%s does not pass', (_, program, frame) => {
  expect(runFilter(program, frame)).toBe(0);
});

test('a jump goes down, to a label that is there', () => {
  expect(() => assemble([{ jeq: 1, jf: 'away' }, { ret: 0 }])).toThrow('no label away');
  expect(() => assemble([{ label: 'up', ldb: 0 }, { jeq: 1, jt: 'up' }, { ret: 0 }])).toThrow(
    RangeError,
  );
});
