import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { type AccountRights, gatewayRights, type Rule } from './agent-rights.ts';
import { renderInstallManifest } from './install-manifest.ts';
import { gatewayNamespaces } from './object-names.ts';

const document = readFileSync(path.join(import.meta.dirname, '../../docs/rights.md'), 'utf8');
const gatewayName = '<name>';

/** One row for each account and place, so that a row can be found by either. */
function tableOf(accounts: readonly AccountRights[]): string {
  const rows = accounts.flatMap(({ account, namespace, process, grants }) =>
    grants.map((grant) =>
      [
        `\`${account}\``,
        `\`${namespace}\``,
        process,
        grant.namespace === undefined ? 'whole cluster' : `\`${grant.namespace}\``,
        grant.aggregatedFrom === undefined
          ? grant.rules.map(ruleText).join('<br>')
          : `what ClusterRoles with the label \`${grant.aggregatedFrom}: "true"\` give`,
      ].join(' | '),
    ),
  );
  return ['account | its namespace | process | where | rights', '--- | --- | --- | --- | ---', ...rows]
    .map((row) => `| ${row} |`)
    .join('\n');
}

function ruleText({ apiGroups, resources, resourceNames, verbs }: Rule): string {
  const groups = apiGroups.filter((group) => group !== '').map((group) => ` (${group})`);
  const names = resourceNames === undefined ? '' : ` \`${resourceNames.join('`, `')}\``;
  return `${resources.map((name) => (name === '*' ? 'all' : name)).join(', ')}${groups.join('')}${names}: ${verbs.join(', ')}`;
}

describe('docs/rights.md', () => {
  it.each(['existing-cluster', 'cli'] as const)('has the table of %s', (installation) => {
    expect(document).toContain(tableOf(gatewayRights({ name: gatewayName, installation })));
  });
});

const accountsOf = (installation: 'cli' | 'existing-cluster') => gatewayRights({ name: 'site-a', installation });
const rulesOf = (account: AccountRights): readonly Rule[] => account.grants.flatMap((grant) => grant.rules);

describe('rights', () => {
  it('end at the own namespace plus listing nodes on an existing cluster', () => {
    const { agent } = gatewayNamespaces('site-a');
    const grants = accountsOf('existing-cluster').flatMap((account) => account.grants);
    const outside = grants.filter((grant) => grant.namespace !== agent);
    expect(outside).toEqual([
      { name: 'gatehouse-site-a-nodes', rules: [{ apiGroups: [''], resources: ['nodes'], verbs: ['list'] }] },
    ]);
  });

  it('name the object with every create, patch and delete in the agent’s namespace', () => {
    for (const account of accountsOf('existing-cluster')) {
      for (const rule of rulesOf(account)) {
        const isRead = rule.verbs.every((verb) => verb === 'list');
        expect(rule.resourceNames !== undefined || isRead, JSON.stringify(rule)).toBe(true);
      }
    }
  });

  it('keep every account that is stronger than the agent out of the agent’s namespace', () => {
    const { agent } = gatewayNamespaces('site-a');
    const inside = accountsOf('cli').filter((account) => account.namespace === agent);
    expect(inside.map(({ account }) => account)).toEqual(['gatehouse-guard', 'gatehouse-agent']);
  });

  it('let the profile roller patch the Cluster of the gateway’s name and no other', () => {
    const roller = accountsOf('cli').find(({ account }) => account === 'gatehouse-profile-roller');
    const writes = (roller === undefined ? [] : rulesOf(roller)).filter((rule) =>
      rule.verbs.some((verb) => verb !== 'get' && verb !== 'list'),
    );
    expect(writes).toEqual([
      { apiGroups: ['cluster.x-k8s.io'], resources: ['clusters'], resourceNames: ['site-a'], verbs: ['get', 'patch'] },
      { apiGroups: ['cluster.x-k8s.io'], resources: ['machines'], verbs: ['get', 'list', 'delete'] },
    ]);
  });

  it('give the pack applier nothing of Cluster API, and no delete of what pruning never deletes', () => {
    const applier = accountsOf('cli').find(({ account }) => account === 'gatehouse-pack-applier');
    const rules = applier === undefined ? [] : rulesOf(applier);
    expect(rules.length).toBeGreaterThan(0);
    expect(
      rules.flatMap((rule) => rule.apiGroups).filter((group) => group.includes('x-k8s.io') || group === '*'),
    ).toEqual([]);
    const spared = ['namespaces', 'persistentvolumes', 'persistentvolumeclaims', 'customresourcedefinitions'];
    const deletes = rules.filter((rule) => rule.verbs.includes('delete'));
    expect(deletes.flatMap((rule) => rule.resources).filter((resource) => spared.includes(resource))).toEqual([]);
  });

  it('are in the manifest as they stand here, each bound to its account', () => {
    const manifest = renderInstallManifest({
      gateway: { id: 'an-id', name: 'site-a', installation: 'cli', provider: 'vsphere' },
      server: { url: 'https://gatehouse.example' },
      rootJson: '{}',
      agent: { version: '4.1.12', repository: 'registry.example/agent', digest: `sha256:${'0'.repeat(64)}` },
    });
    for (const { account, namespace, grants } of accountsOf('cli')) {
      for (const grant of grants) {
        const prefix = grant.namespace === undefined ? 'Cluster' : '';
        const find = (kind: string) =>
          manifest.find(
            (object) =>
              object.kind === prefix + kind &&
              object.metadata.name === grant.name &&
              object.metadata.namespace === grant.namespace,
          );
        expect(find('Role')?.['rules'] ?? []).toEqual(grant.rules);
        expect(find('RoleBinding')).toMatchObject({
          roleRef: { kind: `${prefix}Role`, name: grant.name },
          subjects: [{ kind: 'ServiceAccount', name: account, namespace }],
        });
      }
    }
  });
});
