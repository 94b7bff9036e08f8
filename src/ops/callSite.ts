/** Where a log line was written: `folder/file.ts:12`, as zap of Kubernetes' components says it. */
import { getCallSites } from 'node:util';

/**
 * Places in the sources by line of the bundle; the bundler (packaging/bundle/parts.ts) provides it,
 * the sources have none.
 */
declare const BUNDLE_CALLERS: Readonly<Record<string, string>> | undefined;

/**
 * @param depth calls between the place that is asked for and this function
 * @returns file in its folder, and line, of the sources
 */
export function callerOf(depth: number): string {
  const site = getCallSites(depth + 2)[depth + 1];
  if (site === undefined) return 'unknown:0';
  const { scriptName, lineNumber } = site;
  const inSources = typeof BUNDLE_CALLERS === 'undefined' ? undefined : BUNDLE_CALLERS[lineNumber];
  return inSources ?? `${scriptName.split('/').slice(-2).join('/')}:${lineNumber}`;
}
