import { describe, expect, test } from '@jest/globals';
import { execInfo, parseExecCredential } from '../../../src/cluster/execCredential.ts';

const V1 = 'client.authentication.k8s.io/v1';

function parse(answer: unknown) {
  return parseExecCredential(JSON.stringify(answer), V1);
}

test('a plug-in is told that nobody is there to ask, and of the cluster when it wants to know', () => {
  expect(JSON.parse(execInfo(V1))).toEqual({
    apiVersion: V1,
    kind: 'ExecCredential',
    spec: { interactive: false },
  });
  const cluster = { server: 'https://h', config: { audience: 'x' } };
  expect(JSON.parse(execInfo(V1, cluster))).toMatchObject({ spec: { cluster } });
});

describe('an answer', () => {
  test('brings a token, a certificate with its key, or both, until it expires', () => {
    expect(parse({ kind: 'ExecCredential', apiVersion: V1, status: { token: 't' } })).toEqual({
      token: 't',
      expiresAtMs: Infinity,
    });
    const pair = { clientCertificateData: 'c', clientKeyData: 'k' };
    const expirationTimestamp = '2026-11-29T21:00:00Z';
    expect(parse({ status: { ...pair, token: 't', expirationTimestamp } })).toEqual({
      token: 't',
      certificate: 'c',
      key: 'k',
      expiresAtMs: Date.UTC(2026, 10, 29, 21),
    });
    expect(parse({ status: { token: 't', expirationTimestamp: null } })).toMatchObject({
      expiresAtMs: Infinity,
    });
  });

  test.each([
    [{}, 'it printed no status'],
    [{ kind: 'ExecCredential', apiVersion: V1 }, 'it printed no status'],
    [{ status: null }, 'it printed no status'],
    [{ status: {} }, 'neither a token nor a client certificate'],
    [{ status: { token: '' } }, 'neither a token nor a client certificate'],
    [{ status: { clientCertificateData: 'c' } }, 'a client certificate without its key'],
    [{ status: { token: 't', clientKeyData: 'k' } }, 'a client key without its certificate'],
    [{ status: { token: 7 } }, 'a status.token that is no text'],
    [{ status: { token: 't', expirationTimestamp: 'soon' } }, 'expirationTimestamp "soon"'],
    [{ kind: 'Status', status: { token: 't' } }, 'of kind "Status", not ExecCredential'],
    [
      { apiVersion: 'client.authentication.k8s.io/v1beta1', status: { token: 't' } },
      'it speaks "client.authentication.k8s.io/v1beta1", and exec.apiVersion of the kubeconfig says',
    ],
    ['text', 'something that is not a JSON object'],
  ])('%j is an error', (answer, problem) => {
    expect(() => parse(answer)).toThrow(problem);
  });

  test('that is no JSON is an error that does not repeat what may be a secret', () => {
    expect(() => parseExecCredential(' \n', V1)).toThrow('it printed nothing');
    expect(() => parseExecCredential('token: hunter2', V1)).toThrow(/^(?!.*hunter2).*no.* JSON/);
  });
});
