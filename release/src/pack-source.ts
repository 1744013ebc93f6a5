/**
 * One pack of a publisher's source: its values, the objects that are written out, and those that its chart gives. All packs
 * of a profile are read before they are finished, since a chart may use kinds that another pack brings.
 */

import path from 'node:path';
import Type, { type Static } from 'typebox';
import { Value } from 'typebox/value';
import {
  definedScopes,
  inNamespace,
  type KindScopes,
  missingNamespace,
  type ReportFault,
  withoutHooks,
} from './chart-objects.ts';
import { ChartFault, renderChart } from './helm-chart.ts';
import { parseTaggedImage, pinImages, type ResolveImage } from './image-pins.ts';
import type { JsonObject } from './json-object.ts';
import type { ProfileSource } from './release-builder.ts';
import { type SourceFault, sourceFault } from './source-fault.ts';
import { correct, type SourceReader } from './source-reader.ts';

/** What a publisher's machine lends to the reading of a source. */
export interface SourceTools {
  /** The program that renders charts. Absent: charts are left unread, for who asks only about the releases' edges. */
  readonly helm?: string;
  /** Absent: images are left as they are written, and who names one by tag is refused later. */
  readonly resolveImage?: ResolveImage;
}

const strict = { additionalProperties: false };

/** Of a pack in profile.yaml, beside a chart. */
export const ChartSettings = Type.Object(
  {
    /** Where helm would install it. */
    namespace: Type.String({ pattern: '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$' }),
    /** The pack's name when absent. */
    releaseName: Type.Optional(Type.String({ pattern: '^[a-z0-9]([a-z0-9-]{0,51}[a-z0-9])?$' })),
    /** What the chart may take for served beyond what Kubernetes itself brings. */
    apiVersions: Type.Optional(
      Type.Array(Type.String({ maxLength: 200, pattern: '^[A-Za-z0-9./-]+$' }), { maxItems: 100 }),
    ),
    hooks: Type.Optional(Type.Literal('leave-out')),
    /** Of kinds that no object of the profile defines. */
    kinds: Type.Optional(Type.Record(Type.String({ maxLength: 100 }), Type.Enum(['cluster', 'namespace']))),
  },
  strict,
);
type ChartSettings = Static<typeof ChartSettings>;

type PackSource = ProfileSource['layers'][number]['packs'][number];

interface PackEntry {
  readonly name: string;
  readonly version: string;
  readonly secretPaths?: readonly string[];
  readonly beforeNodes?: boolean;
  readonly chart?: ChartSettings;
}

export interface PackContext {
  readonly reader: SourceReader;
  readonly faults: SourceFault[];
  readonly tools: SourceTools;
}

/** A pack whose charted objects are not yet in their namespace, and whose images are as they were written. */
export interface ReadPack {
  readonly folder: string;
  readonly pack: PackSource;
  readonly written: readonly { readonly file: string; readonly object: JsonObject }[];
  readonly chart:
    | { readonly file: string; readonly settings: ChartSettings; readonly objects: readonly JsonObject[] }
    | undefined;
}

const JsonObjectShape = Type.Record(Type.String(), Type.Unknown());
const chartNames = ['chart', 'chart.tgz'];

export async function readPack(
  { reader, faults, tools }: PackContext,
  folder: string,
  entry: PackEntry,
  kubernetesVersion: string,
): Promise<ReadPack> {
  const { name, version, secretPaths = [], beforeNodes = false } = entry;
  const present = await reader.names(folder);
  const charts = present.filter((one) => chartNames.includes(one));
  const known = ['values.yaml', 'objects', ...chartNames];
  for (const other of present.filter((one) => !known.includes(one))) {
    const reason = 'a pack has values.yaml, objects/ and chart/ or chart.tgz only';
    faults.push(sourceFault(`${folder}/${other}`, '', reason, 'Move or remove it.'));
  }
  const values = present.includes('values.yaml')
    ? // Of a chart they are read as helm reads them.
      await reader.document(`${folder}/values.yaml`, JsonObjectShape, charts.length > 0 ? 'kubernetes' : 'yaml-1.2')
    : {};
  const written: { file: string; object: JsonObject }[] = [];
  for (const name of present.includes('objects') ? await reader.names(`${folder}/objects`) : []) {
    const file = `${folder}/objects/${name}`;
    for (const object of (await reader.documents(file, 'kubernetes')) ?? []) {
      // An empty document stands between two `---`.
      if (object === null) continue;
      if (Value.Check(JsonObjectShape, object)) written.push({ file, object });
      else faults.push(sourceFault(file, '', 'it holds something that is no object', correct));
    }
  }
  const chart =
    values === undefined || tools.helm === undefined
      ? undefined
      : await readChart({ reader, faults, helm: tools.helm }, { folder, charts, entry, values, kubernetesVersion });
  const pack = { name, version, values: values ?? {}, secretPaths: [...secretPaths], objects: [], beforeNodes };
  return { folder, pack, written, chart };
}

async function readChart(
  { reader, faults, helm }: { readonly reader: SourceReader; readonly faults: SourceFault[]; readonly helm: string },
  {
    folder,
    charts,
    entry,
    values,
    kubernetesVersion,
  }: {
    readonly folder: string;
    readonly charts: readonly string[];
    readonly entry: PackEntry;
    readonly values: JsonObject;
    readonly kubernetesVersion: string;
  },
): Promise<ReadPack['chart']> {
  const [chart, second] = charts;
  const settings = entry.chart;
  const file = `${folder}/${chart ?? 'chart'}`;
  const fault = (reason: string, nextStep: string) => {
    faults.push(sourceFault(file, '', reason, nextStep));
    return undefined;
  };
  if (chart === undefined) {
    return settings && fault('profile.yaml has settings for a chart, and there is none', 'Add chart/ or chart.tgz.');
  }
  if (second !== undefined) return fault('there is a chart.tgz too', 'Keep one of the two.');
  if (!settings) {
    return fault(
      'profile.yaml does not say into which namespace',
      `Write \`chart: { namespace: … }\` in the pack ${entry.name}.`,
    );
  }
  try {
    const rendered = await renderChart({
      helm,
      chart: path.join(reader.directory, file),
      releaseName: settings.releaseName ?? entry.name,
      namespace: settings.namespace,
      kubernetesVersion,
      apiVersions: settings.apiVersions ?? [],
      values,
    });
    const versions = [rendered.version, rendered.appVersion].map((one) => one?.replace(/^v/, ''));
    if (!versions.includes(entry.version.replace(/^v/, ''))) {
      const found = `${rendered.version}${rendered.appVersion === undefined ? '' : ` (of ${rendered.appVersion})`}`;
      fault(
        `the chart is version ${found}, and the pack says ${entry.version}`,
        'Correct the version in profile.yaml.',
      );
    }
    const report: ReportFault = (template, reason, nextStep) =>
      faults.push(sourceFault(file, template, reason, nextStep));
    const hooks = { areLeftOut: settings.hooks === 'leave-out' };
    return { file, settings, objects: withoutHooks(rendered.objects, hooks, report) };
  } catch (error) {
    if (!(error instanceof ChartFault)) throw error;
    return fault(error.message, error.nextStep);
  }
}

/** In the order in which an agent applies them. */
export async function finishPacks({ faults, tools }: PackContext, read: readonly ReadPack[]): Promise<PackSource[]> {
  const everything = read.flatMap(({ written, chart }) => [
    ...written.map(({ object }) => object),
    ...(chart?.objects ?? []),
  ]);
  const defined = definedScopes(everything);
  const before: JsonObject[] = [];
  const finished: PackSource[] = [];
  for (const one of read) {
    before.push(...one.written.map(({ object }) => object));
    const charted = one.chart === undefined ? [] : placeChart(one.chart, defined, before, faults);
    before.push(...charted);
    const objects: JsonObject[] = [];
    for (const { file, object } of one.written) objects.push(await pinned(object, file, tools, faults));
    for (const object of charted) objects.push(await pinned(object, one.chart?.file ?? one.folder, tools, faults));
    finished.push({ ...one.pack, objects });
  }
  return finished;
}

function placeChart(
  { file, settings, objects }: NonNullable<ReadPack['chart']>,
  defined: KindScopes,
  before: readonly JsonObject[],
  faults: SourceFault[],
): JsonObject[] {
  const report: ReportFault = (field, reason, nextStep) => faults.push(sourceFault(file, field, reason, nextStep));
  const scopes = { ...defined, ...settings.kinds };
  const placed = inNamespace(objects, settings.namespace, scopes, report);
  const namespace = missingNamespace(settings.namespace, [...before, ...placed]);
  return namespace === undefined ? placed : [namespace, ...placed];
}

async function pinned(
  object: JsonObject,
  file: string,
  { resolveImage }: SourceTools,
  faults: SourceFault[],
): Promise<JsonObject> {
  if (!resolveImage) return object;
  return pinImages(object, async (image) => {
    const tagged = parseTaggedImage(image);
    try {
      if (!tagged) throw new Error('it is no name of an image');
      return `${tagged.repository}@${await resolveImage(tagged)}`;
    } catch (error) {
      faults.push(
        sourceFault(
          file,
          `${String(object['kind'])} image`,
          `${image} has no digest, and none could be found: ${causes(error)}`,
          'Append @sha256: and its digest, correct the name, or list it in the file of --images-lock.',
        ),
      );
      return image;
    }
  });
}

function causes(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const inner = error.cause instanceof Error ? `: ${causes(error.cause)}` : '';
  return `${error.message}${inner}`.replace(/\.$/, '');
}
