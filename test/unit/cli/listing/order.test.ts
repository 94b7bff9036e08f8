/**
 * The order of a listing, wrapped differences and circles included, as the real program was seen to
 * print it.
 */
import { describe, expect, test } from '@jest/globals';
import { sortedDestinations, sortedServices } from '../../../../src/cli/listing/order.ts';
import type { IpvsDestination, IpvsService } from '../../../../src/netlink/ipvs.ts';

const destination = (address: string, port = 80) =>
  ({ family: address.includes(':') ? 'IPv6' : 'IPv4', address, port }) as IpvsDestination;

const sorted = (...addresses: string[]) =>
  sortedDestinations(addresses.map((address) => destination(address))).map(
    ({ address }) => address,
  );

describe('destinations', () => {
  const [ten, hundred, far] = ['10.0.0.1', '100.0.0.1', '192.168.0.1'] as const;

  test.each([
    // in the kernel's order (newest first), and as printed
    [
      [far, hundred, ten],
      [far, ten, hundred],
    ],
    [
      [hundred, far, ten],
      [hundred, far, ten],
    ],
    [
      [far, ten, hundred],
      [far, ten, hundred],
    ],
    [
      [ten, far, hundred],
      [ten, hundred, far],
    ],
    [
      [hundred, ten, far],
      [hundred, far, ten],
    ],
    [
      [ten, hundred, far],
      [ten, hundred, far],
    ],
  ])('%j in a circle are printed as %j', (kernel, printed) => {
    expect(sorted(...kernel)).toEqual(printed);
  });

  test('addresses less than 2^31 apart go up, then ports', () => {
    expect(sorted('10.0.0.2', '9.255.255.255', '10.0.0.10')).toEqual([
      '9.255.255.255',
      '10.0.0.2',
      '10.0.0.10',
    ]);
    const ports = sortedDestinations([destination('::1', 9), destination('::1', 10)]);
    expect(ports.map(({ port }) => port)).toEqual([9, 10]);
  });
});

test('services: huge marks, IPv4, IPv6, then marks; protocols by number', () => {
  const address = (family: string, protocol: number, at: string) =>
    ({ family, protocol, address: at, port: 80 }) as IpvsService;
  const mark = (fwmark: number, family: string) => ({ family, fwmark }) as IpvsService;
  const kernel = [
    mark(5, 'IPv6'),
    mark(5, 'IPv4'),
    address('IPv6', 6, 'fd00::1'),
    address('IPv4', 132, '10.0.0.1'),
    mark(3_000_000_000, 'IPv4'),
    address('IPv4', 17, '10.0.0.1'),
    address('IPv4', 6, '172.16.0.1'),
  ];
  expect(sortedServices(kernel)).toEqual([4, 6, 5, 3, 2, 1, 0].map((index) => kernel[index]));
});

test('sorting a sorted list of any length changes nothing', () => {
  for (const length of [0, 1, 2, 3, 7, 100]) {
    const addresses = Array.from({ length }, (_, i) => `10.0.0.${i}`);
    expect(sorted(...addresses.toReversed())).toEqual(addresses);
    expect(sorted(...addresses)).toEqual(addresses);
  }
});
