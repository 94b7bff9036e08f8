import { expect, test } from '@jest/globals';
import { globsOfExpression } from '../../../../src/config/loadBalancer/interfaceGlobs.ts';
import { isGlob, matchesGlob } from '../../../../src/net/glob.ts';

test.each([
  ['^eth0$', ['eth0']],
  ['^eth0', ['eth0*']],
  ['eth0$', ['*eth0']],
  ['eth0', ['*eth0*']],
  ['^eth[0-9]+', ['eth[0-9]*']],
  ['^eth[0-9]*', ['eth*']],
  [String.raw`^eth\d+`, ['eth[0-9]*']],
  ['^eth[0-9]$', ['eth[0-9]']],
  ['^eth[^0-1]$', ['eth[^0-1]']],
  ['^eth.$', ['eth?']],
  ['^eth.*$', ['eth*']],
  ['^eth.+$', ['eth?*']],
  ['^eth.*', ['eth*']],
  ['.*', ['*']],
  ['', ['*']],
  [String.raw`^a\*\*`, [String.raw`a\*\**`]],
  ['^(eth0|eth1)$', ['eth0', 'eth1']],
  ['^(?:en|e)th[01]$', ['enth[01]', 'eth[01]']],
  ['^eth0$|^bond0$', ['eth0', 'bond0']],
  ['^eth0|bond0$', ['eth0*', '*bond0']],
  ['^en(p1)?s0$', ['ens0', 'enp1s0']],
  [String.raw`^eth0\.100$`, ['eth0.100']],
  [String.raw`^br\-lan$`, ['br-lan']],
  [String.raw`^a\[b$`, [String.raw`a\[b`]],
  [String.raw`^a\*$`, [String.raw`a\*`]],
])('%s is %j', (expression, globs) => {
  expect(globsOfExpression(expression)).toEqual(globs);
  expect(globs.every(isGlob)).toBe(true);
});

test.each([
  '^eth[0-9]+$',
  '^e*th0$',
  '^(eth0)+$',
  '^eth{2}$',
  '^eth0{1,2}',
  '(?i)eth0',
  '^(eth0',
  'eth0)',
  '[a',
  'a[',
  '^a^b$',
  'a$b',
  '*eth',
  'eth++0',
  String.raw`^eth\b`,
  String.raw`eth\s`,
  'eth\\',
  '^[[:alpha:]]$',
  '^(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)$',
  '('.repeat(50),
])('%s cannot be said', (expression) => {
  expect(globsOfExpression(expression)).toBeUndefined();
});

const NAMES =
  'eth0 eth1 eth10 veth0 eth0.100 eth bond0 xbond0 bond00 ens0 enp1s0 br-lan br-lan2 a[b a* ab lo enth1 ethx _ é'.split(
    ' ',
  );

test.each([
  '^eth[0-9]+',
  'eth',
  '^eth[0-9]*|lo$',
  'bond0$',
  '^(eth|bond)[01]$',
  '^e(n|t)?(h|p).*[0-9]$',
  String.raw`^\w\w$`,
  '^.+0$',
  '^[^e]',
  '(a|)b',
  'et?h+',
  '^en(p1)?s0?',
])('the globs of %s fit the names that it fits', (expression) => {
  const globs = globsOfExpression(expression)!;
  for (const name of NAMES) {
    const fits = globs.some((glob) => matchesGlob(glob, name));
    expect([name, fits]).toEqual([name, new RegExp(expression, 'u').test(name)]);
  }
});
