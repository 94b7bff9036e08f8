import { describe, expect, test } from '@jest/globals';
import {
  errorFromNetwork,
  errorFromStatus,
  explainFailure,
  isExpired,
} from '../../../src/cluster/apiError.ts';

const listServices = { verb: 'list', resource: 'services', group: '' } as const;

describe('errorFromStatus', () => {
  test('takes code, reason and message of a Status object', () => {
    const body = {
      kind: 'Status',
      code: 410,
      reason: 'Expired',
      message: 'too old resource version',
    };
    const error = errorFromStatus(500, body, 'https://host/path', 3);
    expect(error).toMatchObject({
      status: 410,
      reason: 'Expired',
      message: 'too old resource version',
      url: 'https://host/path',
      retryAfterSec: 3,
    });
    expect(isExpired(error)).toBe(true);
  });

  test('keeps the words of a proxy that answers with text', () => {
    expect(errorFromStatus(502, 'Bad Gateway\n', 'u').message).toBe('HTTP status 502: Bad Gateway');
    expect(errorFromStatus(502, 'x'.repeat(300), 'u').message).toBe(
      `HTTP status 502: ${'x'.repeat(200)}`,
    );
    expect(errorFromStatus(502, ' ', 'u')).toMatchObject({
      status: 502,
      reason: '',
      message: 'HTTP status 502',
      retryAfterSec: undefined,
      causes: [],
    });
  });

  test.each([
    [{ code: 410 }, true],
    [{ code: 500, reason: 'Expired' }, true],
    [{ code: 500, reason: 'Gone' }, true],
    [{ code: 409, reason: 'Conflict' }, false],
  ])('%j: only a new list helps: %s', (body, expected) => {
    expect(isExpired(errorFromStatus(500, body, 'u'))).toBe(expected);
  });

  test('a version from the future needs a new list as much as one from the past', () => {
    const body = {
      code: 504,
      reason: 'Timeout',
      details: { causes: [{ reason: 'ResourceVersionTooLarge' }] },
    };
    expect(isExpired(errorFromStatus(504, body, 'u'))).toBe(true);
    expect(isExpired(errorFromStatus(504, { code: 504, reason: 'Timeout' }, 'u'))).toBe(false);
  });
});

describe('errorFromNetwork', () => {
  test('names the failed attempts of a host with two addresses', () => {
    const cause = new AggregateError([
      new Error('connect ECONNREFUSED ::1:6443'),
      new Error('connect ECONNREFUSED 127.0.0.1:6443'),
    ]);
    const error = errorFromNetwork(Object.assign(cause, { code: 'ECONNREFUSED' }), 'u');
    expect(error).toMatchObject({ status: 0, reason: 'ECONNREFUSED' });
    expect(error.message).toBe(
      'connect ECONNREFUSED ::1:6443; connect ECONNREFUSED 127.0.0.1:6443',
    );
  });

  test('says what the way led through', () => {
    expect(errorFromNetwork(new Error('timed out'), 'u', 'proxy http://p of X').message).toBe(
      'timed out, through the proxy http://p of X',
    );
  });

  test('has words for what is no Error, and for one that says nothing', () => {
    expect(errorFromNetwork('odd', 'u')).toMatchObject({ reason: 'Unknown', message: 'odd' });
    expect(errorFromNetwork({ code: 'EPIPE' }, 'u')).toMatchObject({
      reason: 'EPIPE',
      message: 'the connection failed',
    });
    expect(errorFromNetwork(new Error('aborted'), 'u').message).toBe('the connection broke off');
  });

  test('leaves an ApiError as it is', () => {
    const error = errorFromStatus(410, {}, 'u');
    expect(errorFromNetwork(error, 'other')).toBe(error);
  });

  const UNSIGNED = 'no certificate-authority of the kubeconfig signed it';
  test.each([
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', UNSIGNED],
    ['SELF_SIGNED_CERT_IN_CHAIN', UNSIGNED],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', UNSIGNED],
    [
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'it signed itself and is not the certificate-authority of the kubeconfig',
    ],
    [
      'CERT_SIGNATURE_FAILURE',
      'its signature does not fit the certificate-authority of the kubeconfig',
    ],
    ['CERT_HAS_EXPIRED', 'it has expired, or the clock of this node is wrong'],
    ['CERT_NOT_YET_VALID', 'it is not valid yet, or the clock of this node is wrong'],
    [
      'ERR_TLS_CERT_ALTNAME_INVALID',
      'it is for another host name: correct the server URL or set tls-server-name',
    ],
  ])('says what is wrong with a certificate: %s', (code, hint) => {
    const error = errorFromNetwork(Object.assign(new Error('bad'), { code }), 'u', 'proxy p');
    expect(error).toMatchObject({
      status: 0,
      reason: code,
      message: `the server's certificate is not accepted: ${hint} (bad, through the proxy p)`,
    });
  });
});

describe('explainFailure', () => {
  test('403 names the verb and resource that RBAC lacks', () => {
    const text = explainFailure(errorFromStatus(403, { message: 'services is forbidden' }, 'u'), {
      verb: 'watch',
      resource: 'endpointslices',
      group: 'discovery.k8s.io',
    });
    expect(text).toContain(
      'lacks the verb "watch" on "endpointslices" in API group "discovery.k8s.io"',
    );
    expect(text).toContain('system:node-proxier');
    expect(text).toContain('services is forbidden');
  });

  test('401 speaks of credentials', () => {
    expect(explainFailure(errorFromStatus(401, {}, 'u'), listServices)).toContain(
      'does not accept the credentials',
    );
  });

  test('404 of a list speaks of the server, that of another verb does not', () => {
    const error = errorFromStatus(404, { message: 'page not found' }, 'https://h/api');
    expect(explainFailure(error, listServices)).toBe(
      'list services: not found: https://h/api is no API server, or one that is too old (server: page not found)',
    );
    expect(explainFailure(error, { ...listServices, verb: 'patch' })).toBe(
      'patch services: page not found',
    );
  });

  test('others are told as they came', () => {
    const error = errorFromNetwork(new Error('connect ECONNREFUSED'), 'u');
    expect(explainFailure(error, listServices)).toBe('list services: connect ECONNREFUSED');
  });
});
