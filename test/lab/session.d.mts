export function runFolder(): { folder: string; remove: () => void };
