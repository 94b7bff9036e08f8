export function helmVersion(): string;
export function findHelm(): string | undefined;
export function buildHelm(): string;
