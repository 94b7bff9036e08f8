export const checkout: string;
export function cacheFolder(): string;
export function trafficTool(): string;
export function findProgram(name: string): string | undefined;
