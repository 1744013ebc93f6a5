import { renderInstallManifest } from '@gatehouse/release/install-manifest';
import { expect, it } from 'vitest';
import { parseAgentSettings } from './agent-settings.ts';

it.each(['existing-cluster', 'cli'] as const)('reads what the install manifest of %s says', (installation) => {
  const root = { signed: { version: 1 }, signatures: [] };
  const manifest = renderInstallManifest({
    gateway: { id: '1b671a64-40d5-491e-99b0-da01ff1f3341', name: 'site-b', installation, provider: 'maas' },
    server: {
      url: 'https://gatehouse.example:8443',
      ca: '-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n',
    },
    rootJson: JSON.stringify(root),
    agent: { version: '4.1.12', digest: `sha256:${'0'.repeat(64)}`, repository: 'registry.example/agent' },
    proxy: { https: 'http://proxy.example:3128', no: '10.0.0.0/8' },
    timings: { poll: { interval: 5_000 } },
    osVariable: 'image',
  });
  const data = manifest.find(({ kind }) => kind === 'ConfigMap')?.['data'];
  const settings = parseAgentSettings(
    Object.fromEntries(Object.entries(data ?? {}).map(([key, value]) => [key, String(value)])),
    {},
  );
  expect(settings).toMatchObject({
    gatewayId: '1b671a64-40d5-491e-99b0-da01ff1f3341',
    gatewayName: 'site-b',
    installation,
    provider: 'maas',
    proxy: { httpsProxy: 'http://proxy.example:3128', noProxy: '10.0.0.0/8' },
    timings: { poll: { interval: 5_000 } },
  });
  expect(settings.server.href).toBe('https://gatehouse.example:8443/');
  expect(settings.serverCa).toContain('BEGIN CERTIFICATE');
  expect(JSON.parse(Buffer.from(settings.root).toString('utf8'))).toEqual(root);
  expect(settings.cluster).toEqual(
    installation === 'cli' ? { name: 'site-b', namespace: 'gatehouse-site-b-cluster' } : undefined,
  );
});
