/**
 * Flags that kube-proxy once had and 1.37.2 ends at with "unknown flag". Old manifests carry them,
 * so they are taken, do nothing, and a warning says that they are gone.
 */
import type { Flag, FlagType } from './flag.ts';

const gone = (name: string, type: FlagType, was: string): Flag => ({
  name,
  type,
  group: 'gone',
  isGone: true,
  help: was,
});

export const GONE_FLAGS: readonly Flag[] = [
  gone('proxy-port-range', 'string', 'ports of the userspace mode'),
  gone('udp-timeout', 'duration', 'timeout of the userspace mode'),
  gone('cleanup-ipvs', 'bool', 'whether --cleanup flushes IPVS'),
  gone('boot-id-file', 'string', "file of cadvisor's"),
  gone('machine-id-file', 'string', "file of cadvisor's"),
  gone('resource-container', 'string', 'container to run in'),
  gone('azure-container-registry-config', 'string', "a registry's configuration"),
  gone('add-dir-header', 'bool', 'log lines with the folder of the file'),
  gone('alsologtostderr', 'bool', 'log to stderr as well as to files'),
  gone('log-backtrace-at', 'string', 'where to log a stack'),
  gone('log-dir', 'string', 'folder of log files'),
  gone('log-file', 'string', 'file of the log'),
  gone('log-file-max-size', 'string', 'size of the log file'),
  gone('logtostderr', 'bool', 'log to stderr instead of files'),
  gone('one-output', 'bool', 'log to the file of the severity alone'),
  gone('skip-headers', 'bool', 'log lines without their head'),
  gone('skip-log-headers', 'bool', 'log files without their head'),
  gone('stderrthreshold', 'string', 'severity that goes to stderr'),
];
