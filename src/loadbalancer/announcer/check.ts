/** Whether all that announcing needs is right on a node, by what its announcer says. */
import type { ThreadReport } from './messages.ts';
import type { PeerReport } from './report.ts';

export interface CheckedThing {
  readonly what: string;
  readonly found: string;
  /** what to do; undefined: it is right */
  readonly cure?: string;
}

/** @param sysctls of `net.ipv4.conf.all`, as read; undefined: could not be read */
export function checkReport(
  report: ThreadReport,
  sysctls: Readonly<Record<string, string | undefined>>,
): readonly CheckedThing[] {
  return [
    interfaces(report),
    // Both are needed: strictArp sets them, and an arp_ignore of 2 does as well.
    sysctl('arp_ignore', sysctls['arp_ignore'], ['1', '2']),
    sysctl('arp_announce', sysctls['arp_announce'], ['2']),
    key(report),
    ...report.peers.map(peer),
    ...(report.isCutOff ? [CUT_OFF] : []),
  ];
}

const CUT_OFF: CheckedThing = {
  what: 'this node',
  found: 'hears fewer than half of the others, and not the API server',
  cure: 'look at its network: it announces nothing until it hears either',
};

function interfaces({ attachments }: ThreadReport): CheckedThing {
  const named = Map.groupBy(attachments, ({ interfaceName }) => interfaceName);
  const found = [...named].map(
    ([name, on]) =>
      `${name} (${on.map((each) => `${each.address}/${each.prefixLength}`).join(' ')})`,
  );
  const what = 'interfaces that may announce';
  if (found.length > 0) return { what, found: found.join(', ') };
  const cure =
    'an Ethernet interface that is up, with an address, and not left out by announcer.interfaces or excludeInterfaces';
  return { what, found: 'none', cure };
}

function sysctl(name: string, found: string | undefined, right: readonly string[]): CheckedThing {
  const what = `net.ipv4.conf.all.${name}`;
  if (found !== undefined && right.includes(found)) return { what, found };
  const cure = `should be ${right.join(' or ')}, which the proxy sets again with its next audit; see who else writes it`;
  return { what, found: found ?? 'cannot be read', cure };
}

function key({ counters }: ThreadReport): CheckedThing {
  const refused = counters.beatsDropped['signature'] ?? 0;
  const what = 'key of heartbeats';
  if (refused === 0) return { what, found: 'no heartbeat was refused for its signature' };
  const cure = 'is the Secret the same on all nodes? After a rotation the count stays as it is';
  return { what, found: `${refused} heartbeats were refused for their signature`, cure };
}

function peer({ node, state, silenceMs, hearsUs, hasSameConfiguration }: PeerReport): CheckedThing {
  const what = `node ${node}`;
  if (state === 'Unknown' || state === 'Dead') {
    const since = state === 'Dead' ? ` for ${Math.round(silenceMs / 1000)} s` : '';
    const cure =
      'is its proxy running, with the same features? Is the UDP port of heartbeats open between the nodes?';
    return { what, found: `not heard${since}`, cure };
  }
  if (!hearsUs) {
    const cure =
      'the UDP port of heartbeats is open in one direction alone: look at firewalls there';
    return { what, found: 'heard, but does not hear this node', cure };
  }
  if (hasSameConfiguration === false) {
    const cure =
      'wait until the ConfigMap has reached all nodes (a minute or two), then look at what --features names there';
    return { what, found: 'heard, with another LoadBalancerConfiguration', cure };
  }
  return { what, found: `${state === 'Leaving' ? 'leaving, ' : ''}heard in both directions` };
}
