/** `user.exec` of a kubeconfig, checked: what is written there as settings for execPlugin.ts. */
import path from 'node:path';
import type { ExecSettings } from './execPlugin.ts';
import { type Fields, isFields, KubeconfigError } from './kubeconfigFile.ts';

const GROUP = 'client.authentication.k8s.io/';

/**
 * @param directory of the kubeconfig: a command with a slash is relative to it
 * @param where of `exec`, in front of every message
 * @throws KubeconfigError
 */
export function execSettings(exec: Fields, directory: string, where: string): ExecSettings {
  const { command, apiVersion = '', installHint } = exec;
  if (typeof command !== 'string' || command === '') {
    throw new KubeconfigError(`${where}.command is missing; name the plug-in's program`);
  }
  if (typeof apiVersion !== 'string' || !apiVersion.startsWith(GROUP)) {
    throw new KubeconfigError(
      `${where}.apiVersion is ${JSON.stringify(apiVersion)}; write ${GROUP}v1 or ${GROUP}v1beta1, as the plug-in speaks`,
    );
  }
  return {
    command: command.includes('/') ? path.resolve(directory, command) : command,
    args: listOf(exec, 'args', where, (item) => (typeof item === 'string' ? item : undefined)),
    env: Object.fromEntries(listOf(exec, 'env', where, environmentEntry)),
    apiVersion,
    installHint: typeof installHint === 'string' ? installHint.trim() : '',
    needsTerminal: exec['interactiveMode'] === 'Always',
  };
}

function environmentEntry(item: unknown): readonly [string, string] | undefined {
  if (!isFields(item)) return undefined;
  const { name, value = '' } = item;
  return typeof name === 'string' && typeof value === 'string' ? [name, value] : undefined;
}

function listOf<T>(
  exec: Fields,
  field: 'args' | 'env',
  where: string,
  read: (item: unknown) => T | undefined,
): readonly T[] {
  const items: unknown = exec[field] ?? [];
  if (!Array.isArray(items)) throw new KubeconfigError(`${where}.${field} is not a list`);
  return items.map((item: unknown, i) => {
    const value = read(item);
    if (value !== undefined) return value;
    const expected = field === 'args' ? 'text; put it in quotes' : 'a name and a value of text';
    throw new KubeconfigError(`${where}.${field}[${i}] is not ${expected}`);
  });
}
