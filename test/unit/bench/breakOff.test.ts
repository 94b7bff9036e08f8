import { expect, test } from '@jest/globals';
import { endingBy } from '../../bench/breakOff.ts';

const listeners = () => process.listenerCount('SIGTERM');

test('what was opened is ended after its step, well or not, and once', async () => {
  const before = listeners();
  const ended: string[] = [];
  const end = (name: string) => async () => void ended.push(name);
  await expect(endingBy(end('a'), async () => 7)).resolves.toBe(7);
  const failing = endingBy(end('outer'), () =>
    endingBy(end('inner'), async () => {
      expect(listeners()).toBe(before + 1);
      throw new Error('no');
    }),
  );
  await expect(failing).rejects.toThrow('no');
  expect(ended).toEqual(['a', 'inner', 'outer']);
  expect(listeners()).toBe(before);
});

test('a signal ends the innermost without waiting for its step, and those around it', async () => {
  const ended: string[] = [];
  const forever = new Promise<never>(() => undefined);
  const running = endingBy(
    async () => void ended.push('servers'),
    () =>
      endingBy(
        async () => void ended.push('lab'),
        () => forever,
      ),
  );
  process.emit('SIGTERM', 'SIGTERM');
  await expect(running).rejects.toThrow('broken off by SIGTERM');
  expect(ended).toEqual(['lab', 'servers']);
});
