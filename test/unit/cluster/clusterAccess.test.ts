import type { KubeConfig } from '@kubernetes/client-node';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { type AccessSettings, ClusterAccess } from '../../../src/cluster/clusterAccess.ts';
import type { ExecPlugin } from '../../../src/cluster/execPlugin.ts';

afterEach(() => void jest.useRealTimers());

/** Credentials that a test gives, one answer a call. */
class Scripted {
  calls = 0;
  forgotten = 0;
  closed = 0;
  readonly #answers: (() => Promise<string>)[];

  constructor(...answers: readonly (() => Promise<string>)[]) {
    this.#answers = [...answers];
  }

  get settings(): AccessSettings {
    const config = {
      getCurrentCluster: () => ({ name: 'c', server: 'http://h:1', skipTLSVerify: true }),
      getCurrentUser: () => null,
      applyToHTTPSOptions: () => Promise.resolve(),
    };
    const exec = {
      credential: async () => {
        const next = this.#answers[Math.min(this.calls++, this.#answers.length - 1)]!;
        return { token: await next(), expiresAtMs: Infinity };
      },
      forget: () => this.forgotten++,
      close: () => this.closed++,
    };
    return {
      config: config as unknown as KubeConfig,
      exec: exec as unknown as ExecPlugin,
    };
  }
}

const never = () => new Promise<string>(() => undefined);
const gives = (token: string) => () => Promise.resolve(token);

async function tokenOf(access: ClusterAccess): Promise<string | undefined> {
  return (await access.authenticate()).headers['Authorization'];
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'not rejected',
    (error: unknown) => error,
  );
}

describe('credentials that do not come', () => {
  test('are given up after 65 s; the next request asks anew', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    const scripted = new Scripted(never, gives('t'));
    const access = new ClusterAccess(scripted.settings, 'test', () => scripted.settings);
    const failures = [rejection(access.authenticate()), rejection(access.authenticate())];
    await jest.advanceTimersByTimeAsync(64_999);
    expect(scripted.calls).toBe(1);
    await jest.advanceTimersByTimeAsync(1);
    for (const failure of await Promise.all(failures)) {
      expect(failure).toMatchObject({
        reason: 'Credentials',
        message: 'credentials of test: no answer within 65 s',
      });
    }
    expect(await tokenOf(access)).toBe('Bearer t');
    expect(jest.getTimerCount()).toBe(0);
  });

  test('hold nobody who has been stopped, before or while waiting', async () => {
    const scripted = new Scripted(never);
    const access = new ClusterAccess(scripted.settings, 'test', () => scripted.settings);
    const stop = new AbortController();
    const waiting = rejection(access.authenticate(stop.signal));
    const stopped = new Error('stopped');
    stop.abort(stopped);
    expect(await waiting).toBe(stopped);
    expect(await rejection(access.authenticate(stop.signal))).toBe(stopped);
    access.close();
    expect(scripted.closed).toBe(1);
  });
});

describe('refused credentials', () => {
  test('are read anew once, however many requests were refused', async () => {
    const old = new Scripted(gives('old'));
    const renewed = new Scripted(gives('new'));
    let reloads = 0;
    const access = new ClusterAccess(old.settings, 'test', () => {
      reloads++;
      return renewed.settings;
    });
    expect(await tokenOf(access)).toBe('Bearer old');
    for (let i = 0; i < 3; i++) access.refresh();
    expect(await Promise.all([tokenOf(access), tokenOf(access)])).toEqual([
      'Bearer new',
      'Bearer new',
    ]);
    expect(reloads).toBe(1);
    await tokenOf(access);
    expect(reloads).toBe(1);
  });

  test('of a plug-in are dropped also when the kubeconfig cannot be read just then', async () => {
    const scripted = new Scripted(gives('t'));
    const access = new ClusterAccess(scripted.settings, 'test', () => {
      throw new Error('half-written');
    });
    access.refresh();
    expect(await tokenOf(access)).toBe('Bearer t');
    expect(scripted.forgotten).toBe(1);
  });
});

test('what the kubeconfig adds to requests goes beside the token of a plug-in', async () => {
  const scripted = new Scripted(gives('t'));
  const { settings } = scripted;
  settings.config.applyToHTTPSOptions = async (options) => {
    options.headers = { 'Impersonate-User': 'someone', Authorization: 'of the kubeconfig' };
  };
  const access = new ClusterAccess(settings, 'test', () => settings);
  expect((await access.authenticate()).headers).toEqual({
    'Impersonate-User': 'someone',
    Authorization: 'Bearer t',
  });
});
