import { defineCondition } from '../../ops/conditions.ts';

/** Subject: the announcer. */
export const ANNOUNCER_DOWN = defineCondition({
  code: 'AnnouncerDown',
  severity: 'error',
  affectsHealth: false,
  title: 'this node announces no load balancer addresses',
  end: 'this node announces load balancer addresses',
  event: { reason: 'AnnouncerDown', action: 'AnnounceAddress' },
});

/** Subject: an interface, a group, the key of heartbeats. */
export const ANNOUNCER_IMPAIRED = defineCondition({
  code: 'AnnouncerImpaired',
  severity: 'warning',
  affectsHealth: false,
  title: 'a part of announcing load balancer addresses does not work',
});

/** Subject: the announcer. */
export const NO_PEER_HEARD = defineCondition({
  code: 'NoPeerHeard',
  severity: 'warning',
  affectsHealth: false,
  title: 'no heartbeat of another node was ever heard: load balancer addresses move slowly',
  end: 'heartbeats of other nodes are heard',
  event: { reason: 'NoPeerHeard', action: 'AnnounceAddress' },
});

/** Subject: the announcer. */
export const ANNOUNCER_CUT_OFF = defineCondition({
  code: 'AnnouncerCutOff',
  severity: 'error',
  affectsHealth: false,
  title: 'neither most other nodes nor the API server can be reached: no address is announced here',
  end: 'other nodes or the API server can be reached again',
});
