import { mkdir, mkdtemp, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type ManifestNews, ManifestSet } from '../../../src/cluster/manifestSet.ts';
import { ClusterStore } from '../../../src/model/clusterStore.ts';
import { formatProblem } from '../../../src/model/problem.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'manifests-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function put(name: string, text: string): Promise<void> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

function service(name: string, clusterIP = '10.96.0.10', port: unknown = 80): string {
  return `kind: Service
metadata: {name: ${name}}
spec:
  clusterIP: ${clusterIP}
  ports: [{port: ${String(port)}}]
---
`;
}

/** Looks until everything has settled; what all looks brought. */
async function settle(files: ManifestSet): Promise<string[]> {
  const first = await files.look();
  const news = first.isUnsettled ? [first, await files.look()] : [first];
  expect(news.at(-1)!.isUnsettled).toBe(false);
  return news.flatMap(tell);
}

/**
 * `+ Service default/web` for each change, `! line` for each problem, `! file: none` for problems
 * that went.
 */
function tell(news: ManifestNews): string[] {
  const changes = news.changes.map(
    ({ kind, key, object }) => `${object === undefined ? '-' : '+'} ${kind} ${key}`,
  );
  const problems = [...news.problems].flatMap(([file, ofFile]) =>
    ofFile.length === 0
      ? [`! ${file}: none`]
      : ofFile.map((problem) => `! ${formatProblem(problem)}`),
  );
  return [...changes, ...problems].map((line) => line.replaceAll(`${folder}/`, ''));
}

describe('at the first look', () => {
  test('files are found in folders below and read at once', async () => {
    await put('b.yaml', service('b'));
    await put('a/deep/c.yml', service('c'));
    await put('d.json', '{"kind": "Node", "metadata": {"name": "n"}}');
    await put('notes.txt', 'kind: [');
    await put('.hidden.yaml', 'kind: [');
    await put('.git/x.yaml', 'kind: [');
    await put('web.yaml~', 'kind: [');
    const files = new ManifestSet([folder], new ClusterStore());
    expect(await settle(files)).toEqual(['+ Node n', '+ Service default/c', '+ Service default/b']);
    expect([files.fileCount, files.objectCount]).toEqual([3, 3]);
  });

  test('a file in UTF-16 is read', async () => {
    await writeFile(join(folder, 'web.yaml'), Buffer.from(`\ufeff${service('web')}`, 'utf16le'));
    expect(await settle(new ManifestSet([folder], new ClusterStore()))).toEqual([
      '+ Service default/web',
    ]);
  });

  test('Nodes and slices come before the Services that use them', async () => {
    await put('a.yaml', service('web'));
    await put('c.yaml', 'kind: Node\nmetadata: {name: n1}\n');
    await put(
      'b.yaml',
      'apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: s, labels: {kubernetes.io/service-name: web}}\naddressType: IPv4\n',
    );
    expect(await settle(new ManifestSet([folder], new ClusterStore()))).toEqual([
      '+ Node n1',
      '+ EndpointSlice default/s',
      '+ Service default/web',
    ]);
  });

  test('a file may be named itself, whatever its name, and twice', async () => {
    await put('services', service('web'));
    const path = join(folder, 'services');
    expect(
      await settle(new ManifestSet([path, `${folder}/./services`], new ClusterStore())),
    ).toEqual(['+ Service default/web']);
  });

  test('a file named beside its folder is read once', async () => {
    await put('web.yaml', service('web'));
    expect(
      await settle(new ManifestSet([folder, join(folder, 'web.yaml')], new ClusterStore())),
    ).toEqual(['+ Service default/web']);
  });

  test('a folder linked into itself is no trap', async () => {
    await put('web.yaml', service('web'));
    await symlink(folder, join(folder, 'again'));
    await symlink('nowhere', join(folder, 'dangling.yaml'));
    expect(await settle(new ManifestSet([folder], new ClusterStore()))).toEqual([
      '+ Service default/web',
    ]);
  });

  test('a file that is there and cannot be read is reported, and hinders no other', async () => {
    await put('web.yaml', service('web'));
    // stat has no complaint, read says EIO: as a network file system may, and for root too.
    const unreadable = '/proc/self/mem';
    const news = await new ManifestSet([folder, unreadable], new ClusterStore()).look();
    expect([...news.unreadable]).toEqual([[unreadable, expect.stringContaining('EIO')]]);
    expect(tell(news)).toEqual([
      '+ Service default/web',
      expect.stringMatching(
        /^! \/proc\/self\/mem: cannot be read \(.*EIO.*\); its last state stays in force$/,
      ),
    ]);
  });

  test('what can be read of a broken file is used', async () => {
    await put('web.yaml', `${service('a')}kind: [\n---\n${service('b')}`);
    expect(await settle(new ManifestSet([folder], new ClusterStore()))).toEqual([
      '+ Service default/a',
      '+ Service default/b',
      expect.stringMatching(/^! web\.yaml:8:1 .*; this document is skipped$/),
    ]);
  });

  test('what can be used of a bad object is used', async () => {
    await put('web.yaml', service('a', '10.96.0.10', 'abc'));
    expect(await settle(new ManifestSet([folder], new ClusterStore()))).toEqual([
      '+ Service default/a',
      '! web.yaml:5:18: Service/default/a.spec.ports[0].port ("abc"): must be a whole number from 1 to 65535; this port is skipped',
    ]);
  });
});

describe('afterwards', () => {
  test('nothing is told when nothing changed, or was only written anew', async () => {
    await put('web.yaml', service('web'));
    const files = new ManifestSet([folder], new ClusterStore());
    await settle(files);
    expect(await settle(files)).toEqual([]);
    await put('web.yaml', `# a comment\n${service('web')}`);
    expect(await settle(files)).toEqual([]);
  });

  test('files that come, change and go are told, each object by itself', async () => {
    await put('web.yaml', service('web') + service('db'));
    const files = new ManifestSet([folder], new ClusterStore());
    await settle(files);
    await put('more/new.yaml', service('new'));
    expect(await settle(files)).toEqual(['+ Service default/new']);
    await put('web.yaml', service('web') + service('db', '10.96.0.11'));
    expect(await settle(files)).toEqual(['+ Service default/db']);
    await put('web.yaml', service('db', '10.96.0.11'));
    expect(await settle(files)).toEqual(['- Service default/web']);
    await unlink(join(folder, 'web.yaml'));
    expect(await settle(files)).toEqual(['- Service default/db']);
  });

  test('a file that has just changed is read when it kept still for one look', async () => {
    await put('web.yaml', service('web') + service('db'));
    const files = new ManifestSet([folder], new ClusterStore());
    await settle(files);
    await put('web.yaml', '');
    expect(await files.look()).toMatchObject({ isUnsettled: true, changes: [] });
    await put('web.yaml', service('web'));
    expect(await files.look()).toMatchObject({ isUnsettled: true, changes: [] });
    expect(tell(await files.look())).toEqual(['- Service default/db']);
  });

  test('a file that is removed and put back is not missed', async () => {
    await put('web.yaml', service('web'));
    const files = new ManifestSet([folder], new ClusterStore());
    await settle(files);
    await unlink(join(folder, 'web.yaml'));
    expect(await files.look()).toMatchObject({ isUnsettled: true, changes: [] });
    await put('web.yaml', service('web'));
    expect(await settle(files)).toEqual([]);
  });

  test('a folder that goes and comes back keeps its objects, but is reported', async () => {
    await put('web.yaml', service('web'));
    const files = new ManifestSet([folder], new ClusterStore());
    await settle(files);
    await rename(folder, `${folder}-away`);
    const news = await files.look();
    expect(news).toMatchObject({ changes: [], isUnsettled: false });
    expect((await files.look()).changes).toEqual([]);
    expect([...news.unreadable.keys()]).toEqual([folder]);
    expect([...news.problems.values()].flat()[0]?.problem).toContain(
      'its last state stays in force',
    );
    await rename(`${folder}-away`, folder);
    expect(await settle(files)).toEqual([`! ${folder}: none`]);
  });

  test('a file that cannot be looked at keeps its objects, but is reported', async () => {
    await put('web.yaml', service('web'));
    await put('db.yaml', service('db', '10.96.0.11'));
    const files = new ManifestSet([folder], new ClusterStore());
    await settle(files);
    // A link to itself: stat says ELOOP, as EIO or ESTALE of a network file system.
    const file = join(folder, 'web.yaml');
    await unlink(file);
    await symlink('web.yaml', file);
    for (const news of [await files.look(), await files.look()]) {
      expect(news).toMatchObject({ changes: [], isUnsettled: false });
      expect([...news.unreadable.keys()]).toEqual([file]);
    }
    await unlink(file);
    await put('web.yaml', service('web'));
    expect(await settle(files)).toEqual(['! web.yaml: none']);
    await unlink(file);
    expect(await settle(files)).toEqual(['- Service default/web']);
  });

  test('a named file that goes takes its objects with it', async () => {
    await put('web.yaml', service('web'));
    const files = new ManifestSet([join(folder, 'web.yaml')], new ClusterStore());
    await settle(files);
    await unlink(join(folder, 'web.yaml'));
    expect(await settle(files)).toEqual(['- Service default/web']);
  });

  test('a mounted ConfigMap is followed when its link is swapped', async () => {
    await put('..v1/web.yaml', service('web'));
    await put('..v2/web.yaml', service('db'));
    await symlink('..v1', join(folder, '..data'));
    await symlink('..data/web.yaml', join(folder, 'web.yaml'));
    const files = new ManifestSet([folder], new ClusterStore());
    expect(await settle(files)).toEqual(['+ Service default/web']);
    await symlink('..v2', join(folder, '..data_tmp'));
    await rename(join(folder, '..data_tmp'), join(folder, '..data'));
    expect(await settle(files)).toEqual(['- Service default/web', '+ Service default/db']);
  });

  test('a slice that changes its Service goes from the one and comes to the other', async () => {
    const slice = (to: string) =>
      `apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: s, labels: {kubernetes.io/service-name: ${to}}}\naddressType: IPv4\n`;
    await put('s.yaml', slice('web'));
    const files = new ManifestSet([folder], new ClusterStore());
    await settle(files);
    await put('s.yaml', slice('db'));
    await files.look();
    expect((await files.look()).changes).toMatchObject([
      {
        kind: 'EndpointSlice',
        key: 'default/s',
        object: { service: 'default/db' },
        before: { service: 'default/web' },
      },
    ]);
  });

  test('a slice that is handed to another proxy goes', async () => {
    const slice = (more: string) =>
      `apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: s, labels: {kubernetes.io/service-name: web${more}}}\naddressType: IPv4\n`;
    await put('s.yaml', slice(''));
    const files = new ManifestSet([folder], new ClusterStore());
    await settle(files);
    await put('s.yaml', slice(', service.kubernetes.io/service-proxy-name: x'));
    expect(await settle(files)).toEqual(['- EndpointSlice default/s']);
  });
});

describe('a file that breaks', () => {
  test('keeps its last good state whole, says so, and recovers', async () => {
    await put('web.yaml', service('web') + service('db'));
    const files = new ManifestSet([folder], new ClusterStore());
    await settle(files);
    await put('web.yaml', `${service('web', '10.96.0.99')}kind`);
    expect(await settle(files)).toEqual([
      '! web.yaml:7:1 ("kind"): must be an object with apiVersion and kind; the file\'s last good state stays in force',
    ]);
    await put('web.yaml', `${service('web', '10.96.0.99')}kind: "Serv`);
    expect(await settle(files)).toEqual([expect.stringContaining('is not well formed')]);
    await put('web.yaml', service('web', '10.96.0.99'));
    expect(await settle(files)).toEqual([
      '- Service default/db',
      '+ Service default/web',
      '! web.yaml: none',
    ]);
  });
});

describe('an edit that leaves nothing of an object to be used', () => {
  const typed = (name: string, type: string, clusterIP = '10.96.0.10') =>
    service(name, clusterIP).replace('spec:', `spec:\n  type: ${type}`);

  test('is refused for that object, as an API server would; the rest of the file counts', async () => {
    await put('web.yaml', service('web') + service('db'));
    const files = new ManifestSet([folder], new ClusterStore());
    await settle(files);
    await put('web.yaml', typed('web', 'Cluster', '10.96.0.12') + service('db', '10.96.0.11'));
    expect(await settle(files)).toEqual([
      '+ Service default/db',
      '! web.yaml:4:9: Service/default/web.spec.type ("Cluster"): must be one of ClusterIP, NodePort, LoadBalancer, ExternalName; its last valid version stays in force',
    ]);
    await put('web.yaml', typed('web', 'Node', '10.96.0.12') + service('db', '10.96.0.11'));
    expect(await settle(files)).toEqual([expect.stringContaining('("Node")')]);
    await put('web.yaml', typed('web', 'NodePort') + service('db', '10.96.0.11'));
    expect(await settle(files)).toEqual(['+ Service default/web', '! web.yaml: none']);
  });

  test('leaves a version in force of which a part is skipped', async () => {
    await put('web.yaml', service('web', '10.96.0.10', 'abc'));
    const files = new ManifestSet([folder], new ClusterStore());
    await settle(files);
    await put('web.yaml', typed('web', 'Cluster'));
    expect(await settle(files)).toEqual([
      expect.stringMatching(/spec\.type.*; its last valid version stays in force$/),
    ]);
    await put('web.yaml', service('web', '10.96.0.10', 'abc'));
    expect(await settle(files)).toEqual([expect.stringMatching(/; this port is skipped$/)]);
  });

  test('leaves nothing when there was none before', async () => {
    await put('web.yaml', typed('web', 'Cluster'));
    const files = new ManifestSet([folder], new ClusterStore());
    await settle(files);
    await put('web.yaml', typed('web', 'Node'));
    expect(await settle(files)).toEqual([expect.stringMatching(/; this Service is skipped$/)]);
  });
});

describe('an object that is defined twice', () => {
  test('in two files counts as in the first by name; the other is reported, and follows when the first goes', async () => {
    await put('b.yaml', service('web', '10.96.0.2'));
    const files = new ManifestSet([folder], new ClusterStore());
    await settle(files);
    await put('a.yaml', service('web', '10.96.0.1'));
    expect(await settle(files)).toEqual([
      '+ Service default/web',
      '! b.yaml:1:1: Service/default/web: is defined a second time and ignored here: the definition at a.yaml:1:1 counts',
    ]);
    await unlink(join(folder, 'a.yaml'));
    expect(await settle(files)).toEqual(['+ Service default/web', '! b.yaml: none']);
  });

  test('in one file counts as it stands first', async () => {
    await put('a.yaml', service('web', '10.96.0.1') + service('web', '10.96.0.2'));
    const news = await new ManifestSet([folder], new ClusterStore()).look();
    expect(news.changes).toMatchObject([{ object: { clusterIPs: ['10.96.0.1'] } }]);
    expect(tell(news)[1]).toBe(
      '! a.yaml:7:1: Service/default/web: is defined a second time and ignored here: the definition at a.yaml:1:1 counts',
    );
  });
});
