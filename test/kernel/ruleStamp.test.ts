/** What tells that no rule has changed, beside the programs that change them on a real kernel. */
import { createSocket } from 'node:dgram';
import { afterEach, expect, test } from '@jest/globals';
import { run } from '../../src/kernel/exec.ts';
import { ruleStamp } from '../../src/kernel/ruleStamp.ts';
import { requireIpvs } from '../support/lab/kernelProbe.ts';

const describe = await requireIpvs();

/** To whom nobody listens. */
async function sendTo(address: string): Promise<void> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  await new Promise<void>((resolve, reject) => {
    socket.send('x', 7, address, (error) => (error === null ? resolve() : reject(error)));
  });
  socket.close();
}

const CHAIN = 'STAMP-TEST';
const COUNTED = ['-o', 'lo', '-j', CHAIN] as const;

describe.each([
  ['iptables', '127.0.0.1'],
  ['ip6tables', '::1'],
] as const)('%s', (program, address) => {
  const change = (...argv: readonly string[]) => run([program, '-w', '-t', 'filter', ...argv]);

  afterEach(async () => {
    await change('-D', 'OUTPUT', ...COUNTED).catch(() => undefined);
    await change('-F', CHAIN).catch(() => undefined);
    await change('-X', CHAIN).catch(() => undefined);
  });

  test('each change is another stamp, and traffic that rules count is none', async () => {
    await run(['ip', 'link', 'set', 'lo', 'up']);
    const stamps: (string | undefined)[] = [];
    const step = async (...argv: readonly string[]) => {
      if (argv.length > 0) await change(...argv);
      stamps.push(await ruleStamp());
    };
    await step('-N', CHAIN);
    await step('-A', CHAIN, '-p', 'tcp', '--dport', '9', '-j', 'DROP');
    await step('-A', 'OUTPUT', ...COUNTED);
    await sendTo(address);
    const { stdout } = await change('-L', 'OUTPUT', '-v', '-x', '-n');
    expect(stdout).toMatch(new RegExp(`^\\s*[1-9]\\d*\\s+\\d+\\s+${CHAIN}`, 'm'));
    await step();
    await step('-R', CHAIN, '1', '-p', 'tcp', '--dport', '10', '-j', 'DROP');
    const [added, filled, jumped, counted, replaced] = stamps;
    expect(stamps).not.toContain(undefined);
    expect(counted).toBe(jumped);
    expect(new Set([added, filled, jumped, replaced]).size).toBe(4);
  });
});
