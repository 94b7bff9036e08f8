export function contextPaths(): readonly string[];
