export const tapName: string;
export const machineAddress: string;
export function joinNamespace(name: string, kernel: 'uml' | 'host'): () => void;
export function uplinkTo(name: string): { address: string; remove: () => void };
