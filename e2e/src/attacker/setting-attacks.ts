/** Settings of a gateway that a target has no place for: each is sent all the same, with what would help the attacker. */

import type { AgentSettingsData } from '@gatehouse/release/install-manifest';
import type { Attack, Battlefield } from './attack.ts';

/** Every setting there is, by the compiler's word, with what the attacker would put there. */
const wished: Readonly<Record<keyof AgentSettingsData, (field: Battlefield) => unknown>> = {
  serverUrl: () => 'https://attacker.example',
  serverCa: () => '-----BEGIN CERTIFICATE-----\nattacker\n-----END CERTIFICATE-----',
  gatewayId: () => '00000000-0000-4000-8000-000000000000',
  gatewayName: () => 'site-b',
  installation: () => 'existing-cluster',
  provider: () => '__proto__',
  rootJson: ({ repository }) => JSON.stringify({ signed: {}, signatures: [{ keyid: repository.key.keyId }] }),
  httpsProxy: () => 'http://attacker.example:3128',
  httpProxy: () => 'http://attacker.example:3128',
  noProxy: () => '',
  registryPrefix: ({ marker }) => `attacker.example/marker@${marker.digest}#`,
  timings: () => ({ agentUpdate: { watch: 0 } }),
  clusterName: () => 'host-cluster-1',
  clusterNamespace: () => 'kube-system',
  osVariable: () => 'preKubeadmCommands',
  managed: () => 'own',
};

export const settingAttacks: readonly Attack[] = Object.entries(wished).map(([name, wish]) => ({
  name: `The target brings the setting ${name}`,
  has: 'server',
  refusal: 'log:target-fields-unknown',
  begin: (field) => ({
    target: (honest) => ({ ...honest, settings: { ...honest.settings, [name]: wish(field) } }),
  }),
}));
