export function cacheFolder(): string;
export function trafficTool(): string;
