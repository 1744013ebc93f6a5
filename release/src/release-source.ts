/**
 * Reads what a publisher wrote:
 *
 *     release.yaml
 *     profiles/<provider>/profile.yaml           version, layers, packs
 *     profiles/<provider>/<pack>/values.yaml     optional
 *     profiles/<provider>/<pack>/objects/*.yaml  optional; applied in the order of their names
 *
 * A field or a folder that nothing reads is a fault, since it is most likely a mistyped one.
 */

import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import {
  AgentImage,
  ProfileDocument,
  ReleaseDocument,
  RiskTests,
  UpgradeRisk,
} from '@gatehouse/contract/release-document';
import { FreeText, Name, Version } from '@gatehouse/contract/primitives';
import Type from 'typebox';
import { Value } from 'typebox/value';
import { parseAllDocuments } from 'yaml';
import { type Outcome, ok } from './outcome.ts';
import type { ProfileSource, ReleaseSource } from './release-builder.ts';
import { type SourceFault, type SourceRefusalCode, sourceFault, toField } from './source-fault.ts';

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
type PackEntry = Type.Static<typeof ProfileFile>['layers'][number]['packs'][number];

const JsonObject = Type.Record(Type.String(), Type.Unknown());
const fileBytesMax = 5_000_000;
const filesMax = 2000;
const correct = 'Correct the field; docs/releases.md lists them all.';

/** Throws only when the disk cannot be read; every fault of the source is in the refusal. */
export async function readReleaseSource(directory: string): Promise<Outcome<ReleaseSource, SourceRefusalCode>> {
  const faults: SourceFault[] = [];
  const reader = newReader(directory, faults);
  const release = await reader.document('release.yaml', ReleaseFile);
  const profiles: Record<string, ProfileSource> = {};
  for (const provider of await reader.names('profiles')) {
    const profile = await readProfile(reader, faults, `profiles/${provider}`);
    if (profile) profiles[provider] = profile;
  }
  const [first, ...more] = faults;
  if (first) return { kind: 'refused', reasons: [first, ...more] };
  if (!release) throw new Error(`${directory}: a release was neither read nor refused`);
  const { profileNeedsAgent = release.agent.version ?? release.platformVersion, notes = '' } = release;
  return ok({ ...release, profileNeedsAgent, notes, profiles });
}

async function readProfile(reader: Reader, faults: SourceFault[], folder: string): Promise<ProfileSource | undefined> {
  const file = await reader.document(`${folder}/profile.yaml`, ProfileFile);
  if (!file) return undefined;
  const packNames = new Set(file.layers.flatMap(({ packs }) => packs.map(({ name }) => name)));
  for (const name of await reader.names(folder)) {
    if (name !== 'profile.yaml' && !packNames.has(name)) {
      faults.push(sourceFault(`${folder}/${name}`, '', 'profile.yaml names no such pack', 'Rename or remove it.'));
    }
  }
  const layers: ProfileSource['layers'] = [];
  for (const { kind, packs } of file.layers) {
    const read: ProfileSource['layers'][number]['packs'] = [];
    for (const pack of packs) read.push(await readPack(reader, faults, `${folder}/${pack.name}`, pack));
    layers.push({ kind, packs: read });
  }
  return { version: file.version, layers };
}

async function readPack(
  reader: Reader,
  faults: SourceFault[],
  folder: string,
  { name, version, secretPaths = [], beforeNodes = false }: PackEntry,
): Promise<ProfileSource['layers'][number]['packs'][number]> {
  const present = await reader.names(folder);
  for (const other of present.filter((entry) => entry !== 'values.yaml' && entry !== 'objects')) {
    faults.push(
      sourceFault(`${folder}/${other}`, '', 'a pack has values.yaml and objects/ only', 'Move or remove it.'),
    );
  }
  const values = present.includes('values.yaml') ? await reader.document(`${folder}/values.yaml`, JsonObject) : {};
  const objects: Record<string, unknown>[] = [];
  const files = present.includes('objects') ? await reader.names(`${folder}/objects`) : [];
  for (const file of files) {
    for (const object of (await reader.documents(`${folder}/objects/${file}`)) ?? []) {
      // An empty document stands between two `---`.
      if (object === null) continue;
      if (Value.Check(JsonObject, object)) objects.push(object);
      else faults.push(sourceFault(`${folder}/objects/${file}`, '', 'it holds something that is no object', correct));
    }
  }
  return { name, version, values: values ?? {}, secretPaths: [...secretPaths], objects, beforeNodes };
}

interface Reader {
  /** Sorted; empty when there is no such folder. */
  readonly names: (folder: string) => Promise<readonly string[]>;
  /** All YAML documents of a file, or `undefined` after adding a fault. */
  readonly documents: (file: string) => Promise<readonly unknown[] | undefined>;
  /** The one YAML document of a file that fits the schema, or `undefined` after adding faults. */
  readonly document: <Schema extends Type.TSchema>(
    file: string,
    schema: Schema,
  ) => Promise<Type.Static<Schema> | undefined>;
}

function newReader(directory: string, faults: SourceFault[]): Reader {
  let filesRead = 0;
  const fault = (file: string, field: string, reason: string, nextStep: string) => {
    faults.push(sourceFault(file, field, reason, nextStep));
    return undefined;
  };

  async function names(folder: string): Promise<readonly string[]> {
    try {
      // Editors leave hidden files.
      return (await readdir(path.join(directory, folder))).filter((name) => !name.startsWith('.')).toSorted();
    } catch (error) {
      if (isCode(error, 'ENOENT')) return [];
      if (!isCode(error, 'ENOTDIR')) throw error;
      fault(folder, '', 'it is a file, and a folder was expected', 'Move or remove it.');
      return [];
    }
  }

  async function documents(file: string): Promise<readonly unknown[] | undefined> {
    filesRead += 1;
    if (filesRead > filesMax) return fault(file, '', `more than ${filesMax} files`, 'Put more objects into one file.');
    let text: string;
    try {
      text = await readFile(path.join(directory, file), 'utf8');
    } catch (error) {
      if (isCode(error, 'ENOENT')) return fault(file, '', 'there is no such file', 'Add it.');
      if (isCode(error, 'EISDIR'))
        return fault(file, '', 'it is a folder, and a file was expected', 'Move its files up.');
      throw error;
    }
    if (text.length > fileBytesMax) return fault(file, '', `it is larger than ${fileBytesMax} bytes`, 'Split it.');
    const parsed = parseAllDocuments(text, { prettyErrors: true });
    const read: unknown[] = [];
    for (const document of 'empty' in parsed ? [] : parsed) {
      const [error] = document.errors;
      if (error) return fault(file, '', `it is no YAML: ${error.message.trim().replace(/[.:]$/, '')}`, 'Correct it.');
      try {
        read.push(document.toJS({ maxAliasCount: 100 }));
      } catch (cause) {
        return fault(file, '', cause instanceof Error ? cause.message : String(cause), 'Write its aliases out.');
      }
    }
    return read;
  }

  async function document<Schema extends Type.TSchema>(file: string, schema: Schema) {
    const all = await documents(file);
    if (!all) return undefined;
    const [value = {}] = all;
    if (all.length > 1) return fault(file, '', 'it holds more than one document', 'Remove the lines `---`.');
    if (Value.Check(schema, value)) return value;
    for (const error of Value.Errors(schema, value).slice(0, 20)) {
      // Said again, and better, as `additionalProperties`.
      if (error.keyword === 'boolean') continue;
      if (error.keyword === 'additionalProperties') {
        for (const name of error.params.additionalProperties) {
          fault(file, toField(`${error.instancePath}/${name}`), 'there is no such field', correct);
        }
      } else {
        fault(file, toField(error.instancePath), error.message, correct);
      }
    }
    return undefined;
  }

  return { names, documents, document };
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
