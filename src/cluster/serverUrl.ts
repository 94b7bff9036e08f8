/**
 * The URL of an API server as client-go makes it of what people write: `https://host:6443`,
 * `HTTPS://host`, `10.0.0.1:8080`.
 */

/**
 * @param hasTls what is written beside it says that TLS is spoken: a CA, a certificate,
 * insecure-skip-tls-verify
 * @returns without a slash at the end; undefined for what is neither a URL nor HOST[:PORT]
 * @see kubernetes staging/src/k8s.io/client-go/rest/url_utils.go, DefaultServerURL
 */
export function serverUrl(text: string, hasTls: boolean): string | undefined {
  const [, scheme, rest] = /^([a-z][a-z0-9+.-]*):\/\/(.+)$/i.exec(text) ?? [];
  if (scheme !== undefined && rest !== undefined) {
    const lower = scheme.toLowerCase();
    return lower === 'http' || lower === 'https' ? cleaned(`${lower}://${rest}`) : undefined;
  }
  if (text === '' || !/^[^/?#@]+\/?$/.test(text)) return undefined;
  return cleaned(`${hasTls ? 'https' : 'http'}://${text}`);
}

function cleaned(url: string): string | undefined {
  if (!URL.canParse(url) || /^https?:\/\/\//.test(url)) return undefined;
  return url.replace(/[?#].*$/, '').replace(/\/+$/, '');
}
