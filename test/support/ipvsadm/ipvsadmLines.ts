/**
 * Command lines that change IPVS, drawn by a seeded generator: most are good and meet what earlier
 * ones made, some lack an option, carry one too many, a bad value or another order.
 */
import { randomNumbers } from '../program/randomNumbers.ts';

const SERVICES = [
  '-t 10.0.0.1:80',
  '-t 10.0.0.1:443',
  '-t 192.168.0.1:http',
  '-u 10.0.0.1:53',
  '-u [fd00::1]:53',
  '-t [fd00::1]:80',
  '--sctp-service 10.0.0.1:3868',
  '-f 7',
  '-f 7 -6',
  '-f 4294967295',
  '-t 10.0.0.2',
  '-t 10.0.0.300:80',
  '-t fd00::1',
  '-u [fd00::1',
  '-f 0x7',
];
const SERVERS = [
  '10.244.0.1',
  '10.244.0.1:8080',
  '10.244.0.2:8080',
  '10.244.1.1:domain',
  '[fd00:10::1]:8080',
  'fd00:10::2',
  '224.0.0.9:1',
  '10.244.0.3:70000',
];
const OF_SERVICES = [
  '-s rr',
  '-s wlc',
  '-s sh',
  '-s mh',
  '-s nosuch',
  '-p',
  '-p 60',
  '-p 2678400',
  '-p 0',
  '-M 255.255.255.0',
  '-M 64',
  '-o',
  '--pe sip',
  '-b flag-1',
  '-b sh-port,sh-fallback',
  '-b mh-port',
];
const OF_SERVERS = [
  '-m',
  '-g',
  '-i',
  '-w 0',
  '-w 100',
  '-w 2147483647',
  '-w x',
  '-x 10',
  '-y 5',
  '-i --tun-type gue --tun-port 6080',
  '-i --tun-type gre --tun-csum',
  '--tun-type ipip',
  '--tun-remcsum',
];
const COMMANDS = ['-A', '-A', '-A', '-E', '-D', '-a', '-a', '-a', '-a', '-e', '-e', '-d', '-Z'];
const STRANGE = ['-n', '-c', '--foo', 'word', '--stats', '-L', '--syncid 5', '--sort', '-6', '--'];

/** @returns lines of words with a blank between */
export function changeLines(seed: number, count: number): string[] {
  const random = randomNumbers(seed);
  const chance = (probability: number) => random() < probability;
  const of = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)]!;
  /** the first ones mostly: so that lines meet */
  const usual = <T>(list: readonly T[]) =>
    chance(0.8) ? list[Math.floor(random() * list.length * 0.4)]! : of(list);
  return Array.from({ length: count }, () => {
    const command = of(COMMANDS);
    const parts: string[] = [];
    if (!chance(0.04)) parts.push(usual(SERVICES));
    if ('aed'.includes(command[1]!) ? !chance(0.04) : chance(0.02)) {
      parts.push(`-r ${usual(SERVERS)}`);
    }
    const own = 'AE'.includes(command[1]!) ? OF_SERVICES : OF_SERVERS;
    const wanted = 'AEae'.includes(command[1]!) ? Math.floor(random() * 4) : chance(0.05) ? 1 : 0;
    for (let i = 0; i < wanted; i++) parts.push(chance(0.95) ? usual(own) : of(OF_SERVICES));
    if (chance(0.06)) parts.push(of(STRANGE));
    if (chance(0.15)) parts.reverse();
    return [command, ...parts].join(' ');
  });
}
