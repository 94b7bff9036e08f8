import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import type { HttpAnswer, HttpRequest } from '../../../src/ops/httpListener.ts';
import { zpageForm } from '../../../src/ops/zpageNegotiation.ts';
import { zpageRoutes } from '../../../src/ops/zpages.ts';

const STARTED = Date.UTC(2026, 10, 3, 4, 26, 19, 900);
const AFTER_MS = ((25 * 60 + 3) * 60 + 7) * 1000 + 999;

const flags = new Map([
  ['bind-address', '0.0.0.0'],
  ['config', ''],
]);

function ask(path: string, accept?: string, random = 0): HttpAnswer {
  const wallMs = () => STARTED + AFTER_MS;
  const options = { version: '1.2.3', flags, startedAtMs: STARTED, wallMs, random: () => random };
  const route = zpageRoutes(options).get(path)!;
  return route({ accept } as HttpRequest) as HttpAnswer;
}

const WARNING =
  'Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.';

// Texts and headers as kube-proxy 1.37.2 sent them, with our names in them.
describe('/statusz', () => {
  test('is text for people', () => {
    expect(ask('/statusz')).toEqual({
      status: 200,
      contentType: 'text/plain; charset=utf-8',
      body: `
kube-ipvs statusz
${WARNING}

Started: Tue Nov  3 04:26:19 UTC 2026
Up: 25 hr 03 min 07 sec
Go version: node ${process.version}
Binary version: 1.2.3
Emulation version: 1.37
Paths: /configz /flagz /healthz /metrics /proxyMode
`,
    });
  });

  test.each([
    [0, 'Up: 25'],
    [0.3, 'Up:  25'],
    [0.6, 'Up= 25'],
    [0.999, 'Up  25'],
  ])('nobody can rely on what stands between name and value: %s', (random, line) => {
    expect(ask('/statusz', undefined, random).body).toContain(`\n${line}`);
  });

  test('is a structure for who asks for one', () => {
    const answer = ask('/statusz', 'application/json;v=v1beta1;g=config.k8s.io;as=Statusz');
    expect(answer).toMatchObject({
      status: 200,
      contentType: 'application/json;g=config.k8s.io;v=v1beta1;as=Statusz',
      headers: {},
    });
    expect(JSON.parse(answer.body as string)).toEqual({
      kind: 'Statusz',
      apiVersion: 'config.k8s.io/v1beta1',
      metadata: { name: 'kube-ipvs' },
      startTime: '2026-11-03T04:26:19Z',
      uptimeSeconds: 90187,
      goVersion: `node ${process.version}`,
      binaryVersion: '1.2.3',
      emulationVersion: '1.37',
      paths: ['/configz', '/flagz', '/healthz', '/metrics', '/proxyMode'],
    });
  });
});

describe('/flagz', () => {
  test('is text for people', () => {
    expect(ask('/flagz', '*/*', 0.999).body).toBe(
      `\nkube-ipvs flagz\n${WARNING}\nbind-address 0.0.0.0\nconfig \n`,
    );
  });

  test('is a structure for who asks for one, and says when its version is old', () => {
    const answer = ask('/flagz', 'application/yaml;v=v1alpha1;g=config.k8s.io;as=Flagz');
    expect(answer).toMatchObject({
      contentType: 'application/yaml;g=config.k8s.io;v=v1alpha1;as=Flagz',
      headers: {
        Warning:
          '299 - "This version of the flagz endpoint is deprecated. Please use a newer version."',
      },
    });
    expect(parse(answer.body as string)).toEqual({
      kind: 'Flagz',
      apiVersion: 'config.k8s.io/v1alpha1',
      metadata: { name: 'kube-ipvs' },
      flags: { 'bind-address': '0.0.0.0', config: '' },
    });
  });
});

test.each([
  ['application/json', 'application/json', (text: string): unknown => JSON.parse(text)],
  ['application/yaml', 'application/yaml', (text: string): unknown => parse(text)],
])('a refusal of %s is a Status', (accept, contentType, read) => {
  const answer = ask('/statusz', accept);
  expect(answer).toMatchObject({ status: 406, contentType });
  expect(read(answer.body as string)).toEqual({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message:
      'only the following media types are accepted: application/json, application/yaml, text/plain',
    reason: 'NotAcceptable',
    code: 406,
  });
});

// What each of these got from kube-proxy 1.37.2.
test.each([
  [undefined, 'text'],
  ['', 'text'],
  ['*/*', 'text'],
  ['text/*', 'text'],
  ['text/plain', 'text'],
  ['text/plain;charset=utf-8', 'text'],
  ['text/html, text/plain;q=0.5, */*;q=0.1', 'text'],
  ['application/json, text/plain', 'text'],
  ['application/json;v=v1alpha1;g=config.k8s.io;as=Statusz;q=0.3, text/plain', 'text'],
  ['application/json;as=Statusz;v=v1beta1;g=config.k8s.io, application/json', 'json v1beta1'],
  ['application/yaml; v=v1beta1; g=config.k8s.io; as=Statusz', 'yaml v1beta1'],
  ['text/html', 'none json'],
  ['application/*', 'none json'],
  ['application/json', 'none json'],
  ['application/yaml', 'none yaml'],
  ['application/json;as=Statusz;v=v9;g=config.k8s.io', 'none json'],
  ['application/json;as=Flagz;v=v1beta1;g=config.k8s.io', 'none json'],
  ['application/cbor;v=v1beta1;g=config.k8s.io;as=Statusz', 'none json'],
])('Accept %s: %s', (accept, expected) => {
  expect(Object.values(zpageForm('Statusz', accept)).join(' ')).toBe(expected);
});
