/**
 * Takes every file descriptor this process may have, tries to start programs, frees them and tries
 * again; prints what came of it. A process of its own (test/unit/kernel/startFailures), since a
 * test runner has to go on: started under a low `ulimit -n`.
 */
import { closeSync, openSync } from 'node:fs';
import { run } from '../../../src/kernel/exec.ts';
import { IpsetSession } from '../../../src/kernel/ipsetSession.ts';

/** Answers every line as ipset answers a type that it does not know, fences included. */
const STAND_IN = `while read -r verb name type; do echo "ipset v7.17: typename '$type' is unknown" >&2; done`;

const held: number[] = [];
const takeAll = () => {
  try {
    for (;;) held.push(openSync('/dev/null', 'r'));
  } catch {
    // EMFILE: that was the last one
  }
};
const outcomeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: unknown) => String(error),
  );

// Once before, so that nothing has to be loaded from a file later.
await outcomeOf(run(['true']));
const session = new IpsetSession(['bash', '--norc', '-c', STAND_IN]);
takeAll();
const outcomes = {
  short: {
    run: await outcomeOf(run(['true'])),
    one: await outcomeOf(session.run(['create a x'])),
    several: await outcomeOf(session.run(['create a x', 'create b x'])),
    close: await outcomeOf(session.close()),
  },
  later: {},
};
for (const descriptor of held) closeSync(descriptor);
outcomes.later = {
  run: await outcomeOf(run(['true'])),
  one: await outcomeOf(session.run(['create a x'])),
  several: await outcomeOf(session.run(['create a x', 'create b x'])),
};
await session.close();
process.stdout.write(JSON.stringify(outcomes));
