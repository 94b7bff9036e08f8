/** The formatter wraps code and leaves comments alone. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';

const ROOT = path.join(import.meta.dirname, '../../..');
const WIDTH = 100;
/** A table's row, a drawing and an address cannot be wrapped. */
const UNWRAPPABLE = /^\s*(?:\*|\/\/) *(?:\||\S*https?:|.*──)/;

const files = () =>
  execFileSync('git', ['ls-files', '*.ts', '*.mjs', '*.js', '*.cc', '*.h'], { cwd: ROOT })
    .toString()
    .trim()
    .split('\n');

test('comments end by column 100', () => {
  const long = files().flatMap((file) =>
    readFileSync(path.join(ROOT, file), 'utf8')
      .split('\n')
      .flatMap((line, i) => {
        const isComment = /^\s*(?:\*|\/\/|\/\*)/.test(line);
        const isLong = isComment && line.length > WIDTH && !UNWRAPPABLE.test(line);
        return isLong ? [`${file}:${i + 1}`] : [];
      }),
  );
  expect(long).toEqual([]);
});
