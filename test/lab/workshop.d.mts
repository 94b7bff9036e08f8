export const checkout: string;
export function cacheFolder(): string;
export function trafficTool(): string;
