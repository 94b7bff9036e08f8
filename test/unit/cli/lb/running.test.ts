import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { askAgent } from '../../../../src/cli/agentRequest.ts';
import { RELEASE_PATH } from '../../../../src/loadbalancer/announcerPaths.ts';
import type { ThreadReport } from '../../../../src/loadbalancer/announcer/messages.ts';
import type { NotOurs } from '../../../../src/loadbalancer/notOurs.ts';
import { announcerRoutes } from '../../../../src/loadbalancer/shell/announcerRoutes.ts';
import { LocalServer } from '../../../../src/localserver/shell/localServer.ts';
import { addressReport, peerReport, threadReport } from '../../../support/loadbalancer/reports.ts';
import { runCommand, Scratch } from '../../../support/program/command.ts';
import { FakeClock } from '../../../support/program/fakeClock.ts';
import { FakeFeatureHost } from '../../../support/program/featureHost.ts';

const OURS = addressReport({
  stance: 'answering',
  interfaces: ['eth0'],
  owners: ['n1'],
  elected: 'n1',
  candidates: ['n1', 'n2'],
  excluded: [{ node: 'n3', reason: 'Excluded' }],
});
const THEIRS = addressReport({
  address: '2001:db8::1',
  services: ['shop/api', 'shop/web'],
  owners: ['n2'],
  elected: 'n2',
  candidates: ['n2', 'n1'],
});

const report = (given: Partial<ThreadReport> = {}) =>
  threadReport({ addresses: [OURS, THEIRS], ...given });

let scratch: Scratch;
let server: LocalServer;
let told: ThreadReport;
let others: readonly NotOurs[];
let stay: readonly string[];
let released: (readonly string[] | undefined)[];
let socketPath: string;

beforeEach(async () => {
  scratch = await Scratch.make();
  socketPath = join(scratch.path, 'agent.sock');
  told = report();
  others = [];
  stay = [];
  released = [];
  const { routes } = new FakeFeatureHost();
  const handle = {
    report: () => Promise.resolve(told),
    release: (addresses?: readonly string[]) => {
      released.push(addresses);
      return Promise.resolve(stay);
    },
  };
  announcerRoutes(routes, handle, () => others);
  const onError = (message: string) => {
    throw new Error(message);
  };
  server = new LocalServer({ path: socketPath, routes, clock: new FakeClock(), onError });
  await server.start();
});

afterEach(async () => {
  await server.close();
  await scratch.remove();
});

const lb = (...words: readonly string[]) =>
  runCommand(['lb', ...words, '--agent-socket', socketPath]);

describe('lb status', () => {
  test('says who has what, who is next, who may not, and who is heard', async () => {
    const { stdout, exitCode } = await lb('status');
    expect(stdout).toBe(
      'ADDRESSES (2)\n' +
        '  192.0.2.64 (shop/web): n1 on eth0 for 61.0 s\n' +
        '    next n2; not n3 Excluded\n' +
        '  2001:db8::1 (shop/api, shop/web): n2\n' +
        '    next n1\n' +
        'NODES (2)\n' +
        '  n1: this one\n' +
        '  n2: Alive, heard 0.1 s ago, 1 addresses\n',
    );
    expect(exitCode).toBe(0);
  });

  test.each([
    ['192.0.2.64', ['192.0.2.64']],
    ['2001:DB8:0::1', ['2001:db8::1']],
    ['shop/api', ['2001:db8::1']],
    ['shop/web', ['192.0.2.64', '2001:db8::1']],
  ])('of %s', async (wanted, expected) => {
    const { stdout } = await lb('status', wanted, '-o', 'json');
    const { addresses } = JSON.parse(stdout) as ThreadReport;
    expect(addresses.map((each) => each.address)).toEqual(expected);
  });

  test('of what is not ours: who serves it, and why we do not', async () => {
    const why = 'it has no loadBalancerClass, and serveUnclassed is false';
    others = [
      { service: 'shop/cloud', ingress: [{ ip: '198.51.100.01', ipMode: 'Proxy' }], why },
      { service: 'shop/early', ingress: [], why },
      { service: 'shop/named', ingress: [{ hostname: 'lb.example' }], why },
    ];
    const line = {
      cloud: `  shop/cloud: 198.51.100.01 (Proxy), given by somebody else; ${why}\n`,
      early: `  shop/early: no address yet; ${why}\n`,
      named: `  shop/named: lb.example, given by somebody else; ${why}\n`,
    };
    const { stdout } = await lb('status');
    expect(stdout).toContain(`NOT OURS (3)\n${line.cloud}${line.early}${line.named}NODES (2)\n`);
    for (const [wanted, expected] of [
      ['198.51.100.1', line.cloud],
      ['shop/early', line.early],
      ['lb.example', line.named],
    ] as const) {
      const { stdout: part, exitCode } = await lb('status', wanted);
      expect(part).toContain(`ADDRESSES (0)\nNOT OURS (1)\n${expected}NODES (2)\n`);
      expect(exitCode).toBe(0);
    }
  });

  test('of what nobody has: an error', async () => {
    const { stdout, stderr, exitCode } = await lb('status', 'shop/nothing');
    expect(stderr).toContain('error: shop/nothing: no Service of type LoadBalancer');
    expect([stdout, exitCode]).toEqual(['', 1]);
  });

  test('shows what is not as it should be', async () => {
    told = report({
      isAlone: true,
      addresses: [
        addressReport({ cause: 'NoEndpoints' }),
        addressReport({ stance: 'probing', elected: 'n1', candidates: ['n1'] }),
        addressReport({ owners: ['n2'], elected: 'n1', candidates: ['n1', 'n2'] }),
      ],
      peers: [
        peerReport({ hearsUs: false, hasSameConfiguration: false }),
        peerReport({ node: 'n3', state: 'Unknown', claims: 0 }),
      ],
    });
    const { stdout } = await lb('status');
    expect(stdout).toContain('192.0.2.64 (shop/web): NoEndpoints\n');
    expect(stdout).toContain('(shop/web): nobody yet; this node asks whether somebody has it\n');
    expect(stdout).toContain('(shop/web): n2; goes to n1\n');
    expect(stdout).toContain('  n1: this one; hears nobody, and goes by the wire\n');
    expect(stdout).toContain('does not hear this node; has another configuration\n');
    expect(stdout).toContain('  n3: Unknown, 0 addresses\n');
  });
});

describe('lb release', () => {
  test('hands over what is named', async () => {
    const { stdout, exitCode } = await lb('release', '192.0.2.64');
    expect([stdout, exitCode]).toEqual(['192.0.2.64 is handed over\n', 0]);
    expect(released).toEqual([['192.0.2.64']]);
  });

  test('hands over all that this node has', async () => {
    await lb('release', '--all');
    expect(released).toEqual([['192.0.2.64']]);
  });

  test('what nobody else may announce stays', async () => {
    stay = ['192.0.2.64'];
    const { stdout, stderr, exitCode } = await lb('release', '--all');
    expect(stderr).toContain('192.0.2.64 stays: no other node may announce it');
    expect([stdout, exitCode]).toEqual(['', 1]);
  });

  test('not what another node announces', async () => {
    const { stderr, exitCode } = await lb('release', '2001:DB8::1');
    expect([stderr, exitCode]).toEqual(['error: 2001:db8::1 is not announced by n1\n', 1]);
    expect(released).toEqual([]);
  });

  test('of whoever asks the socket himself, an address in any form', async () => {
    const post = (typed: string) =>
      askAgent({ socketPath, method: 'POST', path: `${RELEASE_PATH}?address=${typed}` });
    await post('2001:DB8:0::1');
    await expect(post('2001:DB8:0')).rejects.toThrow('an address is no IP address');
    expect(released).toEqual([['2001:db8::1']]);
  });

  test.each([
    [[], 'needs addresses, or --all'],
    [['--all', '192.0.2.64'], 'addresses or --all, not both'],
    [['192.0.2'], 'is not an IP address'],
  ])('%j is refused', async (words, problem) => {
    const { stderr, exitCode } = await lb('release', ...words);
    expect(stderr).toContain(problem);
    expect(exitCode).toBe(2);
  });
});

describe('lb check', () => {
  test('is content where all is right, but for what this machine has for sysctls', async () => {
    const { stdout } = await lb('check');
    expect(stdout).toContain('ok     interfaces that may announce: eth0 (192.0.2.1/24)\n');
    expect(stdout).toContain('ok     node n2: heard in both directions\n');
    expect(stdout).toMatch(/^(ok {4}|wrong) {2}net\.ipv4\.conf\.all\.arp_ignore: /m);
  });

  test('says what to do', async () => {
    told = report({ attachments: [], peers: [peerReport({ state: 'Dead', silenceMs: 9_000 })] });
    const { stdout, exitCode } = await lb('check');
    expect(stdout).toContain('wrong  interfaces that may announce: none: an Ethernet interface');
    expect(stdout).toContain('wrong  node n2: not heard for 9 s: is its proxy running');
    expect(exitCode).toBe(1);
  });
});

test('without a proxy on this node', async () => {
  const { stderr, exitCode } = await runCommand(['lb', 'status', '--agent-socket', '/nowhere']);
  expect([stderr, exitCode]).toEqual(['error: no proxy runs here (/nowhere)\n', 1]);
});

test('of a proxy without a load balancer', async () => {
  const path = join(scratch.path, 'other.sock');
  const onError = () => undefined;
  const other = new LocalServer({ path, routes: new Map(), clock: new FakeClock(), onError });
  await other.start();
  const { stderr, exitCode } = await runCommand(['lb', 'status', '--agent-socket', path]);
  await other.close();
  expect(stderr).toContain('the proxy on this node announces no addresses');
  expect(exitCode).toBe(1);
});
