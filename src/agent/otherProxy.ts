/**
 * Whether another Service proxy is at work on this node already: two of them undo each other's rules. Asks the ports that
 * kube-proxy serves, which a container in the host's network sees without seeing the host's processes, and looks through
 * /proc as far as it is visible. An instance of ours (a restart that overlaps, a DaemonSet beside a systemd unit) is told by
 * the Server header and only reported: both program the same.
 */
import { readdir, readFile, readlink } from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { HEALTHZ_PORT, METRICS_PORT } from '../config/kubeProxyConfiguration.ts';
import type { ResolvedConfig } from '../config/resolve.ts';
import type { HostPort } from '../config/sloppy.ts';
import { joinHostPort } from '../net/address.ts';
import { SERVER_NAME } from '../ops/httpServer.ts';
import type { Logger } from '../ops/log.ts';
import { EnvironmentError } from './nodeEnvironment.ts';

const MODES = ['iptables', 'ipvs', 'nftables', 'userspace'];
const ANSWER_TIMEOUT_MS = 1_000;
const MAX_ANSWER_BYTES = 4_096;

export interface Sighting {
  readonly isOurs: boolean;
  /** `127.0.0.1:10249 answers /proxyMode with iptables` */
  readonly evidence: string;
}

export interface Places {
  readonly metrics: readonly HostPort[];
  readonly health: readonly HostPort[];
  /** `/proc`, another folder in tests */
  readonly procfs: string;
}

/** @throws EnvironmentError when kube-proxy runs here and `--takeover` is not given */
export async function checkOtherProxies(config: ResolvedConfig, log: Logger): Promise<void> {
  const sightings = await findProxies(placesOf(config));
  const evidenceOf = (isOurs: boolean) =>
    sightings.filter((each) => each.isOurs === isOurs).map(({ evidence }) => evidence);
  for (const evidence of evidenceOf(true)) {
    log.warning('another kube-ipvs is running on this node', { evidence });
  }
  const foreign = evidenceOf(false).join('; ');
  if (foreign === '') return;
  if (config.isTakeover) {
    log.warning('starting beside another Service proxy, as --takeover asks', { evidence: foreign });
    return;
  }
  throw new EnvironmentError(
    `another Service proxy, by all signs kube-proxy, is running on this node (${foreign}), and two undo each other's rules. ` +
      'Stop it first (kubectl -n kube-system delete daemonset kube-proxy), or start beside it with --takeover',
  );
}

/** What the configuration names, and kube-proxy's defaults; a wildcard address is asked on the loopback. */
export function placesOf({
  metricsAddress,
  healthAddress,
}: Pick<ResolvedConfig, 'metricsAddress' | 'healthAddress'>): Places {
  const places = (ours: HostPort | undefined, port: number) => {
    const all = [{ address: '127.0.0.1', port }, ...(ours ? [onLoopback(ours)] : [])];
    return [...new Map(all.map((place) => [textOf(place), place])).values()];
  };
  return {
    metrics: places(metricsAddress, METRICS_PORT),
    health: places(healthAddress, HEALTHZ_PORT),
    procfs: '/proc',
  };
}

function onLoopback({ address, port }: HostPort): HostPort {
  const loopback: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };
  return { address: loopback[address] ?? address, port };
}

/** Every sign of a proxy, the same one perhaps several times. */
export async function findProxies({ metrics, health, procfs }: Places): Promise<Sighting[]> {
  const sightings = await Promise.all([
    ...metrics.map((place) => askMetrics(place)),
    ...health.map((place) => askHealth(place)),
    findProcess(procfs),
  ]);
  return sightings.filter((sighting) => sighting !== undefined);
}

async function askMetrics(place: HostPort): Promise<Sighting | undefined> {
  const answer = await ask(place, '/proxyMode');
  if (answer === undefined) return undefined;
  const mode = answer.body.trim();
  if (!MODES.includes(mode)) return undefined;
  return {
    isOurs: answer.isOurs,
    evidence: `${textOf(place)} answers /proxyMode with ${mode}`,
  };
}

async function askHealth(place: HostPort): Promise<Sighting | undefined> {
  const answer = await ask(place, '/healthz');
  if (answer === undefined || !isProxyHealth(answer.body)) return undefined;
  return { isOurs: answer.isOurs, evidence: `${textOf(place)} answers /healthz as a proxy does` };
}

function isProxyHealth(body: string): boolean {
  try {
    const fields: unknown = JSON.parse(body);
    return typeof fields === 'object' && fields !== null && 'lastUpdated' in fields;
  } catch {
    return false;
  }
}

interface Answer {
  readonly isOurs: boolean;
  readonly body: string;
}

/** @returns undefined when nobody is there, or nobody that answers in time */
function ask({ address, port }: HostPort, requestPath: string): Promise<Answer | undefined> {
  return new Promise((resolve) => {
    const nobody = () => resolve(undefined);
    const options = { host: address, port, path: requestPath, agent: false };
    const request = http.get(options, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => {
        body += text;
        if (body.length > MAX_ANSWER_BYTES) request.destroy();
      });
      response.on('end', () => resolve({ isOurs: response.headers.server === SERVER_NAME, body }));
      response.on('error', nobody);
    });
    request.on('error', nobody);
    request.on('close', nobody);
    setTimeout(() => request.destroy(), ANSWER_TIMEOUT_MS).unref();
  });
}

/** A program named kube-proxy in our network namespace; those of other namespaces serve other nodes. */
async function findProcess(procfs: string): Promise<Sighting | undefined> {
  const own = await linkOf(path.join(procfs, 'self', 'ns', 'net'));
  const pids = (await readdir(procfs).catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    const folder = path.join(procfs, pid);
    const name = await readFile(path.join(folder, 'comm'), 'utf8').catch(() => '');
    if (name.trim() !== 'kube-proxy' || pid === String(process.pid)) continue;
    const [namespace, program] = await Promise.all([
      linkOf(path.join(folder, 'ns', 'net')),
      linkOf(path.join(folder, 'exe')),
    ]);
    // Ours is called kube-proxy too for a moment, until Node names its main thread.
    const isOurs = path.basename(program ?? '') === 'node';
    if (own !== undefined && namespace === own && !isOurs)
      return { isOurs: false, evidence: `process ${pid} is kube-proxy` };
  }
  return undefined;
}

const linkOf = (link: string) => readlink(link).catch(() => undefined);

const textOf = ({ address, port }: HostPort) => joinHostPort(address, port);
