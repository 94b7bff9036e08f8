/**
 * Signs of another Service proxy at work on this node. Asks the ports that kube-proxy serves, which
 * a container in the host's network sees without seeing the host's processes, and looks through
 * /proc as far as it is visible. An instance of ours (a restart that overlaps, a DaemonSet beside a
 * systemd unit) is told by the Server header: both program the same. An answer on a port that
 * another user than root has taken is no proxy, but a program that could keep us from starting for
 * as long as it likes; it costs the port, not the Services.
 */
import { readdir, readFile, readlink } from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { HEALTHZ_PORT, METRICS_PORT } from '../config/kubeProxyConfiguration.ts';
import type { ResolvedConfig } from '../config/resolve.ts';
import type { HostPort } from '../net/hostPort.ts';
import { joinHostPort } from '../net/address.ts';
import { SERVER_NAME } from '../ops/httpListener.ts';
import { type Listener, readListeners, usersAt } from './listeners.ts';

const MODES = ['iptables', 'ipvs', 'nftables', 'userspace'];
const ANSWER_TIMEOUT_MS = 1_000;
const MAX_ANSWER_BYTES = 4_096;

export interface Sighting {
  /** `pretender`: answers like a proxy and cannot be one */
  readonly kind: 'kube-proxy' | 'ours' | 'pretender';
  /** `127.0.0.1:10249 answers /proxyMode with iptables` */
  readonly evidence: string;
}

export interface Places {
  readonly metrics: readonly HostPort[];
  readonly health: readonly HostPort[];
  /** `/proc`, another folder in tests */
  readonly procfs: string;
  readonly answerTimeoutMs: number;
}

/**
 * What keeps kube-proxy away: kubeadm's upgrades bring it back as long as its ConfigMap is there.
 */
export const REMOVE_KUBE_PROXY =
  'kubectl -n kube-system delete daemonset/kube-proxy configmap/kube-proxy';

/**
 * What the configuration names, and kube-proxy's defaults; a wildcard address is asked on the
 * loopback.
 */
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
    answerTimeoutMs: ANSWER_TIMEOUT_MS,
  };
}

function onLoopback({ address, port }: HostPort): HostPort {
  const loopback: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };
  return { address: loopback[address] ?? address, port };
}

/** Every sign of a proxy, the same one perhaps several times. */
export async function findProxies(places: Places): Promise<Sighting[]> {
  const { metrics, health, procfs, answerTimeoutMs } = places;
  const how = { listeners: await readListeners(procfs), answerTimeoutMs };
  const sightings = await Promise.all([
    ...metrics.map((place) => askMetrics(place, how)),
    ...health.map((place) => askHealth(place, how)),
  ]);
  return [...sightings, ...(await findProcesses(procfs))].filter(
    (sighting) => sighting !== undefined,
  );
}

interface How {
  readonly listeners: readonly Listener[];
  readonly answerTimeoutMs: number;
}

type Asked = (place: HostPort, how: How) => Promise<Sighting | undefined>;

const askMetrics: Asked = async (place, { listeners, answerTimeoutMs }) => {
  const answer = await ask(place, '/proxyMode', answerTimeoutMs);
  const mode = answer?.body.trim() ?? '';
  if (answer === undefined || !MODES.includes(mode)) return undefined;
  return judge(answer, listeners, `${textOf(place)} answers /proxyMode with ${mode}`);
};

const askHealth: Asked = async (place, { listeners, answerTimeoutMs }) => {
  const answer = await ask(place, '/healthz', answerTimeoutMs);
  if (answer === undefined || !isProxyHealth(answer.body)) return undefined;
  return judge(answer, listeners, `${textOf(place)} answers /healthz as a proxy does`);
};

/** Where the users of a port are not to be seen it may well be root's. */
function judge(
  { isOurs, place }: Answer,
  listeners: readonly Listener[],
  evidence: string,
): Sighting {
  if (isOurs) return { kind: 'ours', evidence };
  const users = usersAt(listeners, place);
  if (users.length === 0 || users.includes(0)) return { kind: 'kube-proxy', evidence };
  return { kind: 'pretender', evidence: `${evidence}, and belongs to user ${users.join(', ')}` };
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
  readonly place: HostPort;
  readonly isOurs: boolean;
  readonly body: string;
}

/** @returns undefined when nobody is there, or nobody that answers in time */
function ask(
  place: HostPort,
  requestPath: string,
  answerTimeoutMs: number,
): Promise<Answer | undefined> {
  const { address, port } = place;
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
      const isOurs = response.headers.server === SERVER_NAME;
      response.on('end', () => resolve({ place, isOurs, body }));
      response.on('error', nobody);
    });
    request.on('error', nobody);
    request.on('close', nobody);
    setTimeout(() => request.destroy(), answerTimeoutMs).unref();
  });
}

/**
 * Programs named kube-proxy in our network namespace; those of other namespaces serve other nodes.
 */
async function findProcesses(procfs: string): Promise<readonly Sighting[]> {
  const own = await linkOf(path.join(procfs, 'self', 'ns', 'net'));
  const pids = (await readdir(procfs).catch(() => [])).filter((name) => /^\d+$/.test(name));
  const sightings: Sighting[] = [];
  for (const pid of pids) {
    const folder = path.join(procfs, pid);
    const name = await textOfFile(path.join(folder, 'comm'));
    if (name.trim() !== 'kube-proxy' || pid === String(process.pid)) continue;
    const [namespace, program, status] = await Promise.all([
      linkOf(path.join(folder, 'ns', 'net')),
      linkOf(path.join(folder, 'exe')),
      textOfFile(path.join(folder, 'status')),
    ]);
    // Ours is called kube-proxy too for a moment, until Node names its main thread.
    const isOurs = path.basename(program ?? '') === 'node';
    if (own === undefined || namespace !== own || isOurs) continue;
    sightings.push(judgeProcess(pid, status));
  }
  return sightings;
}

/** Anybody may give a process this name. */
function judgeProcess(pid: string, status: string): Sighting {
  const evidence = `process ${pid} is kube-proxy`;
  const user = /^Uid:\s+\d+\s+(\d+)/m.exec(status)?.[1] ?? '0';
  if (user === '0') return { kind: 'kube-proxy', evidence };
  return { kind: 'pretender', evidence: `process ${pid} of user ${user} is named kube-proxy` };
}

const textOfFile = (file: string) => readFile(file, 'utf8').catch(() => '');

const linkOf = (link: string) => readlink(link).catch(() => undefined);

const textOf = ({ address, port }: HostPort) => joinHostPort(address, port);
