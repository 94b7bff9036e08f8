/**
 * Certificate and keys for tests of TLS: signed by itself, a CA and a server at once, for
 * 127.0.0.1, localhost and api.test until 2120.
 */

export const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBejCCASGgAwIBAgIBATAKBggqhkjOPQQDAjAZMRcwFQYDVQQDDA5rdWJlLWlw
dnMgdGVzdDAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAwMFowGTEXMBUG
A1UEAwwOa3ViZS1pcHZzIHRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARC
2nDnpD3FmFXk1j9vEwnsjMUHoJGDopoV1568HGz179r7TythQI7BCGsRD1IgpyA3
zH9ixWrOhwkCzBOkzcwuo1gwVjAPBgNVHRMBAf8EBTADAQH/MCQGA1UdEQQdMBuH
BH8AAAGCCWxvY2FsaG9zdIIIYXBpLnRlc3QwHQYDVR0OBBYEFMtZ0aPLz/bFGjsW
HwpWU5xR+B0IMAoGCCqGSM49BAMCA0cAMEQCIE1mupjLUO8nKXKt3Idrlq/jIydt
H/I4xQBruiVPpHtXAiBBVACumAyOSz6I7EY2TyeU+MDbH5dvtZ+M0Aa67nfc8w==
-----END CERTIFICATE-----
`;

/** of CERTIFICATE */
export const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg/55Z3sSx8pIirFi3
mN9V6jQgbWlDGVKMNZuo/FLv2OyhRANCAARC2nDnpD3FmFXk1j9vEwnsjMUHoJGD
opoV1568HGz179r7TythQI7BCGsRD1IgpyA3zH9ixWrOhwkCzBOkzcwu
-----END PRIVATE KEY-----
`;

/** of no certificate */
export const OTHER_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgLrvaBjb3WDKD0iSG
SRcxwAukDfUbUtBc0Dg80Mpk0DahRANCAATepL5GY85G41fCtDlSdeVUjvS+SJbx
6F48yVlfUY04xRH9t0134dYQ4/A+lwnY3KdiAhNplJnijc7vapMOXIIW
-----END PRIVATE KEY-----
`;

/** KEY with a passphrase */
export const ENCRYPTED_KEY = `-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAg6EkosB2q4SAICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEEvejYuQH6Q3H82VibAPYHwEgZCy
2CRsYDSEtK6IqvtMnoHxlBpGVsJX1IRpYwweEBU/dRLt859kh45YPdLLPcSC/6gv
NLz/cKZlZKVVEzt+NywEZHZBGmXZ77Rdz2Tkz8yXr5fOZ+fWm8Thhs4NAzDgoiT2
yUfrqYIyMTwX2PoqiwrU4/QTk/NMAsFdubJgYBIpw+VJJr7U+Keh2FVIJj/578k=
-----END ENCRYPTED PRIVATE KEY-----
`;

export function base64(text: string | Uint8Array): string {
  return Buffer.from(text).toString('base64');
}

/** CERTIFICATE without its clothes. */
export function certificateDer(): Buffer {
  return Buffer.from(CERTIFICATE.replaceAll(/-----.*-----/g, ''), 'base64');
}
