import { expect, test } from '@jest/globals';
import { decodeHostFile } from '../../../src/config/hostFile.ts';

test('a host file becomes a network', () => {
  const { value: host } = decodeHostFile({
    nodeName: 'Node-1',
    interfaces: [
      { name: 'lo', up: true, addresses: ['127.0.0.1/8', '::1/128'] },
      { name: 'eth0', addresses: ['192.168.1.10/24', 'FD00::10/64'] },
      { name: 'eth1', up: false },
      { name: 'kube-ipvs0', up: false, addresses: ['10.96.0.1/32'] },
    ],
    defaultGateways: ['192.168.1.1', 'fd00::01'],
  });
  expect(host).toEqual({
    nodeName: 'node-1',
    interfaces: [
      { name: 'lo', isUp: true, addresses: ['127.0.0.1/8', '::1/128'] },
      { name: 'eth0', isUp: true, addresses: ['192.168.1.10/24', 'fd00::10/64'] },
      { name: 'eth1', isUp: false, addresses: [] },
    ],
    defaultGateways: ['192.168.1.1', 'fd00::1'],
    families: ['IPv4', 'IPv6'],
    kernelVersion: '6.1.0',
    hasRandomFully: true,
    apiServerAddresses: [],
  });
});

test('the families, the kernel and the API server may be given', () => {
  const fields = {
    families: ['IPv6'],
    kernelVersion: '4.19.0-6-amd64',
    apiServerAddresses: ['10.0.0.1'],
  };
  expect(decodeHostFile({ nodeName: 'n', ...fields }).value).toMatchObject(fields);
});

test.each([
  ['1.6.1', false],
  ['1.6.2', true],
  ['1.8', true],
  ['v1.8.9', true],
  ['2.0', true],
  ['1.4.21', false],
])('iptables %s knows --random-fully: %s', (version, hasRandomFully) => {
  expect(decodeHostFile({ nodeName: 'n', iptables: { version } }).value?.hasRandomFully).toBe(
    hasRandomFully,
  );
});

test.each([
  [
    { nodeName: 'n', interfaces: [{ name: 'a', addresses: ['10.0.0.1'] }] },
    'interfaces[0].addresses[0]',
  ],
  [
    { nodeName: 'n', interfaces: [{ name: 'a', addresses: ['10.0.0.1/33'] }] },
    'interfaces[0].addresses[0]',
  ],
  [{ nodeName: 'n', interfaces: [{ up: true }] }, 'interfaces[0].name'],
  [{ nodeName: 'n', interfaces: [{ name: 'a', up: 'yes' }] }, 'interfaces[0].up'],
  [{ nodeName: 'n', interfaces: { name: 'a' } }, 'interfaces'],
  [{ nodeName: 'n', defaultGateways: ['10.0.0.0/8'] }, 'defaultGateways[0]'],
  [{ nodeName: 'n', families: ['ipv4'] }, 'families[0]'],
  [{ nodeName: 'n', families: [] }, 'families'],
  [{ nodeName: 'n', iptables: { version: 1.8 } }, 'iptables.version'],
  [{ nodeName: 'n', kernelVersion: 'new' }, 'kernelVersion'],
  [{ nodeName: 3 }, 'nodeName'],
  [{}, 'nodeName'],
  [null, 'host file'],
  [[], 'host file'],
])('%j is refused at %s', (document, path) => {
  const { problems } = decodeHostFile(document);
  expect(problems?.map((problem) => problem.path)).toEqual([path]);
});

test.each([
  [{ nodeName: 'n', interfaces: [{ name: 'a', nam: 'a' }] }, 'name'],
  [{ nodeName: 'n', interfaces: [{ name: 'a', ups: true }] }, 'up'],
  [{ nodeName: 'n', iptables: { versoin: '1.8' } }, 'version'],
  [{ nodeName: 'n', iptable: {} }, 'iptables'],
  [{ nodeName: 'n', interface: [] }, 'interfaces'],
])('of %j it is asked whether %s was meant', (document, meant) => {
  const [problem] = decodeHostFile(document).problems ?? [];
  expect(problem?.problem).toBe(`unknown field (did you mean ${meant}?)`);
});

test('each unknown field is an error with what was perhaps meant', () => {
  const { problems } = decodeHostFile({
    nodeName: 'n',
    interfaces: [{ name: 'a', adresses: [], ups: true }],
    gateways: 1,
  });
  expect(problems).toEqual([
    {
      path: 'interfaces[0].adresses',
      value: [],
      problem: 'unknown field (did you mean addresses?)',
    },
    { path: 'interfaces[0].ups', value: true, problem: 'unknown field (did you mean up?)' },
    { path: 'gateways', value: 1, problem: expect.stringContaining('unknown field') },
  ]);
});
