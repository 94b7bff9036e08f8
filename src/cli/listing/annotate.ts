/**
 * What is added to the lines of a table: whose they are, and on a terminal colour. ipvsadm's own
 * columns stay as they are.
 */
import type { IpvsDestination, IpvsService } from '../../netlink/ipvs.ts';
import type { Owners } from './owners.ts';
import type { Decorate } from './table.ts';

const DIM = '\u001B[2m';
const CYAN = '\u001B[36m';
const YELLOW = '\u001B[33m';
const RESET = '\u001B[0m';

/** @returns undefined when lines stay as they are */
export function decoration(owners: Owners | undefined, hasColour: boolean): Decorate | undefined {
  if (owners === undefined && !hasColour) return undefined;
  return (line, service, destination) => {
    const isDrained = destination?.weight === 0;
    const colour = destination === undefined ? CYAN : DIM;
    const painted = hasColour && isDrained ? `${YELLOW}${line}${RESET}` : line;
    if (owners === undefined) return painted;
    const remark =
      destination === undefined
        ? (owners.serviceOf(service) ?? 'no Service')
        : endpointRemark(owners, service, destination);
    return `${painted} ${hasColour ? `${colour}# ${remark}${RESET}` : `# ${remark}`}`;
  };
}

/** `Pod shop/web-1 on node2 (shop/web-x7k2p#0)` */
function endpointRemark(owners: Owners, service: IpvsService, destination: IpvsDestination) {
  const found = owners.endpointOf(service, destination);
  if (found === undefined) {
    return owners.serviceOf(service) === undefined ? 'unknown' : 'no endpoint of the Service now';
  }
  const { endpoint = '', target, node } = found;
  const place = node === undefined ? '' : ` on ${node}`;
  return target === undefined ? `${endpoint}${place}` : `${target}${place} (${endpoint})`;
}
