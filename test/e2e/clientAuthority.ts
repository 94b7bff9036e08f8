/** A certificate authority for users, and one user of it with all rights. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

export class ClientAuthority {
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'kube-ipvs-ca-'));

  constructor() {
    const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    this.#openssl(
      'req',
      '-x509',
      ...newKey,
      '-subj',
      '/CN=users',
      '-days',
      '2',
      '-keyout',
      'ca.key',
      '-out',
      'ca.crt',
    );
    this.#openssl(
      'req',
      ...newKey,
      '-subj',
      '/O=system:masters/CN=cert-admin',
      '-keyout',
      'user.key',
      '-out',
      'user.csr',
    );
    const signer = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2'];
    this.#openssl('x509', '-req', '-in', 'user.csr', ...signer, '-out', 'user.crt');
  }

  get caFile(): string {
    return path.join(this.#folder, 'ca.crt');
  }

  get certificateFile(): string {
    return path.join(this.#folder, 'user.crt');
  }

  get keyFile(): string {
    return path.join(this.#folder, 'user.key');
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #openssl(...argv: string[]): void {
    execFileSync('openssl', argv, { cwd: this.#folder, stdio: 'pipe' });
  }
}
