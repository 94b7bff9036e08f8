/**
 * The commands of ipvsadm that change something, ours beside the real one: the same command lines,
 * good and bad, in two fresh namespaces. Output, errors, exit codes and what the kernel holds
 * afterwards must be equal.
 */
import { beforeEach, expect, test } from '@jest/globals';
import { randomState } from '../support/ipvsadm/ipvsStates.ts';
import { changeLines } from '../support/ipvsadm/ipvsadmLines.ts';
import {
  type Answer,
  type Command,
  ourAnswer,
  realAnswers,
  withoutHelpWords,
} from '../support/ipvsadm/ipvsadmOracle.ts';
import { twoNamespaces } from '../support/ipvsadm/twoNamespaces.ts';
import { requireIpvs } from '../support/lab/kernelProbe.ts';
import type { Namespace } from '../support/lab/namespace.ts';

const describe = await requireIpvs();

const SEEDS = Number(process.env['KUBE_IPVS_CHANGE_SEEDS'] ?? 4);
const FIRST_SEED = Number(process.env['KUBE_IPVS_CHANGE_SEED'] ?? 1);

describe('beside the real ipvsadm', () => {
  const both = twoNamespaces();

  // Many processes of the real one.

  beforeEach(async () => {
    for (const namespace of [both.theirs, both.ours]) {
      await namespace.run('ipvsadm', '-C');
      await namespace.run('ipvsadm', '--set', '900', '120', '300');
    }
  });

  async function expectEqual(commands: readonly Command[]): Promise<void> {
    const real = (await realAnswers(both.theirs, commands)).map(withoutHelpWords);
    const found: { argv: string; answer: Answer }[] = [];
    for (const command of commands) {
      const answer = withoutHelpWords(await ourAnswer(both.ours, command));
      found.push({ argv: command.argv.join(' '), answer });
    }
    expect(found).toEqual(
      commands.map(({ argv }, i) => ({ argv: argv.join(' '), answer: real[i] })),
    );
    const states = await Promise.all([both.theirs, both.ours].map(stateOf));
    expect(states[1]).toEqual(states[0]);
  }

  async function stateOf(namespace: Namespace): Promise<string[]> {
    const lines = [['-Sn'], ['-Ln', '--thresholds'], ['-L', '--timeout'], ['-L', '--daemon']];
    const answers = await realAnswers(
      namespace,
      lines.map((argv) => ({ argv })),
    );
    return answers.map(({ stdout }) => stdout);
  }

  const words = (lines: readonly string[]): Command[] =>
    lines.map((line) => ({ argv: line === '' ? [] : line.split(' ') }));

  test.each(Array.from({ length: SEEDS }, (_, i) => FIRST_SEED + i))(
    'random command lines of seed %i',
    async (seed) => {
      await expectEqual(words(changeLines(seed, 120)));
    },
  );

  test('help, version and no command at all', async () => {
    await expectEqual(
      words(['-h', '-v', '--help', '--version', '-hx --foo', '-vn', '', '-Z', '-C', '-x 1', 'foo']),
    );
  });

  test('each check of values and of options together', async () => {
    await expectEqual(words(CHECKS));
  });

  test.each([
    ['good lines', ['-A -t 10.0.0.1:80 -s rr', '-a -t 10.0.0.1:80 -r 1.1.1.1 -m', '']],
    ['no end of the last line', ['-A -t 10.0.0.1:80 -s rr', '-a -t 10.0.0.1:80 -r 1.1.1.1 -m']],
    [
      "blanks, tabs, CR, the program's name",
      ['  ipvsadm\t-A  -t 10.0.0.1:80 \r', '', ' ', '-C ipvsadm', ''],
    ],
    ['nothing', ['']],
    ['nothing but blanks', [' \t\r', '', '']],
    [
      'the kernel refuses some',
      ['-A -t 10.0.0.1:80', '-A -t 10.0.0.1:80', '-D -t 9.9.9.9:9', '-A -u 10.0.0.1:80', ''],
    ],
    ['the kernel refuses the last', ['-A -t 10.0.0.1:80', '-A -t 10.0.0.1:80', '']],
    ['a usage error in the middle', ['-A -t 10.0.0.1:80', '-A -t 10', '-A -t 10.0.0.2:80', '']],
    ['an unknown option in the middle', ['-A -t 10.0.0.1:80 --foo', '-A -t 10.0.0.2:80', '']],
    ['an unknown option at the end', ['-A -t 10.0.0.1:80', '-A -t 10.0.0.2:80 --foo', '']],
    ['a comment', ['-A -t 10.0.0.1:80', '# no comments', '-A -t 10.0.0.2:80', '']],
    [
      'listings between changes',
      ['-A -t 10.0.0.1:80', '-Ln', '-A -t 10.0.0.2:80', '-Sn', '-L -t 1.1.1.1:1', '-C', ''],
    ],
    ['help between changes', ['-A -t 10.0.0.1:80', '-h', '-A -t 10.0.0.2:80', '']],
    ['a restore in a restore', ['-A -t 10.0.0.1:80', '-R', '-A -t 10.0.0.2:80', '']],
    ['time-outs and zeroing', ['--set 1 2 3', '-Z', '-A -f 7 -s rr', '-Z -f 7', '--set 1', '']],
    ['names', ['-A -t localhost:http -s rr', '-a -t localhost:http -r localhost:ssh -m', '']],
  ])('restoring: %s', async (_, lines) => {
    const command = { argv: ['-R'], stdin: lines.join('\n') };
    const [real] = await realAnswers(both.theirs, [command]);
    const found = await ourAnswer(both.ours, command);
    // What ipvsadm does not say: in which line.
    const stderr = found.stderr.replaceAll(/^line \d+: /gm, '');
    expect(withoutHelpWords({ ...found, stderr })).toEqual(withoutHelpWords(real!));
    expect(await stateOf(both.ours)).toEqual(await stateOf(both.theirs));
  });

  test('restoring what was saved gives the same again', async () => {
    // A mark from 2^31 on is saved as a negative number, which is refused.
    const rules = [2, 3, 4].flatMap(randomState).filter((rule) => !/-f \d{10}/.test(rule));
    await realAnswers(both.theirs, [{ argv: ['-R'], stdin: `${rules.join('\n')}\n` }]);
    const [saved] = await realAnswers(both.theirs, [{ argv: ['-Sn'] }]);
    expect(saved!.stdout.split('\n').length).toBeGreaterThan(5);
    const restored = await ourAnswer(both.ours, { argv: ['-R'], stdin: saved!.stdout });
    expect(restored).toEqual({ stdout: '', stderr: '', exitCode: 0 });
    const [again] = await realAnswers(both.ours, [{ argv: ['-Sn'] }]);
    // Addresses far apart sort by the order in which they came.
    const lines = (answer: Answer) => answer.stdout.split('\n').toSorted();
    expect(lines(again!)).toEqual(lines(saved!));
  });

  test('synchronisation daemons and time-outs', async () => {
    await expectEqual(words(SETTINGS));
  });
});

const CHECKS = `
-A
-A -t
-A -t 10.0.0.1
-A -t 10.0.0.1:0
-A -t 10.0.0.1:80 -s
-A -t 10.0.0.1:80 -s nosuch
-A -t 10.0.0.1:80 -s averyveryverylongname
-A -t 10.0.0.1:80 -s fifteencharname
-A -t 10.0.0.1:80 -s sixteencharnames
-A -t 10.0.0.1:80 -s sixteencharnames -p
-A -t 10.0.0.1:80 -o
-A -t 10.0.0.1:80 --pe nosuch -p
-A -t 10.0.0.1:80 --pe averyveryverylongname -p
-A -t 10.0.0.1:80 -p 0
-A -t 10.0.0.1:80 -p 2678401
-A -t 10.0.0.1:80 -p x
-A -t 10.0.0.1:80 -p -1
-A -t 10.0.0.1:80 -p -M 255.255.255.0 -s rr
-A -t 10.0.0.1:80 -s rr
-E -t 10.0.0.1:80 -p 77 -M 16 -b flag-1,flag-3
-E -t 10.0.0.1:80 -s nosuch
-E -t 10.0.0.1:81
-A -t 10.0.0.2:80 -M nosuch.invalid -p
-A -t 10.0.0.2:80 -M localhost -p 5
-A -M 255.0.0.0 -t 10.0.0.3:80 -p 5
-A -M 255.0.0.0 -t [fd00::3]:80 -p 5
-A -t [fd00::4]:80 -M 0 -p 5
-A -t [fd00::4]:80 -M 129 -p 5
-A -t [fd00::4]:80 -M 64x -p 5
-A -f 5 -M 64 -6 -p 5
-A -f 6 -6 -M 64 -p 5
-A -f 6 -6 -M 64 -p 5 -o
-A -t 10.0.0.5:80 -b
-A -t 10.0.0.5:80 -b nosuch
-A -t 10.0.0.5:80 -b sh-port
-A -t 10.0.0.5:80 -b sh-port -s sh
-A -t 10.0.0.6:80 -s mh -b mh-port,mh-fallback,sh-port
-A -t 10.0.0.6:80 -s mh -b ,mh-port,,mh-fallback,
-A -t 10.0.0.7:80 -s rr -b nosuch foo
-A -t 10.0.0.7:80 -s rr -b nosuch -w 1
-A -t 10.0.0.7:80 -w x
-A -t 10.0.0.7:80 -w 5
-A -t 10.0.0.7:80 -r 1.1.1.1
-A -t 10.0.0.7:80 -n
-A -u 10.0.0.8:53 -o -s rr
-A -u 10.0.0.8 -p -s rr
-A --sctp-service 10.0.0.8:53 -s wrr
-A -t 10.0.0.9:http -s wrr
-A -t localhost:80 -s wrr
-A -t nosuch.invalid:80 -w x
-A -t 10.0.0.9:nosuch
-A -f 4294967295 -s rr
-A -f 0
-A -f -5
-A -f 5 -t 10.0.0.1:80
-a -t 10.0.0.1:80
-a -r 1.1.1.1
-a -t 10.0.0.1:80 -r 1.1.1.1
-a -t 10.0.0.1:80 -r 1.1.1.1
-a -t 10.0.0.1:80 -r 1.1.1.2:8080
-a -t 10.0.0.1:80 -r 1.1.1.2:8080 -m
-a -t 10.0.0.1:80 -r 1.1.1.3:http -m -w 0 -x 10 -y 20
-a -t 10.0.0.1:80 -r 1.1.1.3:http -m -w 0 -x 20 -y 10
-a -r 1.1.1.4 -t 10.0.0.1:80 -m
-a -r 1.1.1.4:ssh -t 10.0.0.1:80 -m
-a -r [::1]:80 -t 10.0.0.1:80 -m
-a -r [fd00::1]:80 -t 10.0.0.1:80 -i
-a -t 10.0.0.1:80 -r 10 -m
-a -t 10.0.0.1:80 -r 224.0.0.1 -m
-a -t 10.0.0.1:80 -r 0.0.0.0 -m
-a -t 10.0.0.1:80 -r 1.1.1.5 -m -g
-a -t 10.0.0.1:80 -r 1.1.1.5 -m -w -1
-a -t 10.0.0.1:80 -r 1.1.1.5 -m -w 2147483648
-a -t 10.0.0.1:80 -r 1.1.1.5 -m -w 2147483647
-a -t 10.0.0.1:80 -r 1.1.1.6 -m -x -1
-a -t 10.0.0.1:80 -r 1.1.1.6 -m -y 2147483648
-a -t 10.0.0.1:80 -r 1.1.1.6 -m -y 5
-a -t 10.0.0.1:80 -r 1.1.1.6 -s rr
-a -t 10.0.0.1:80 -r 1.1.1.6 --tun-type ipip
-a -t 10.0.0.1:80 -r 1.1.1.6 -i --tun-type nosuch
-a -t 10.0.0.1:80 -r 1.1.1.6 -i --tun-type gue
-a -t 10.0.0.1:80 -r 1.1.1.6 -i --tun-type gue --tun-port 0
-a -t 10.0.0.1:80 -r 1.1.1.6 -i --tun-type gue --tun-port 6080
-a -t 10.0.0.1:80 -r 1.1.1.7 -i --tun-type gue --tun-port 6080 --tun-csum
-a -t 10.0.0.1:80 -r 1.1.1.8 -i --tun-type gue --tun-port 6080 --tun-remcsum
-a -t 10.0.0.1:80 -r 1.1.1.9 -i --tun-type gue --tun-port 6080 --tun-remcsum --tun-nocsum
-a -t 10.0.0.1:80 -r 1.1.1.9 -i --tun-type gre --tun-port 6080
-a -t 10.0.0.1:80 -r 1.1.1.9 -i --tun-type gre --tun-remcsum
-a -t 10.0.0.1:80 -r 1.1.1.9 -i --tun-type gre --tun-csum --tun-nocsum
-a -t 10.0.0.1:80 -r 1.1.1.9 -i --tun-type gre --tun-csum
-a -t 10.0.0.1:80 -r 1.1.1.10 -i --tun-csum
-a -t 10.0.0.1:80 -r 1.1.1.10 -i --tun-info
-a -t 10.0.0.77:80 -r 1.1.1.10 -i
-a -f 6 -6 -r [fd00::9]:99
-a -f 6 -6 -r [fd00::10]:99 -m
-a -f 6 -r 1.1.1.1:99 -m
-a -f 4294967295 -r 1.1.1.1:99
-e -t 10.0.0.1:80 -r 1.1.1.1 -w 7
-e -t 10.0.0.1:80 -r 1.1.1.2:8080
-e -t 10.0.0.1:80 -r 1.1.1.2:8080 -m -w 9 -x 5
-e -t 10.0.0.1:80 -r 1.1.1.99 -m
-e -t 10.0.0.77:80 -r 1.1.1.99 -m
-d -t 10.0.0.1:80 -r 1.1.1.1 -m
-d -t 10.0.0.1:80 -r 1.1.1.2
-d -t 10.0.0.1:80 -r 1.1.1.2:8080
-d -t 10.0.0.77:80 -r 1.1.1.2:8080
-d -t 10.0.0.1:80
-D -t 10.0.0.77:80
-D -t 10.0.0.3:80 -s rr
-D -t 10.0.0.3:80
-D
-Z -t 10.0.0.1:80
-Z -t 10.0.0.77:80
-Z -t 0.0.0.0
-Z -t 0.0.0.0:80
-Z -n
-Z -f 6 -6
-C -n
-C foo
-A -C
-A -t 10.0.0.1:80 --foo
-A -t 10.0.0.1:80 -w
-A -w 5 -r 10 -t 10.0.0.1:80
-a -t 10.0.0.1:80 -r 1.1.1.11 -m -6
-a -t 10.0.0.1:80 -r 1.1.1.12:99999 -m
-a -t 10.0.0.1:80 -r nosuch.invalid -m
-a -t 10.0.0.1:80 -r localhost:domain -m
-A -t [10.0.0.50]:80 -s rr
-A -t [10.0.0.51:81]:80 -s rr
-A -t [localhost]:82 -s rr
-A -t [] -s rr
-A -t []:80 -s rr
-A -t [fd00::52]80 -s rr
-A -t :80 -s rr
-A -t 10.0.0.53: -s rr
-A -s  -t 10.0.0.54:80
-A -t 10.0.0.55:80 -s=rr
-At10.0.0.56:80 -srr
-A --tcp-service=10.0.0.57:80 --scheduler=rr --persistent=50
-A -t 10.0.0.58:80 -p=60
-A -t 10.0.0.59:80 -p60
-A -t 10.0.0.60:80 -s rr -p --netmask 255.255.0.0
-L -w x
-L -p 0
-L -M nosuch.invalid
-L -b nosuch
-L -x x
-L --mcast-group x
-S -w x
`
  .trim()
  .split('\n');

const SETTINGS = `
--set
--set 1 2
--set 1 2 3
--set 1 2 3 4
--set 0 0 0
--set 0 x 0
--set 0 2678401 0
--set 2678400 2678400 2678400
--set 5 6 7 -n
--set 5 6 -7
--set -- 5 6 7
--start-daemon
--start-daemon foo
--start-daemon master
--start-daemon master --mcast-interface nosuch
--start-daemon master --mcast-interface averyveryverylongname
--start-daemon master --mcast-interface sixteencharnames
--start-daemon master --mcast-interface lo --syncid 256
--start-daemon master --mcast-interface lo --syncid 5
--start-daemon master --mcast-interface lo --syncid 6
--start-daemon=backup --mcast-interface lo --mcast-group 1.2.3.4
--start-daemon=backup --mcast-interface lo --mcast-group 1.2.3
--start-daemon=backup --mcast-interface lo --mcast-group fd00::1
--start-daemon=backup --mcast-interface lo --mcast-group ff02::81 --mcast-port 0
--start-daemon=backup --mcast-interface lo --mcast-group ff02::81 --mcast-port 65536
--start-daemon=backup --mcast-interface lo --mcast-group ff02::81 --mcast-port 9999 --mcast-ttl 0
--start-daemon=backup --mcast-interface lo --mcast-group ff02::81 --mcast-port 9999 --mcast-ttl 9 --sync-maxlen 65508
--start-daemon=backup --mcast-interface lo --mcast-group ff02::81 --mcast-port 9999 --mcast-ttl 9 --sync-maxlen 1000
--start-daemon backup -n
--stop-daemon
--stop-daemon foo
--stop-daemon backup --mcast-interface lo
--stop-daemon backup --syncid 77
--stop-daemon backup
--start-daemon backup --mcast-interface lo --mcast-group 239.1.2.3 --sync-maxlen 1
--stop-daemon backup
--stop-daemon master
--stop-daemon master
`
  .trim()
  .split('\n');
