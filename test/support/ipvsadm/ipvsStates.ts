/**
 * Kernel states for comparing listings: lines for `ipvsadm -R`, drawn by a seeded generator, so
 * that a difference can be made again. Extremes are likelier than in life: addresses far apart,
 * long names, every flag and tunnel.
 */
import { randomNumbers } from '../program/randomNumbers.ts';

const PORTS = [1, 22, 53, 80, 443, 3306, 5060, 8080, 65_535];
const IPV4 =
  '10.0.0.1 10.96.0.10 100.0.0.1 127.0.0.1 172.16.0.1 192.168.0.1 192.168.100.200 203.0.113.113 223.255.255.254'.split(
    ' ',
  );
const IPV6 =
  'fd00::1 fd00::a:0:1 2001:db8:1111:2222:3333:4444:5555:6666 2001:db8:: 8000::1 7fff:ffff::1 2001:db8:0:0:1::1 ::1.2.3.4 fe80:1::1'.split(
    ' ',
  );
const SCHEDULERS = [
  'rr',
  'wrr',
  'lc',
  'wlc',
  'lblc',
  'lblcr',
  'dh',
  'sh',
  'sed',
  'nq',
  'fo',
  'ovf',
  'mh',
];
const MASKS: Readonly<Record<'4' | '6', readonly string[]>> = {
  4: ['255.255.255.255', '255.255.255.0', '255.0.0.0', '128.0.0.0'],
  6: ['1', '56', '64', '127', '128'],
};

/** One state: services with their destinations; some lines the kernel may refuse, as duplicates. */
export function randomState(seed: number): string[] {
  const draw = new Draw(seed);
  return Array.from({ length: draw.below(14) }, () => serviceLines(draw)).flat();
}

class Draw {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = randomNumbers(seed);
  }

  below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  chance(probability: number): boolean {
    return this.#random() < probability;
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  address(family: '4' | '6'): string {
    if (family === '6') {
      if (this.chance(0.5)) return this.of(IPV6);
      const group = () => this.of([0, 0, 1, this.below(0x10000)]).toString(16);
      return [
        '2001',
        ...Array.from({ length: 6 }, group),
        (1 + this.below(0xfffe)).toString(16),
      ].join(':');
    }
    if (this.chance(0.5)) return this.of(IPV4);
    return [1 + this.below(126), this.below(256), this.below(256), 1 + this.below(254)].join('.');
  }

  port(): number {
    return this.chance(0.7) ? this.of(PORTS) : 1 + this.below(65_535);
  }
}

const joined = (address: string, port: number) =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;

function serviceLines(draw: Draw): string[] {
  const family = draw.chance(0.6) ? '4' : '6';
  const kind = draw.of(['-t', '-t', '-u', '--sctp-service', '-f'] as const);
  const which =
    kind === '-f'
      ? markOption(draw, family)
      : `${kind} ${joined(draw.address(family), draw.port())}`;
  const destinations = Array.from({ length: draw.of([0, 1, 2, 3, 5, 9]) }, () => {
    return `-a ${which} ${destinationOptions(draw, family, kind)}`;
  });
  return [`-A ${which} ${settings(draw, family, kind)}`, ...destinations];
}

function markOption(draw: Draw, family: '4' | '6'): string {
  const mark = draw.of([1, 7, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 1 + draw.below(1000)]);
  return `-f ${mark}${family === '6' ? ' -6' : ''}`;
}

function settings(draw: Draw, family: '4' | '6', kind: string): string {
  const scheduler = draw.of(SCHEDULERS);
  const words = [`-s ${scheduler}`];
  if (draw.chance(0.4)) {
    words.push(`-p ${draw.of([1, 300, 10_800, 2_678_400])}`);
    if (draw.chance(0.5)) words.push(`-M ${draw.of(MASKS[family])}`);
    if (draw.chance(0.2) && kind === '-u') words.push('--pe sip');
  }
  if ((kind === '-u' || kind === '-f') && draw.chance(0.3)) words.push('-o');
  if (draw.chance(0.4)) {
    const own = scheduler === 'sh' || scheduler === 'mh';
    const names = own
      ? [`${scheduler}-fallback`, `${scheduler}-port`]
      : ['flag-1', 'flag-2', 'flag-3'];
    const chosen = names.filter(() => draw.chance(0.5));
    if (chosen.length > 0) words.push(`-b ${chosen.join(',')}`);
  }
  return words.join(' ');
}

function destinationOptions(draw: Draw, serviceFamily: '4' | '6', kind: string): string {
  const method = draw.of(['-m', '-m', '-g', '-i']);
  const isMixed = method === '-i' && draw.chance(0.3);
  const family = isMixed ? (serviceFamily === '4' ? '6' : '4') : serviceFamily;
  const address = draw.address(family);
  const server = method === '-m' || kind === '-f' ? joined(address, draw.port()) : address;
  const bare =
    server.includes(':') && !server.startsWith('[') && family === '6' ? `[${server}]:0` : server;
  const words = [`-r ${bare}`, method, `-w ${draw.of([0, 1, 100, 65_535, 2 ** 31 - 1])}`];
  if (method === '-i' && draw.chance(0.7)) words.push(tunnelOptions(draw));
  if (draw.chance(0.3)) {
    const upper = draw.of([1, 1000, 2_000_000_000]);
    words.push(`-x ${upper} -y ${draw.below(upper)}`);
  }
  return words.join(' ');
}

function tunnelOptions(draw: Draw): string {
  const type = draw.of(['ipip', 'gue', 'gre']);
  if (type === 'ipip') return '--tun-type ipip';
  const port = type === 'gue' ? ` --tun-port ${draw.port()}` : '';
  const flag = draw.of([
    '--tun-nocsum',
    '--tun-csum',
    ...(type === 'gue' ? ['--tun-remcsum'] : []),
  ]);
  return `--tun-type ${type}${port} ${flag}`;
}
