export function chooseKernel(): { kernel: 'host' | 'uml'; reason: string };
