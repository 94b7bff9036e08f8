import { expect, test } from '@jest/globals';
import { parseYamlDocuments, parseYamlText } from '../../../src/config/yamlText.ts';

test('a document becomes a plain value with YAML 1.1 booleans', () => {
  const { text } = parseYamlText('a: yes\nb: {c: [1, "2"]}\n', 'f.yaml');
  expect(text?.value).toEqual({ a: true, b: { c: [1, '2'] } });
  expect(text?.duplicates).toEqual([]);
});

test('JSON is read too', () => {
  expect(parseYamlText('{"a": {"b": null}}', 'f.json').text?.value).toEqual({ a: { b: null } });
});

test('a duplicate key is named and the last one counts', () => {
  const { text } = parseYamlText('a: 1\nb:\n  - c: 1\n    c: 2\na: 3\n', 'f.yaml');
  expect(text?.value).toEqual({ a: 3, b: [{ c: 2 }] });
  expect(text?.duplicates).toEqual(['b[0].c', 'a']);
});

test('a field is found by line and column, an absent one by its parent', () => {
  const { text } = parseYamlText('a: 1\nb:\n  c:\n  - x\n  - y: 1\n', 'f.yaml');
  expect(text?.placeOf('b.c[1].y')).toBe('f.yaml:5:5');
  expect(text?.placeOf('b.c[0]')).toBe('f.yaml:4:5');
  expect(text?.placeOf('b.missing')).toBe('f.yaml:2:1');
  expect(text?.placeOf('missing')).toBe('f.yaml:1:1');
});

test('an empty text is null and has no places', () => {
  const { text } = parseYamlText('# nothing\n', 'f.yaml');
  expect(text?.value).toBeNull();
  expect(text?.placeOf('a')).toBeUndefined();
});

test.each([
  ['a: [1', 'f.yaml:1:6'],
  ['a: 1\nb: *nowhere\n', 'f.yaml:1:1'],
  ['a: !!binary "?"\n', 'f.yaml:1:4'],
  ['a:\n\t- 1\n', 'f.yaml:2:1'],
])('%j is refused at its place', (content, source) => {
  const { problems } = parseYamlText(content, 'f.yaml');
  expect(problems?.[0]).toMatchObject({ path: 'YAML', source });
});

test.each([
  ['a: 1\n---\n', undefined],
  ['a: 1\n---\n...\n---\n# nothing\n', undefined],
  ['---\na: 1\n---\n', undefined],
  ['# head\n---\n---\na: 1\n', undefined],
  ['a: 1\n---\nb: 2\n', 'f.yaml:3:1'],
  ['a: 1\n---\nb: [\n', 'f.yaml:3:1'],
])('of %j the first document is read, and where the second begins is told', (content, at) => {
  const { text } = parseYamlText(content, 'f.yaml');
  expect(text?.value).toEqual({ a: 1 });
  expect(text?.secondDocumentAt).toBe(at);
});

test('plain scalars are what they are for Kubernetes', () => {
  const content = [
    'time: 2026-11-29T21:00:00Z',
    'day: 2026-11-29',
    'address: 1:2:3:4:5:6:7:8',
    'half: 1:30.5',
    'octal: 010',
    'switches: [on, Off, y, No]',
    'binary: !!binary |\n  w6ks\n  IMOo',
  ].join('\n');
  expect(parseYamlText(content, 'f.yaml').text?.value).toEqual({
    time: '2026-11-29T21:00:00Z',
    day: '2026-11-29',
    address: '1:2:3:4:5:6:7:8',
    half: '1:30.5',
    octal: 8,
    switches: [true, false, true, false],
    binary: 'é, è',
  });
});

test('a merge key brings what the map does not say itself', () => {
  const content = 'base: &b {c: 1, d: 2}\nother:\n  d: 3\n  <<: *b\n';
  expect(parseYamlText(content, 'f.yaml').text).toMatchObject({
    value: { base: { c: 1, d: 2 }, other: { c: 1, d: 3 } },
    duplicates: [],
  });
});

test('all documents of a text are read, each with its own places, and empty ones passed over', () => {
  const { documents, problems } = parseYamlDocuments(
    '---\n# none\n---\na: 1\n---\n{"b": [2]}\n---\n',
    'f.yaml',
  );
  expect(problems).toEqual([]);
  expect(documents.map(({ value }) => value)).toEqual([{ a: 1 }, { b: [2] }]);
  expect(documents.map((each) => each.placeOf(''))).toEqual(['f.yaml:4:1', 'f.yaml:6:1']);
  expect(documents[1]!.placeOf('b[0]')).toBe('f.yaml:6:8');
});

test('of several documents each that is no YAML is told', () => {
  const { documents, problems } = parseYamlDocuments('a: *x\n---\nb: 1\n---\nc: *y\n', 'f.yaml');
  expect(documents.map(({ value }) => value)).toEqual([{ b: 1 }]);
  expect(problems.map(({ source }) => source)).toEqual(['f.yaml:1:1', 'f.yaml:5:1']);
});
