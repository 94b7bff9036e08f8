import { describe, expect, test } from '@jest/globals';
import { slimService } from '../../../src/model/slimService.ts';
import { sourceRanges } from '../../../src/model/sourceRanges.ts';
import { servicePorts } from '../../../src/model/service.ts';
import { formatPrefix } from '../../../src/net/prefix.ts';
import { rawService } from '../../support/objects/rawObjects.ts';

function rangesOf(...loadBalancerSourceRanges: unknown[]) {
  const { object } = slimService(rawService({ loadBalancerSourceRanges }));
  const { byFamily, problems } = sourceRanges(object!);
  return {
    IPv4: byFamily.IPv4?.map(formatPrefix),
    IPv6: byFamily.IPv6?.map(formatPrefix),
    reported: problems.map(({ value }) => value),
  };
}

test('without ranges both families are unrestricted', () => {
  expect(rangesOf()).toEqual({ reported: [] });
});

test('ranges are sorted into families and canonical', () => {
  expect(rangesOf('192.0.2.9/24', ' 10.0.0.0/8 ', 'FD00::1/64')).toEqual({
    IPv4: ['192.0.2.0/24', '10.0.0.0/8'],
    IPv6: ['fd00::/64'],
    reported: [],
  });
});

test('ranges of one family leave the other unrestricted, as kube-proxy does', () => {
  expect(rangesOf('10.0.0.0/8').IPv6).toBeUndefined();
  expect(rangesOf('fd00::/64').IPv4).toBeUndefined();
});

test('the shortest and longest ranges are kept as they are', () => {
  expect(rangesOf('0.0.0.0/0', '::/0', '10.0.0.1/32', 'fd00::1/128')).toMatchObject({
    IPv4: ['0.0.0.0/0', '10.0.0.1/32'],
    IPv6: ['::/0', 'fd00::1/128'],
  });
});

test('a range given twice counts once', () => {
  expect(rangesOf('10.0.0.0/8', '10.1.2.3/8').IPv4).toEqual(['10.0.0.0/8']);
});

test('leading zeros are decimal, and a range in IPv6 clothes restricts IPv4', () => {
  expect(rangesOf('192.168.010.0/024', '::ffff:172.16.0.0/108')).toEqual({
    IPv4: ['192.168.10.0/24', '172.16.0.0/12'],
    reported: [],
  });
});

describe('a malformed range fails closed:', () => {
  test('beside a good one it denies itself alone', () => {
    expect(rangesOf('10.0.0.0/33', '10.0.0.0/8')).toEqual({
      IPv4: ['10.0.0.0/8'],
      reported: ['10.0.0.0/33'],
    });
  });

  test('alone it admits nobody of its family', () => {
    expect(rangesOf('10.0.0.1')).toEqual({ IPv4: [], reported: ['10.0.0.1'] });
    expect(rangesOf('fd00::/129')).toEqual({ IPv6: [], reported: ['fd00::/129'] });
  });

  test('of no family to be told, it admits nobody of both', () => {
    expect(rangesOf('office')).toEqual({ IPv4: [], IPv6: [], reported: ['office'] });
    expect(rangesOf('')).toEqual({ IPv4: [], IPv6: [], reported: [''] });
    expect(rangesOf('/')).toEqual({ IPv4: [], IPv6: [], reported: ['/'] });
  });

  test('of any length it is judged in one go', () => {
    const text = '1'.repeat(1_000_000);
    expect(rangesOf(`${text}x`, ':'.repeat(1_000_000)).reported).toHaveLength(2);
  });

  test('of no family to be told, beside a good one, it closes the family that has no other', () => {
    expect(rangesOf('office', '10.0.0.0/8')).toEqual({
      IPv4: ['10.0.0.0/8'],
      IPv6: [],
      reported: ['office'],
    });
  });

  test('of IPv4 in IPv6 clothes, it admits nobody of both', () => {
    for (const text of ['::ffff:10.0.0.0/130', '::ffff:a00:0/64', '::10.0.0/120']) {
      expect(rangesOf(text)).toEqual({ IPv4: [], IPv6: [], reported: [text] });
    }
  });

  test('of another type it denies as well', () => {
    expect(rangesOf(null)).toEqual({ IPv4: [], IPv6: [], reported: ['null'] });
  });
});

test('the port of a closed Service says so with an empty list, that of an open one with none', () => {
  const ports = (ranges: string[]) =>
    servicePorts(slimService(rawService({ loadBalancerSourceRanges: ranges })).object!);
  expect(ports(['bad']).ports[0]?.sourceRanges).toEqual([]);
  expect(ports([]).ports[0]).not.toHaveProperty('sourceRanges');
  expect(ports(['bad']).problems).toEqual([
    {
      path: 'Service/default/web.spec.loadBalancerSourceRanges[0]',
      value: 'bad',
      problem: 'is not a range of the form address/length',
      consequence: 'RangeAdmitsNobody',
    },
  ]);
});

test('a malformed range of the annotation is reported at the annotation', () => {
  const key = 'service.beta.kubernetes.io/load-balancer-source-ranges';
  const metadata = { name: 'web', annotations: { [key]: '10.0.0.0/8,bad' } };
  const { object } = slimService(rawService({}, { metadata }));
  expect(sourceRanges(object!).problems.map(({ path }) => path)).toEqual([
    `Service/default/web.metadata.annotations[${key}]`,
  ]);
});
