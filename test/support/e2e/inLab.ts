// The lab's end of the end-to-end tests: runs the product as a process, reads the kernel with the
// real tools, asks the product's HTTP servers, and keeps a gate to the API server. Called through
// the line of test/support/lab/lab.ts; what is expected is the test's. The product's log goes to a
// file that the machine sees too.

import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import https from 'node:https';
import { dirname } from 'node:path';
import { exec } from '../../lab/netns.ts';
import { ApiGate, type GateOptions, type GateRule } from './gate.ts';

interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<number>;
}

const running = new Map<string, Running>();

export interface ProcessOptions {
  readonly argv: readonly string[];
  readonly logFile: string;
  /** added to ours; undefined removes */
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts a process under a name of the test's choice. */
export function startProcess(name: string, { argv, logFile, env = {} }: ProcessOptions): void {
  const log = openSync(logFile, 'a');
  const [file = '', ...rest] = argv;
  const child = spawn(file, rest, {
    stdio: ['ignore', log, log],
    env: { ...process.env, ...env },
  });
  closeSync(log);
  const ended = new Promise<number>((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? (signal === 'SIGKILL' ? 137 : 128)));
    child.once('error', () => resolve(127));
  });
  running.set(name, { child, ended });
}

/** Sends a signal, or none, and waits for the end. @returns the exit code as a shell gives it */
export async function endOf(name: string, signal?: NodeJS.Signals): Promise<number> {
  const process = running.get(name);
  if (process === undefined) throw new Error(`no process ${name} was started`);
  if (signal !== undefined) process.child.kill(signal);
  return process.ended;
}

export interface KernelText {
  /** `TCP 10.96.0.10:80 rr persistent 600` → `10.244.1.5:8080 Masq 1`, in the order printed */
  readonly servers: Readonly<Record<string, readonly string[]>>;
  /** set → what `ipset save` prints after its name; empty sets are left out */
  readonly sets: Readonly<Record<string, readonly string[]>>;
  /** on kube-ipvs0, with prefix length */
  readonly addresses: readonly string[];
}

/** The kernel in the words of `ipvsadm -Ln`, `ipset save` and `ip address`. */
export async function kernelText(): Promise<KernelText> {
  const [ipvs, sets, addresses] = await Promise.all([
    output(['ipvsadm', '-Ln']),
    output(['ipset', 'save']),
    exec(['ip', '-o', 'address', 'show', 'dev', 'kube-ipvs0']), // fails while there is no device
  ]);
  return {
    servers: serversIn(ipvs),
    sets: setsIn(sets),
    addresses: [...addresses.stdout.matchAll(/inet6? (\S+)/g)].map(([, address]) => address!),
  };
}

async function output(argv: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await exec(argv);
  if (status !== 0) throw new Error(`${argv.join(' ')}: ${stderr}`);
  return stdout;
}

function serversIn(text: string): Record<string, string[]> {
  const servers: Record<string, string[]> = {};
  let current: string[] = [];
  for (const line of text.split('\n')) {
    const destination = /^ {2}-> (\S+) +(\S+) +(\d+)/.exec(line);
    if (/^(?:TCP|UDP|SCTP) /.test(line)) servers[line.replace(/\s+/g, ' ').trim()] = current = [];
    else if (destination !== null) current.push(destination.slice(1).join(' '));
  }
  return servers;
}

function setsIn(text: string): Record<string, string[]> {
  const sets: Record<string, string[]> = {};
  for (const [, name, entry] of text.matchAll(/^add (\S+) (.*)$/gm)) {
    (sets[name!] ??= []).push(entry!);
  }
  return Object.fromEntries(Object.entries(sets).map(([name, entries]) => [name, entries.sort()]));
}

export interface HttpText {
  /** 0 when nobody answers */
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** GET of a server in the lab. */
export async function httpGet(url: string): Promise<HttpText> {
  try {
    const response = await fetch(url);
    const contentType = response.headers.get('content-type') ?? '';
    return { status: response.status, contentType, body: await response.text() };
  } catch (error) {
    return { status: 0, contentType: '', body: String(error) };
  }
}

/** @param path in the lab's own file system, where the product notices a change at once */
export async function writeText(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

let gate: ApiGate | undefined;

/** @returns the URL of the gate, plain HTTP */
export async function openGate(options: GateOptions): Promise<string> {
  gate = new ApiGate(options);
  return gate.start();
}

export function setGate(rules: readonly GateRule[]): void {
  gate!.rules = rules;
}

/** Breaks all connections through the gate. */
export function dropGate(): void {
  gate!.dropAll();
}

/** How often a rule of the gate has acted, by its path. */
export function gateCounts(): Readonly<Record<string, number>> {
  return Object.fromEntries(gate!.counts);
}

export interface PatchTimes {
  /** from sending the PATCH to the server's answer, ms */
  readonly answeredMs: number;
  /** from sending the PATCH to the destination in the kernel, ms */
  readonly programmedMs: number;
}

/**
 * Patches an object and watches /proc/net/ip_vs, which costs no process, until it holds a
 * destination.
 *
 * @param destination as in that file: `0AF40105:1F90`
 */
export async function timePatch(
  server: { readonly url: string; readonly token: string; readonly ca: string },
  path: string,
  patch: unknown,
  destination: string,
): Promise<PatchTimes> {
  const began = performance.now();
  let answeredMs = NaN;
  const answer = send(server, path, patch).then(() => (answeredMs = performance.now() - began));
  for (;;) {
    if ((await readFile('/proc/net/ip_vs', 'utf8')).includes(destination)) break;
    if (performance.now() - began > 10_000) throw new Error(`${destination} was not programmed`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const programmedMs = performance.now() - began;
  await answer;
  return { answeredMs, programmedMs };
}

const agents = new Map<string, https.Agent>();

function send(
  { url, token, ca }: { readonly url: string; readonly token: string; readonly ca: string },
  path: string,
  patch: unknown,
): Promise<void> {
  const agent = agents.get(url) ?? new https.Agent({ keepAlive: true, ca });
  agents.set(url, agent);
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/merge-patch+json',
  };
  return new Promise((resolve, reject) => {
    const request = https.request(
      `${url}${path}`,
      { method: 'PATCH', agent, headers },
      (response) => {
        response.resume();
        response.on('end', () =>
          response.statusCode === 200
            ? resolve()
            : reject(new Error(`PATCH ${path}: ${response.statusCode}`)),
        );
      },
    );
    request.on('error', reject);
    request.end(JSON.stringify(patch));
  });
}
