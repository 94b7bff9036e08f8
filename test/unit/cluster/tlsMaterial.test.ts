import { describe, expect, test } from '@jest/globals';
import { checkInlineMaterial, checkTlsInputs } from '../../../src/cluster/tlsMaterial.ts';
import {
  base64,
  CERTIFICATE,
  certificateDer,
  ENCRYPTED_KEY,
  KEY,
  OTHER_KEY,
} from '../../support/objects/certificates.ts';

const pem = (name: string, content: string | Uint8Array) => ({ name, bytes: Buffer.from(content) });
const BROKEN = CERTIFICATE.replace('\nMIIB', '\nAAAA');

describe('a CA', () => {
  const check = (content: string | Uint8Array) => checkTlsInputs({ ca: pem('ca /x', content) });

  test('is one readable certificate among whatever else', () => {
    check(CERTIFICATE);
    check(`# our CA\n${BROKEN}\n${CERTIFICATE}`);
    check(CERTIFICATE.replaceAll('\n', '\r\n'));
  });

  test.each([
    ['hello world', /^ca \/x holds no PEM certificate$/],
    ['', /^ca \/x holds no PEM certificate; it is empty$/],
    [certificateDer(), /^ca \/x holds no PEM certificate; it is DER: convert it with openssl/],
    [KEY, /^ca \/x holds no PEM certificate$/],
    [BROKEN, /^ca \/x holds a certificate that cannot be read: ./],
  ])('is not %j', (content, problem) => {
    expect(() => check(content)).toThrow(problem);
  });
});

describe('a client certificate', () => {
  const check = (content: string, key?: string) =>
    checkTlsInputs({
      certificate: pem('client-certificate /c', content),
      key: key === undefined ? undefined : pem('client-key /k', key),
    });

  test('comes with its key', () => {
    check(CERTIFICATE, KEY);
    check(`${CERTIFICATE}${BROKEN}`, `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n${KEY}`);
  });

  test.each([
    [CERTIFICATE, OTHER_KEY, /^client-key \/k does not belong to client-certificate \/c; give/],
    [CERTIFICATE, undefined, /^client-certificate \/c is given without client-key/],
    [CERTIFICATE, CERTIFICATE, /^client-key \/k holds no PEM private key/],
    [CERTIFICATE, ENCRYPTED_KEY, /^client-key \/k is encrypted; give it without a passphrase/],
    [CERTIFICATE, KEY.replace('MIGH', 'AAAA'), /^client-key \/k holds a private key that cannot/],
    [`${BROKEN}${CERTIFICATE}`, KEY, /^client-certificate \/c holds a certificate that cannot/],
    ['', KEY, /^client-certificate \/c holds no PEM certificate; it is empty/],
  ])('is refused otherwise (%#)', (certificate, key, problem) => {
    expect(() => check(certificate, key)).toThrow(problem);
  });

  test('is not looked for where there is a key alone', () => {
    checkTlsInputs({ key: pem('client-key', 'x') });
  });
});

describe('what is written into the kubeconfig', () => {
  test('is base64 of PEM; line ends do not count', () => {
    checkInlineMaterial({
      'certificate-authority-data': base64(CERTIFICATE).replaceAll(/(.{64})/g, '$1\r\n'),
      'client-certificate-data': base64(CERTIFICATE),
      'client-key-data': base64(KEY),
    });
    checkInlineMaterial({ 'certificate-authority-data': '', 'client-key-data': null });
  });

  test.each([
    [{ 'certificate-authority-data': 'hello-world' }, /^certificate-authority-data is not base64/],
    [{ 'certificate-authority-data': 'aGVsb' }, /^certificate-authority-data is not base64/],
    [{ 'certificate-authority-data': 'aGVs bG8=' }, /^certificate-authority-data is not base64/],
    [{ 'certificate-authority-data': 'aGVsbG8=' }, /^certificate-authority-data holds no PEM/],
    [{ 'client-certificate-data': base64(CERTIFICATE) }, /given without client-key/],
    [
      {
        'client-certificate-data': base64(CERTIFICATE),
        'client-key-data': base64(OTHER_KEY),
      },
      /^client-key-data does not belong to client-certificate-data/,
    ],
    [
      { 'client-certificate-data': 'aGVsbG8=', 'client-key': '/later' },
      /^client-certificate-data holds no PEM certificate/,
    ],
  ])('%# is refused with its name', (fields, problem) => {
    expect(() => checkInlineMaterial(fields)).toThrow(problem);
  });

  test('a key in a file is looked at when it is used', () => {
    checkInlineMaterial({ 'client-certificate-data': base64(CERTIFICATE), 'client-key': '/later' });
  });
});
