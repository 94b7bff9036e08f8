/**
 * Settings as the document that they would be read from: what is as it is without being said is
 * left out. Read again it means the same.
 */
import { writeRange } from '../../net/addressRange.ts';
import { API_VERSION } from '../featureKinds.ts';
import { defaultLoadBalancer } from './assemble.ts';
import { durationText } from './fields.ts';
import { announcementOf } from './foreignObjects.ts';
import type { Announcement, LoadBalancerSettings, Pool } from './settings.ts';

type Members = Readonly<Record<string, unknown>>;

export function writtenLoadBalancer(settings: LoadBalancerSettings): object {
  const defaults = defaultLoadBalancer();
  const { loadBalancerClass, serveUnclassed, pools, allocation } = settings;
  return {
    apiVersion: API_VERSION,
    kind: 'LoadBalancerConfiguration',
    ...differing({ loadBalancerClass, serveUnclassed }, { ...defaults }),
    pools: pools.map(writtenPool),
    ...section('allocation', differing({ ...allocation }, { ...defaults.allocation })),
    ...section('announcer', writtenAnnouncer(settings, defaults)),
  };
}

function writtenPool({ name, ranges, announce, priority, ...rest }: Pool): object {
  return {
    name,
    addresses: ranges.map(writeRange),
    ...differing(
      { ...rest, ...(priority === undefined ? {} : { priority }) },
      { autoAssign: true, draining: false, skipZeroAnd255: false },
    ),
    ...(isEverywhere(announce) ? {} : { announce: announce.map(writtenAnnouncement) }),
  };
}

function isEverywhere(announce: readonly Announcement[]): boolean {
  const [only, ...more] = announce.map((each) => Object.keys(writtenAnnouncement(each)).length);
  return only === 0 && more.length === 0;
}

function writtenAnnouncement(announcement: Announcement): Members {
  return differing({ ...announcement }, { ...announcementOf({}) });
}

function writtenAnnouncer(
  { announcer }: LoadBalancerSettings,
  { announcer: defaults }: LoadBalancerSettings,
): Members {
  return {
    ...differing(announcerFields(announcer), announcerFields(defaults)),
    ...section('heartbeat', differing(heartbeatFields(announcer), heartbeatFields(defaults))),
  };
}

type Announcer = LoadBalancerSettings['announcer'];

function announcerFields(announcer: Announcer): Members {
  const { refreshIntervalMs, holdDownMs, heartbeat: _, ...rest } = announcer;
  return {
    ...rest,
    refreshInterval: durationText(refreshIntervalMs),
    holdDown: durationText(holdDownMs),
  };
}

function heartbeatFields({ heartbeat }: Announcer): Members {
  const { intervalMs, secretFile, ...rest } = heartbeat;
  return {
    ...rest,
    interval: durationText(intervalMs),
    ...(secretFile === undefined ? { insecure: true } : { secretFile }),
  };
}

/** Members that are not as in `defaults`; undefined is nothing to say. */
function differing(members: Members, defaults: Members): Members {
  const said = Object.entries(members).filter(
    ([name, value]) =>
      value !== undefined && JSON.stringify(value) !== JSON.stringify(defaults[name]),
  );
  return Object.fromEntries(said);
}

function section(name: string, members: Members): Members {
  return Object.keys(members).length === 0 ? {} : { [name]: members };
}
