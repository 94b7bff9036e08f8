/** The kernel layer's programs, run in a test's own network namespace instead of the process's. */
import { type Argv, run, type Runner } from '../../../src/kernel/exec.ts';
import { IpsetClient } from '../../../src/kernel/ipset.ts';
import { IpsetReader } from '../../../src/kernel/ipsetReader.ts';
import { IpsetSession } from '../../../src/kernel/ipsetSession.ts';
import { IpsetWriter } from '../../../src/kernel/ipsetWriter.ts';
import type { Namespace } from './namespace.ts';

export function runnerIn(namespace: Namespace): Runner {
  return (argv, options) => run(inside(namespace, argv), options);
}

export function ipsetPortIn(namespace: Namespace): { port: IpsetClient; session: IpsetSession } {
  const session = new IpsetSession(inside(namespace, ['ipset', '-']));
  const reader = new IpsetReader(namespace);
  const writer = new IpsetWriter(namespace);
  return { port: new IpsetClient({ session, reader, writer }), session };
}

function inside({ name }: Namespace, argv: Argv): Argv {
  return ['ip', 'netns', 'exec', name, ...argv];
}
