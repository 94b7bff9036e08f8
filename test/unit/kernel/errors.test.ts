import { expect, test } from '@jest/globals';
import {
  errnoName,
  ExecError,
  hasCode,
  isMissing,
  isNotImplemented,
  isNotPermitted,
  KernelError,
} from '../../../src/kernel/errors.ts';

test.each([
  [2, 'ENOENT'],
  [3, 'ESRCH'],
  [11, 'EAGAIN'],
  [95, 'EOPNOTSUPP'],
  [99, 'EADDRNOTAVAIL'],
  [105, 'ENOBUFS'],
  [4095, 'E4095'],
])('errno %d is %s', (errno, name) => {
  expect(errnoName(errno)).toBe(name);
});

test('a kernel error says what was tried, what the kernel says, and what to do', () => {
  const error = new KernelError({
    op: 'add server 10.96.0.1:80/TCP',
    errno: 2,
    extack: 'in its own words',
    hint: 'load the module',
  });
  expect(error.message).toBe(
    'add server 10.96.0.1:80/TCP: ENOENT, no such file or directory (in its own words; load the module)',
  );
  expect(error).toMatchObject({ code: 'ENOENT', errno: 2, extack: 'in its own words' });
  expect(new KernelError({ op: 'bind', errno: 1 }).message).toBe(
    'bind: EPERM, operation not permitted',
  );
});

test('an error of a program shows its command line, its end, and its own complaint', () => {
  const argv = ['ipset', 'add', 'A', 'x'];
  expect(new ExecError({ argv, exitCode: 1, stderr: 'syntax error\n' }).message).toBe(
    'ipset add A x: exit code 1: syntax error',
  );
  const cause = new Error('spawn ipset ENOENT');
  expect(new ExecError({ argv, stderr: '', cause }).message).toBe(
    'ipset add A x: did not run to its end: spawn ipset ENOENT',
  );
});

test('errors are asked by code, whatever their class', () => {
  expect(isMissing(new KernelError({ op: 'x', errno: 17 }))).toBe(false);
  for (const errno of [2, 3, 19, 99]) {
    expect(isMissing(new KernelError({ op: 'x', errno }))).toBe(true);
  }
  const isWithoutIt = (errno: number) => isNotImplemented(new KernelError({ op: 'x', errno }));
  // ENOSYS, EPROTONOSUPPORT; ENOENT may come by itself.
  expect([38, 93, 2].map(isWithoutIt)).toEqual([true, true, false]);
  expect(isNotPermitted({ code: 'EPERM' })).toBe(true);
  for (const other of [undefined, null, 'EPERM', { code: 1 }, new Error('EPERM')]) {
    expect(hasCode(other, 'EPERM')).toBe(false);
  }
});
