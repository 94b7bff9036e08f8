/**
 * CA, client certificate and key before they are used: OpenSSL ignores what it cannot read, and the
 * handshake then fails, or the certificate is not sent, without a word of the cause. What is wrong
 * is said by the name it has in the kubeconfig.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';

/** One input: what it is called, as `certificate-authority /etc/ca.crt`, and what is in it. */
export interface NamedPem {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface TlsInputs {
  readonly ca?: NamedPem | undefined;
  readonly certificate?: NamedPem | undefined;
  readonly key?: NamedPem | undefined;
}

/** @throws Error that names the input and the cure */
export function checkTlsInputs({ ca, certificate, key }: TlsInputs): void {
  if (ca !== undefined) readCertificate(ca, 'any');
  if (certificate === undefined) return;
  const own = readCertificate(certificate, 'first');
  if (key === undefined) {
    throw new Error(
      `${certificate.name} is given without client-key; give the key that belongs to it`,
    );
  }
  if (!own.checkPrivateKey(readKey(key))) {
    throw new Error(
      `${key.name} does not belong to ${certificate.name}; give the key that it was made with`,
    );
  }
}

/**
 * What is written into the kubeconfig itself (`client-key-data` and its like) of a cluster or a
 * user.
 *
 * @throws Error that begins with the field's name
 */
export function checkInlineMaterial(fields: Readonly<Record<string, unknown>>): void {
  const ca = inlinePem(fields, 'certificate-authority-data');
  const certificate = inlinePem(fields, 'client-certificate-data');
  const key = inlinePem(fields, 'client-key-data');
  const isKeyFile = key === undefined && Boolean(fields['client-key']);
  if (certificate !== undefined && isKeyFile) readCertificate(certificate, 'first');
  checkTlsInputs({ ca, ...(isKeyFile ? {} : { certificate, key }) });
}

/** Go's base64: the standard alphabet, padded; line ends do not count. */
function inlinePem(fields: Readonly<Record<string, unknown>>, name: string): NamedPem | undefined {
  const value = fields[name];
  if (value === undefined || value === null || value === '') return undefined;
  const text = typeof value === 'string' ? value.replaceAll(/[\r\n]/g, '') : '?';
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) {
    throw new Error(`${name} is not base64; write a PEM file through base64 -w0`);
  }
  return { name, bytes: Buffer.from(text, 'base64') };
}

/**
 * @param wanted of a CA any may be the readable one, of a client certificate the first is its own
 */
function readCertificate({ name, bytes }: NamedPem, wanted: 'any' | 'first'): X509Certificate {
  const blocks = Array.from(
    asText(bytes).matchAll(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g),
    ([block]) => block,
  );
  let failure: unknown;
  for (const block of wanted === 'any' ? blocks : blocks.slice(0, 1)) {
    try {
      return new X509Certificate(block);
    } catch (error) {
      failure ??= error;
    }
  }
  if (failure === undefined) throw new Error(`${name} holds no PEM certificate${derHint(bytes)}`);
  throw new Error(`${name} holds a certificate that cannot be read: ${(failure as Error).message}`);
}

const PRIVATE_KEY = /-----BEGIN ([A-Z ]*)PRIVATE KEY-----[^]*?-----END \1PRIVATE KEY-----/;

function readKey({ name, bytes }: NamedPem): KeyObject {
  // Parameters of a curve may stand in front of it.
  const [text] = PRIVATE_KEY.exec(asText(bytes)) ?? [];
  if (text === undefined) throw new Error(`${name} holds no PEM private key${derHint(bytes)}`);
  try {
    return createPrivateKey(text);
  } catch (error) {
    const isEncrypted = text.includes('ENCRYPTED');
    const problem = isEncrypted
      ? 'is encrypted; give it without a passphrase'
      : `holds a private key that cannot be read: ${(error as Error).message}`;
    throw new Error(`${name} ${problem}`, { cause: error });
  }
}

function derHint(bytes: Uint8Array): string {
  if (bytes.length === 0) return '; it is empty';
  // ASN.1: a sequence
  const isDer = bytes[0] === 0x30;
  return isDer ? '; it is DER: convert it with openssl (-inform der -outform pem)' : '';
}

function asText(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}
