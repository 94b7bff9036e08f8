export function kubernetesVersion(): string;
export function buildFolder(): string;
export function findBinary(name: string): string | undefined;
export function buildBinary(name: string): string;
