// How long is waited for what must become true in the lab. Far limits: only what is wrong waits so
// long. In an emulated kernel (debian.mjs) a program takes several times longer, and on a machine
// that is very busy KUBE_IPVS_PATIENCE=10 makes everything wait ten times longer.

const kernel = process.env['KUBE_IPVS_LAB'] ?? process.env['KUBE_IPVS_LAB_KERNEL'] ?? '';

const FACTOR =
  (kernel.startsWith('debian') ? 4 : 1) * Number(process.env['KUBE_IPVS_PATIENCE'] ?? 1);

/** @param ms as it is right for User-Mode Linux on a machine that does other things too */
export const patience = (ms: number): number => ms * FACTOR;
