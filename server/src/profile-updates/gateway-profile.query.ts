/** The locked profile of a gateway, as it was last applied. */

import type { GatewayProfile } from '@gatehouse/contract/profile-types';
import { packText } from '@gatehouse/domain/pack-text';
import type { Profile } from '@gatehouse/domain/profile';
import { maskSecrets } from '@gatehouse/domain/secrets';
import { loadGateway } from '../gateways/gateway-facts.store.ts';
import { done, type Refusal, refuse } from '../http/answer.ts';
import type { Queries } from '../http/operator-routes.ts';
import { selectProfileDocuments, toProfile } from '../releases/release.store.ts';

export const queryGatewayProfile: Queries['getGatewayProfile'] = async ({ params, query }, { db, access }) => {
  const found = await access.gateway(db, { ...params, tenant: query?.tenant });
  if (found.kind === 'refused') return found;
  const row = found.reply;
  if (row.installation === 'existing-cluster') return keptByOwner(row.name);
  const { facts } = await loadGateway(db, row, { withProfiles: false });
  const applied = facts.observation?.appliedProfile;
  if (applied === undefined) {
    const detail = `No profile has been applied to the gateway ${row.name} yet; its first one comes with its installation.`;
    return refuse('gateway-provisioning', detail, { reasons: [{ code: 'gateway-provisioning', message: detail }] });
  }
  const { version, digest } = applied;
  const document = (await selectProfileDocuments(db, [digest])).get(digest);
  return done({
    version,
    digest,
    ...(document === undefined ? {} : { layers: layersOf(toProfile(document, digest)) }),
  });
};

export function keptByOwner(name: string): Refusal {
  const detail = `The gateway ${name} runs on an existing cluster: its owner keeps Kubernetes, network and storage, and no profile is applied to it.`;
  return refuse('existing-cluster', detail, { reasons: [{ code: 'existing-cluster', message: detail }] });
}

function layersOf({ layers }: Profile): NonNullable<GatewayProfile['layers']> {
  return layers.map(({ kind, packs }) => ({
    layer: kind,
    packs: packs.map((pack) => ({
      name: pack.name,
      version: pack.version,
      text: packText(maskSecrets(pack)),
      objects: pack.objects.length,
    })),
  }));
}
