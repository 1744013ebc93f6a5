/**
 * Reads what a publisher wrote:
 *
 *     release.yaml
 *     profiles/<provider>/profile.yaml           version, layers, packs
 *     profiles/<provider>/<pack>/values.yaml     optional
 *     profiles/<provider>/<pack>/objects/*.yaml  optional; applied in the order of their names
 *     profiles/<provider>/<pack>/chart/          optional, or chart.tgz: rendered by helm, applied after the objects
 *
 * A field or a folder that nothing reads is a fault, since it is most likely a mistyped one.
 */

import { FreeText, Name, Version } from '@gatehouse/contract/primitives';
import {
  AgentImage,
  ProfileDocument,
  ReleaseDocument,
  RiskTests,
  UpgradeRisk,
} from '@gatehouse/contract/release-document';
import Type from 'typebox';
import { type Outcome, ok } from './outcome.ts';
import {
  ChartSettings,
  finishPacks,
  type PackContext,
  type ReadPack,
  readPack,
  type SourceTools,
} from './pack-source.ts';
import type { ProfileSource, ReleaseSource } from './release-builder.ts';
import { type SourceFault, type SourceRefusalCode, sourceFault } from './source-fault.ts';
import { newReader } from './source-reader.ts';

const strict = { additionalProperties: false };

/** A mistyped test would make the risk one that nobody can judge. */
const riskProperties = {
  ...UpgradeRisk.properties,
  appliesTo: Type.Optional(Type.Array(Type.Object(RiskTests.properties, strict), { minItems: 1, maxItems: 20 })),
};

const ReleaseFile = Type.Object(
  {
    platformVersion: Version,
    channels: Type.Array(Type.String({ maxLength: 40, pattern: '^[a-z0-9-]+$' }), { minItems: 1, maxItems: 20 }),
    serverMinimum: Version,
    agent: Type.Object(
      {
        version: Type.Optional(Version),
        repository: AgentImage.properties.repository,
        digest: Type.Optional(AgentImage.properties.digest),
        kubernetes: Type.Object({ min: Version, max: Version }, strict),
      },
      strict,
    ),
    /** The platform's version when absent. */
    profileNeedsAgent: Type.Optional(Version),
    upgradeFrom: Type.Optional(Type.Array(FreeText, { maxItems: 1000 })),
    notes: Type.Optional(Type.String({ maxLength: 20_000 })),
    fixes: ReleaseDocument.properties.fixes,
    risks: Type.Optional(Type.Array(Type.Object(riskProperties, strict), { maxItems: 50 })),
    floor: Type.Optional(Type.Object({ reason: FreeText }, strict)),
  },
  strict,
);

const ProfileFile = Type.Object(
  {
    version: Version,
    layers: Type.Array(
      Type.Object(
        {
          kind: ProfileDocument.properties.layers.items.properties.kind,
          packs: Type.Array(
            Type.Object(
              {
                name: Name,
                version: Type.String({ minLength: 1, maxLength: 60 }),
                secretPaths: Type.Optional(Type.Array(Type.String({ maxLength: 300 }), { maxItems: 200 })),
                beforeNodes: Type.Optional(Type.Boolean()),
                chart: Type.Optional(ChartSettings),
              },
              strict,
            ),
            { maxItems: 100 },
          ),
        },
        strict,
      ),
      { maxItems: 5 },
    ),
  },
  strict,
);

/** Throws only when the disk cannot be read; every fault of the source is in the refusal. */
export async function readReleaseSource(
  directory: string,
  tools: SourceTools = { helm: 'helm' },
): Promise<Outcome<ReleaseSource, SourceRefusalCode>> {
  const faults: SourceFault[] = [];
  const reader = newReader(directory, faults);
  const release = await reader.document('release.yaml', ReleaseFile);
  const profiles: Record<string, ProfileSource> = {};
  for (const provider of await reader.names('profiles')) {
    const profile = await readProfile({ reader, faults, tools }, `profiles/${provider}`);
    if (profile) profiles[provider] = profile;
  }
  const [first, ...more] = faults;
  if (first) return { kind: 'refused', reasons: [first, ...more] };
  if (!release) throw new Error(`${directory}: a release was neither read nor refused`);
  const { profileNeedsAgent = release.agent.version ?? release.platformVersion, notes = '' } = release;
  return ok({ ...release, profileNeedsAgent, notes, profiles });
}

async function readProfile(context: PackContext, folder: string): Promise<ProfileSource | undefined> {
  const { reader, faults } = context;
  const file = await reader.document(`${folder}/profile.yaml`, ProfileFile);
  if (!file) return undefined;
  const packNames = new Set(file.layers.flatMap(({ packs }) => packs.map(({ name }) => name)));
  for (const name of await reader.names(folder)) {
    if (name !== 'profile.yaml' && !packNames.has(name)) {
      faults.push(sourceFault(`${folder}/${name}`, '', 'profile.yaml names no such pack', 'Rename or remove it.'));
    }
  }
  const kubernetesVersion = file.layers.find(({ kind }) => kind === 'kubernetes')?.packs[0]?.version ?? '';
  const read: ReadPack[] = [];
  for (const { packs } of file.layers) {
    for (const pack of packs) read.push(await readPack(context, `${folder}/${pack.name}`, pack, kubernetesVersion));
  }
  const finished = await finishPacks(context, read);
  let next = 0;
  const layers = file.layers.map(({ kind, packs }) => {
    const from = next;
    next += packs.length;
    return { kind, packs: finished.slice(from, next) };
  });
  return { version: file.version, layers };
}
