import { expect, test } from '@jest/globals';
import { applyMutant, mutantsOf, sample } from '../../../tools/mutation/mutants.ts';

/** Each mutant as `kind: changed source`. */
const changes = (text: string) =>
  mutantsOf('src/plan/x.ts', text).map(
    (mutant) => `${mutant.kind}: ${applyMutant(text, mutant).trim()}`,
  );

test.each([
  ['a === b;', 'compare: a !== b;'],
  ['a <= b;', 'compare: a < b;'],
  ['(a) /* < */ > (b);', 'compare: (a) /* < */ >= (b);'],
  ['a && b;', 'logical: a || b;'],
  ['a ?? b;', 'default: a;'],
  ['a - b;', 'arith: a + b;'],
  ['a += b;', 'arith: a -= b;'],
  ['!a;', 'negate: (a);'],
  ['if (a) b();', 'negate: if (!(a)) b();'],
  ['a ? b : c;', 'negate: !(a) ? b : c;'],
  ['if (a) return;', 'rmGuard: ;'],
  ['if (a) { b(); throw c; }', 'rmGuard: ;'],
  ['await a;', 'rmAwait: (a);'],
  ['a.b();', 'rmStatement: ;'],
  ['a(0);', 'number: a(1);'],
  ['a(true);', 'bool: a(false);'],
  [`a('b');`, `string: a('');`],
  ['a([b, ...c, d]);', 'dropElement: a([ ...c, d]);'],
  ['a([b, ...c, d]);', 'dropSpread: a([b,  d]);'],
  ['a(...b);', 'dropSpread: a();'],
  ['a({ b, c: d, ...e });', 'dropProperty: a({ b,  ...e });'],
  ['a({ b, c: d, ...e });', 'dropProperty: a({ b, c: d,  });'],
  ['a.filter(b);', 'dropCall: a;'],
  ['a().catch(b);', 'dropCall: a();'],
  ['a.some(b);', 'quantifier: a.every(b);'],
  ['function a(): void { b(); }', 'early: function a(): void { return; b(); }'],
  ['class A { b() { c(); } }', 'early: class A { b() { return; c(); } }'],
  ['class A { #b() { c(); } }', 'early: class A { #b() { return; c(); } }'],
  ['const a = (b) => { c(); };', 'early: const a = (b) => { return; c(); };'],
])('of %s there is %s', (text, mutated) => {
  expect(changes(`async () => { ${text} };`)).toContainEqual(
    `${mutated.split(': ', 1)[0]}: async () => { ${mutated.slice(mutated.indexOf(': ') + 2)} };`,
  );
});

test('types and imports are left as they are', () => {
  const text = `import a from './b.ts';\ntype C = 'd' | 1;\nexport const e: Record<'f', 2> = a as { g: true };\n`;
  expect(changes(text)).toEqual([]);
});

test('places are right behind letters of more than one byte and behind comments', () => {
  const text = '// über\nconst ü = "ß";\n\nexport const x = ü === "ö";\n';
  const compare = mutantsOf('src/net/x.ts', text).find(({ kind }) => kind === 'compare');
  expect(compare).toMatchObject({ file: 'src/net/x.ts', line: 4, original: '===' });
  expect(applyMutant(text, compare!)).toBe(text.replace('===', '!=='));
});

test('a sample has one mutant of a line, and the seed alone decides which and in which order', () => {
  const text = Array.from({ length: 30 }, (_, line) => `a${line} === b && c;`).join('\n');
  const all = mutantsOf('src/net/x.ts', text);
  const drawn = sample(all, 7);
  expect(all.length).toBeGreaterThan(60);
  expect(drawn.map(({ line }) => line).toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: 30 }, (_, index) => index + 1),
  );
  expect(sample(all, 7)).toEqual(drawn);
  expect(sample(all, 8)).not.toEqual(drawn);
});
