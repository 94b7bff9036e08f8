/**
 * Says at the start when the kernel may give this node's own connections a source port out of the
 * usual nodePort range: IPVS takes the reply for a new connection to the NodePort, and the
 * connection hangs (kubernetes issue 139276). Reserving the range is left to the operator: the
 * switch is one list that others write too.
 */
import { readFile } from 'node:fs/promises';
import type { Logger } from '../ops/log.ts';

/** kube-apiserver's default of --service-node-port-range. */
const NODE_PORTS = { first: 30_000, last: 32_767 };
const FOLDER = '/proc/sys/net/ipv4';

interface Ports {
  readonly first: number;
  readonly last: number;
}

export async function checkLocalPorts(
  log: Pick<Logger, 'warning'>,
  read: (path: string) => Promise<string> = (path) => readFile(path, 'utf8'),
): Promise<void> {
  let open: readonly Ports[];
  try {
    const range = await read(`${FOLDER}/ip_local_port_range`);
    open = openNodePorts(range, await read(`${FOLDER}/ip_local_reserved_ports`));
  } catch {
    // only a hint hangs on it
    return;
  }
  if (open.length === 0) return;
  const { first, last } = NODE_PORTS;
  log.warning(
    `connections of this node itself may get a nodePort (${open.map(portsText).join(',')}) as their source port, and then never an ` +
      `answer: add ${first}-${last} to the sysctl net.ipv4.ip_local_reserved_ports`,
  );
}

/**
 * @param range `32768\t60999`
 * @param reserved `8080,30000-32767`, or nothing
 * @returns the usual nodePorts that are in the range and not reserved
 */
export function openNodePorts(range: string, reserved: string): readonly Ports[] {
  const [lowest = NaN, highest = NaN] = range.trim().split(/\s+/).map(Number);
  const taken = reserved
    .trim()
    .split(',')
    .filter((text) => text !== '')
    .map(parsePorts);
  const open: Ports[] = [];
  let first: number | undefined;
  for (let port = NODE_PORTS.first; port <= NODE_PORTS.last + 1; port++) {
    const isOpen =
      port <= NODE_PORTS.last &&
      port >= lowest &&
      port <= highest &&
      !taken.some((each) => port >= each.first && port <= each.last);
    if (isOpen) first ??= port;
    else if (first !== undefined) {
      open.push({ first, last: port - 1 });
      first = undefined;
    }
  }
  return open;
}

function parsePorts(text: string): Ports {
  const [first = NaN, last = first] = text.split('-').map(Number);
  return { first, last };
}

function portsText({ first, last }: Ports): string {
  return first === last ? `${first}` : `${first}-${last}`;
}
