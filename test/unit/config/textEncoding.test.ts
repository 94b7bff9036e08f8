import { expect, test } from '@jest/globals';
import { decodeText } from '../../../src/config/textEncoding.ts';

const TEXT = 'clé: 🐎\n';
const little = Buffer.from(`\ufeff${TEXT}`, 'utf16le');

test.each([
  ['UTF-8', Buffer.from(TEXT)],
  ['UTF-8 with a mark', Buffer.from(`\ufeff${TEXT}`)],
  ['UTF-16, little end first', little],
  ['UTF-16, big end first', Buffer.from(little).swap16()],
])('%s is read', (_, bytes) => {
  expect(decodeText(bytes)).toBe(TEXT);
});

test('nothing is nothing', () => {
  expect(decodeText(new Uint8Array())).toBe('');
});
