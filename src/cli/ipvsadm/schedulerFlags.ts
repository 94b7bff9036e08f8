/**
 * `-b sh-port,flag-1`: names of scheduler flags; those of sh and mh go with their scheduler only.
 */
import * as c from '../../netlink/constants.ts';

interface NamedFlag {
  readonly flag: number;
  /** only with this one */
  readonly scheduler?: string;
}

const FLAGS: Readonly<Record<string, NamedFlag>> = {
  'flag-1': { flag: c.IP_VS_SVC_F_SCHED1 },
  'flag-2': { flag: c.IP_VS_SVC_F_SCHED2 },
  'flag-3': { flag: c.IP_VS_SVC_F_SCHED3 },
  'sh-fallback': { flag: c.IP_VS_SVC_F_SCHED1, scheduler: 'sh' },
  'sh-port': { flag: c.IP_VS_SVC_F_SCHED2, scheduler: 'sh' },
  'mh-fallback': { flag: c.IP_VS_SVC_F_SCHED1, scheduler: 'mh' },
  'mh-port': { flag: c.IP_VS_SVC_F_SCHED2, scheduler: 'mh' },
};

/** @param scheduler as given, empty for the default */
export function parseSchedulerFlags(
  text: string,
  scheduler: string,
): { readonly flags: number } | { readonly problem: string } {
  let flags = 0;
  for (const name of text.split(',')) {
    if (name === '') continue;
    const found = Object.hasOwn(FLAGS, name) ? FLAGS[name] : undefined;
    if (found === undefined) return { problem: `invalid scheduler flag \`${name}'` };
    if (found.scheduler !== undefined && found.scheduler !== scheduler) {
      return { problem: `incompatible scheduler flag \`${name}'` };
    }
    flags |= found.flag;
  }
  return { flags };
}
