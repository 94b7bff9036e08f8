/**
 * Names and numbers on command lines, ours beside the real ipvsadm under the same /etc/hosts and
 * /etc/services: what the C library makes of them and Node does not.
 */
import { expect, test } from '@jest/globals';
import {
  type Answer,
  type Command,
  ourAnswersUnder,
  realAnswers,
  withoutHelpWords,
} from '../support/ipvsadm/ipvsadmOracle.ts';
import { twoNamespaces } from '../support/ipvsadm/twoNamespaces.ts';
import { requireIpvs } from '../support/lab/kernelProbe.ts';

const describe = await requireIpvs();

const ETC = {
  hosts: `127.0.0.1 localhost
::1 localhost ip6-localhost   # a comment
fd00::5 only6.test
192.0.2.9 several.test Mixed.Test
192.0.2.2 several.test
10.0.0.7 several.test
fd00::7 both.test
10.9.9.9	both.test	tab.alias
192.0.2.33 1.2.3.4.test 99 under_score
::ffff:192.0.2.44 mapped.test
not-an-address bad.test
192.0.2.55#glued.test
192.0.2.66 münchen
`,
  services: `http		80/tcp		www WorldWideWeb	# comment alias
http		8080/udp
bad 70000/tcp
huge 4294967376/tcp
leading 0081/tcp
plus +82/tcp
hex 0x53/tcp
space 84 /tcp
  indented 85/tcp
glued 86/tcp#comment
twice 87/tcp
twice 88/tcp
other 87/tcp
upper 89/TCP
noport /tcp
noprotocol 90
both 91/tcp
both 91/udp
sig 92/sctp alias92
nbsp 93/tcp
# commented 94/tcp
443 95/tcp
dash-name 96/tcp
`,
};

const HOSTS = `
localhost LOCALHOST localhost. ip6-localhost only6.test several.test SEVERAL.TEST mixed.test both.test tab.alias mapped.test
bad.test glued.test 1.2.3.4.test 99.test under_score münchen xn--mnchen-3ya nosuch.test 127.1 0x7f.1 0X7F.0.0.1 0177.1 08.1 0x.1
0x 1..1 1.2.3.4. .1.2.3.4 1.2.3 1.2.65535 1.2.65536 4294967295 4294967296 256.1.1.1 1.2.3.256 00000000000000000000012.1 +1.2.3.4
::1 2001:db8::1 fe80::1%lo fe80::1 fd00::2 ::ffff:1.2.3.4 ::1.2.3.4 ::1.2.3.04 1:2:3:4:5:6:7:: ::2:3:4:5:6:7:8 1:2:3:4:5:6:7:8 12345::1
1::2::3 ::1: :1 ff02::1 [::1] [127.0.0.1] [localhost] a[10.0.0.1] 10.0.0.1%lo
`
  .trim()
  .split(/\s+/);

const PORTS = `
80 080 +80 -80 0x50 0 65535 65536 8e1 80x http HTTP www WorldWideWeb bad huge leading plus hex space indented glued twice other upper
noport noprotocol both sig alias92 nbsp commented 443 dash-name nosuch :80
`
  .trim()
  .split(/\s+/);

/** With blanks of this and of other alphabets, which a shell's words may hold. */
const ODD = [
  '10.0.0.1 x:80',
  '10.0.0.1\tx:80',
  '10.0.0.1\u00a0x:80',
  '10.0.0.1\u2003:80',
  ' 10.0.0.1:80',
  '\u00a010.0.0.1:80',
  '10.0.0.1: 80',
  '10.0.0.1:\u00a080',
  '10.0.0.1:80 ',
  '10.0.0.1:http ',
  '10.0.0.1: http',
  '\u0661\u0660.0.0.1:80',
  '10.0.0.1:\u0668\u0660',
  '',
  ':',
  ':80',
  '[]:80',
  '[',
  '[::1]',
  '[::1]80',
  '[::1]:',
  '[::1]:http:80',
  '[several.test:80]:70',
  '[several.test]:70',
];

describe('under the same files', () => {
  const both = twoNamespaces();

  // Many processes of the real one.

  async function expectEqual(commands: readonly Command[]): Promise<void> {
    const clean = { argv: ['-C'] };
    const all: Command[] = [
      clean,
      ...commands,
      { argv: ['-Sn'] },
      { argv: ['-S'] },
      { argv: ['-L'] },
    ];
    const real = await realAnswers(both.theirs, all, 'ipvsadm', ETC);
    const found = await ourAnswersUnder(both.ours, all, ETC);
    // Addresses far apart sort by the order in which the kernel has them.
    const told = (answers: readonly Answer[]) =>
      all.map(({ argv, stdin }, i) => {
        const { stdout, ...rest } = withoutHelpWords(answers[i]!);
        return { argv, stdin, ...rest, stdout: stdout.split('\n').toSorted() };
      });
    // What ipvsadm does not say: in which line of -R.
    const quiet = found.map((each) => ({
      ...each,
      stderr: each.stderr.replaceAll(/^line \d+: /gm, ''),
    }));
    expect(told(quiet)).toEqual(told(real));
  }

  const persistent = (socket: string) => ({ argv: ['-A', '-t', socket, '-s', 'rr', '-p', '5'] });

  test('hosts, without a port and with a named one', async () => {
    const bare = HOSTS.filter((host) => host.includes(':'));
    await expectEqual([...HOSTS.map((host) => `${host}:http`), ...bare].map(persistent));
  });

  test('hosts in brackets', async () => {
    const odd = HOSTS.filter((host) => /[:%[]|several|^1/.test(host));
    await expectEqual(odd.map((host) => persistent(`[${host}]:www`)));
  });

  test('ports of TCP, UDP and SCTP', async () => {
    const named = PORTS.filter((port) => /^(?:http|www|both|sig|upper|noport)$/.test(port));
    const add = (option: string) => (port: string) => ({
      argv: ['-A', option, `10.0.0.1:${port}`, '-s', 'rr', '-p', '5'],
    });
    await expectEqual([
      ...PORTS.map(add('-t')),
      ...named.map(add('-u')),
      ...named.map(add('--sctp-service')),
    ]);
  });

  test('ports behind IPv6 addresses', async () => {
    const few = ['80', '80x', 'http', 'bad', 'nosuch', '', '0x50'];
    await expectEqual(
      few.flatMap((port) => [persistent(`fd00::1:${port}`), persistent(`[fd00::1]:${port}`)]),
    );
  });

  test('blanks, digits and brackets that are none', async () => {
    await expectEqual(ODD.map(persistent));
  });

  test('servers', async () => {
    const servers = ['fd00::2:http', 'several.test:www', 'both.test', '10.1:bad', 'fe80::1%lo:80'];
    await expectEqual([
      persistent('10.0.0.1:80'),
      persistent('[fd00::1]:80'),
      ...servers.flatMap((server) => [
        { argv: ['-a', '-t', '10.0.0.1:80', '-r', server, '-m'] },
        { argv: ['-a', '-t', '[fd00::1]:80', '-r', server, '-m'] },
      ]),
    ]);
  });

  test('masks', async () => {
    const masks = [
      '::1',
      'several.test',
      'nosuch.test',
      '255.255.0',
      '0xffffff00',
      '24',
      'fd00::1',
    ];
    const of6 = ['64', '64x', '4294967360', '-4294967232', '99999999999999999999', ' 64', '+64'];
    await expectEqual([
      ...masks.map((mask, i) => ({ argv: ['-A', '-t', `10.0.0.${i}:80`, '-p', '-M', mask] })),
      ...of6.map((mask, i) => ({ argv: ['-A', '-t', `[fd00::${i}]:80`, '-p', '-M', mask] })),
    ]);
  });

  test('numbers and names of options', async () => {
    const values: readonly string[] = [
      '5',
      ' 5',
      '5 ',
      '+5',
      '0x5',
      '05',
      '5\u00a0',
      '١',
      '',
      '-5',
    ];
    const service = ['-t', '10.0.0.1:80'];
    await expectEqual([
      ...values.map((value) => ({ argv: ['-A', '-f', value, '-s', 'rr'] })),
      ...values.map((value, i) => ({ argv: ['-A', '-u', `10.0.0.${i}:53`, '-p', value] })),
      { argv: ['-A', ...service, '-s', 'rr'] },
      ...values.map((value, i) => ({
        argv: ['-a', ...service, '-r', `10.1.0.${i}`, '-m', '-w', value, '-x', value, '-y', value],
      })),
      ...values.map((value) => ({ argv: ['--set', value, value, value] })),
      { argv: ['-A', '-f', '-18446744073709551615'] },
      { argv: ['-A', '-f', '18446744073709551617'] },
      { argv: ['-A', '-t', '10.0.0.2:80', '-s', 'üüüüüüüü'] },
      { argv: ['--start-daemon', 'master', '--mcast-interface', 'üüüüüüüü'] },
    ]);
  });

  test('a NUL in a line to restore ends the word it is in', async () => {
    const lines = [
      '-A -t 10.0.0.1:80\0x -s rr -p 5',
      '-A -t 10.0.0.2:80 -s rr\0 -p 5',
      '-A -t 10.0.0.3:80 ipvsadm\0x -s rr',
      '-A -t 10.0.0.4:80 -s \0 -p 5',
      '-A -t 10.0.0.5:80\v-s rr',
    ];
    const last = ['\0-A -t 10.0.0.6:80', '-A -t 10.0.0.7:80 \0-s rr', '\0', '-A -t 1.1.1.1:80 \0'];
    await expectEqual([
      ...lines.map((line) => ({ argv: ['-R'], stdin: `${line}\n-A -t 10.0.1.1:81\n` })),
      ...last.map((line) => ({ argv: ['-R'], stdin: `-A -f 7\n${line}\n-A -t 10.0.1.1:82\n` })),
    ]);
  });
});
