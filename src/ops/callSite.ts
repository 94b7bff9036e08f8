/** Where a log line was written, as `file.ts:12`, for the header of klog. */
import path from 'node:path';
import { getCallSites } from 'node:util';

/**
 * @param depth calls between the place that is asked for and this function
 * @returns file name without its folder, and line; in the bundle, those of the bundle
 */
export function callerOf(depth: number): string {
  const site = getCallSites(depth + 2)[depth + 1];
  if (site === undefined) return 'unknown:0';
  return `${path.basename(site.scriptName)}:${site.lineNumber}`;
}
