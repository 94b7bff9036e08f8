export interface Image {
  readonly name: string;
  /** of the manifest: `sha256:…` */
  readonly digest: string;
  readonly layers: readonly { readonly digest: string; readonly size: number }[];
  readonly config: {
    readonly Entrypoint: readonly string[];
    readonly Env: readonly string[];
    readonly Labels: Readonly<Record<string, string>>;
  };
  readonly tree: string;
  readonly archive: string;
  readonly sbom: string;
  readonly sizes: readonly { readonly part: string; readonly bytes: number }[];
  readonly differences?: readonly string[];
}

export interface ImageOptions {
  readonly name?: string;
  readonly base?: string;
  readonly cached?: boolean;
  readonly twice?: boolean;
}

export function makeImage(options?: ImageOptions): Image;
