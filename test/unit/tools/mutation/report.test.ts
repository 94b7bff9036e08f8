import { expect, test } from '@jest/globals';
import type { Mutant } from '../../../tools/mutation/mutants.ts';
import { report } from '../../../tools/mutation/report.ts';
import type { Verdict } from '../../../tools/mutation/workingCopy.ts';

const judged = (file: string, line: number, outcome: Verdict['outcome']) => {
  const mutant: Mutant = {
    file,
    line,
    kind: 'number',
    original: '0',
    replacement: '1',
    start: 0,
    end: 1,
  };
  return { mutant, verdict: { outcome, seconds: 1 } };
};

test('a row for each folder, one for all, and the survivors by name', () => {
  const text = report([
    judged('src/plan/order.ts', 3, 'killed'),
    judged('src/net/prefix.ts', 9, 'survived'),
    judged('src/plan/drain.ts', 5, 'late'),
    judged('src/plan/drain.ts', 7, 'survived'),
  ]);
  expect(text).toBe(
    `| folder | mutants | killed | of these by time | survived | noticed |
|---|---|---|---|---|---|
| plan | 3 | 2 | 1 | 1 | 67 % |
| net | 1 | 0 | 0 | 1 | 0 % |
| all | 4 | 2 | 1 | 2 | 50 % |

src/net/prefix.ts:9 number: 0 → 1
src/plan/drain.ts:7 number: 0 → 1
`,
  );
});

test('one folder needs no sum', () => {
  expect(report([judged('src/plan/order.ts', 3, 'killed')])).not.toContain('| all |');
});
