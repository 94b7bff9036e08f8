/**
 * A run that is broken off by a signal ends what it has started: a lab, servers, a network
 * namespace of this machine.
 */

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Let the steps under way fail, the innermost last. */
const underWay: ((error: Error) => void)[] = [];

/** The innermost; those around it fail by that, one by one. */
const breakOff = (signal: string) => underWay.at(-1)?.(new Error(`broken off by ${signal}`));

/** Carries out a step and then `end`; at a signal `end` without waiting for the step. */
export async function endingBy<T>(end: () => Promise<void>, step: () => Promise<T>): Promise<T> {
  const broken = Promise.withResolvers<never>();
  if (underWay.push(broken.reject) === 1)
    for (const signal of SIGNALS) process.on(signal, breakOff);
  try {
    return await Promise.race([step(), broken.promise]);
  } finally {
    await end();
    underWay.pop();
    if (underWay.length === 0) for (const signal of SIGNALS) process.off(signal, breakOff);
  }
}
