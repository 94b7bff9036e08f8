/**
 * What `run` asks and sets on the machine that it is started on; tests have a machine of their own.
 */
import { hostname } from 'node:os';
import type { HostObserver } from '../dataplane/dataplane.ts';
import { KernelHostObserver, type HostObserverOptions } from '../kernel/hostObserver.ts';
import { SystemClock } from '../ops/clock.ts';
import type { Clock } from '../time/clock.ts';
import type { AgentParts } from './agent.ts';
import { checkCapabilities } from '../node/capabilities.ts';
import { applyConntrackSettings } from '../node/conntrackSettings.ts';
import { leaveAtOnce } from './endSignal.ts';
import { FEATURES, type FeatureRow } from './features.ts';
import { checkLocalPorts } from '../node/localPorts.ts';
import { checkEnvironment, setIpvsTimeouts, setOomScore } from '../node/nodeEnvironment.ts';
import { checkOtherProxies } from '../node/takeover.ts';
import { becomeWriter } from '../node/writerLock.ts';

export interface Machine {
  readonly clock: Clock;
  readonly signals: Pick<NodeJS.Process, 'on' | 'off'>;
  readonly hostname: () => string;
  readonly checkCapabilities: () => Promise<void>;
  readonly checkOtherProxies: typeof checkOtherProxies;
  readonly becomeWriter: typeof becomeWriter;
  readonly checkEnvironment: typeof checkEnvironment;
  readonly setOomScore: typeof setOomScore;
  readonly setIpvsTimeouts: typeof setIpvsTimeouts;
  readonly checkLocalPorts: typeof checkLocalPorts;
  readonly applyConntrackSettings: typeof applyConntrackSettings;
  readonly openObserver: (options: HostObserverOptions) => HostObserver & { close(): void };
  readonly leaveAtOnce: typeof leaveAtOnce;
  readonly features: readonly FeatureRow[];
  /** where it is not what they take by themselves */
  readonly agent?: Pick<AgentParts, 'dataplane' | 'ledgerFile'>;
}

export function thisMachine(): Machine {
  return {
    clock: new SystemClock(),
    signals: process,
    hostname,
    checkCapabilities,
    checkOtherProxies,
    becomeWriter,
    checkEnvironment,
    setOomScore,
    setIpvsTimeouts,
    checkLocalPorts,
    applyConntrackSettings,
    openObserver: (options) => new KernelHostObserver(options),
    leaveAtOnce,
    features: FEATURES,
  };
}
