export function readmes(): { readonly written: string; readonly wanted: string };
