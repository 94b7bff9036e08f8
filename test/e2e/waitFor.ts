/** Waits for what other processes bring about, by looking again and again. */

/** @throws when it is not true within the time; an exception of `isReached` counts as not yet */
export async function waitFor(
  what: string,
  isReached: () => boolean,
  timeoutMs = 30_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!isReached()) {
    if (Date.now() > deadline) throw new Error(`${what}: not reached within ${timeoutMs / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
