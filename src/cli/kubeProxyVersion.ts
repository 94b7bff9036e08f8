/** What `kube-proxy --version` and `--version=raw` print, where this program stands in for it. */
import { KUBERNETES_VERSION } from '../config/kubernetesVersion.ts';

export function goVersion(): string {
  return `Kubernetes ${KUBERNETES_VERSION}`;
}

/**
 * Go's `version.Info`, as `%#v` prints it.
 *
 * @param own this program's version, which stands where the compiler is named
 */
export function goVersionInfo(own: string): string {
  const [major, minor] = KUBERNETES_VERSION.slice(1).split('.');
  const platform = `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`;
  const members = {
    Major: major,
    Minor: minor,
    EmulationMajor: '',
    EmulationMinor: '',
    MinCompatibilityMajor: '',
    MinCompatibilityMinor: '',
    GitVersion: KUBERNETES_VERSION,
    GitCommit: '',
    GitTreeState: '',
    BuildDate: '',
    GoVersion: '',
    Compiler: `kube-ipvs v${own}`,
    Platform: platform,
  };
  const texts = Object.entries(members).map(([name, text]) => `${name}:${JSON.stringify(text)}`);
  return `version.Info{${texts.join(', ')}}`;
}
