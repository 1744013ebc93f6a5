/**
 * What a profile must be beyond its schema, so that no gateway meets it first: the layers in their order, one os and one
 * kubernetes pack, objects that Kubernetes could take, secrets that exist, and every image by digest, since only that
 * keeps a registry override from changing what runs.
 */

import { ProfileDocument } from '@gatehouse/contract/release-document';
import { Value } from 'typebox/value';
import { canonicalJson } from './canonical-json.ts';
import { member } from './json-object.ts';
import { type SourceFault, sourceFault, toField } from './source-fault.ts';

type Pack = ProfileDocument['layers'][number]['packs'][number];
type Fault = (field: string, reason: string, nextStep: string) => void;

const layerOrder = ['os', 'kubernetes', 'network', 'storage', 'add-ons'];
const versionPattern = /^(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})$/;
const digestReferencePattern = /@sha256:[0-9a-f]{64}$/;
const containerLists = ['containers', 'initContainers', 'ephemeralContainers'];

export function profileFaults(profile: ProfileDocument): readonly SourceFault[] {
  const file = `profiles/${profile.provider}/profile.yaml`;
  const faults: SourceFault[] = [];
  const fault: Fault = (field, reason, nextStep) => faults.push(sourceFault(file, field, reason, nextStep));

  const shape = Value.Errors(ProfileDocument, profile);
  for (const { instancePath, message } of shape) {
    fault(toField(instancePath), message, 'Correct the field; docs/releases.md lists them all.');
  }
  if (shape.length > 0) return faults;
  try {
    canonicalJson(profile);
  } catch (error) {
    fault('', error instanceof Error ? error.message : String(error), 'Write a value that JSON has too.');
    return faults;
  }

  const order = profile.layers.map(({ kind }) => layerOrder.indexOf(kind));
  if (order.some((place, index) => index > 0 && place <= (order[index - 1] ?? 0))) {
    fault('layers', `each may stand once, in the order ${layerOrder.join(', ')}`, 'Put them in this order.');
  }
  for (const kind of ['os', 'kubernetes'] as const) {
    const packs = profile.layers.filter((layer) => layer.kind === kind).flatMap((layer) => layer.packs);
    const [pack] = packs;
    if (packs.length !== 1 || !pack) {
      fault(`layers.${kind}`, `it needs exactly one pack and has ${packs.length}`, 'Name one pack.');
    } else {
      nodePackFaults(kind, pack, fault);
    }
  }

  const packNames = new Set<string>();
  const objectNames = new Map<string, string>();
  for (const { kind, packs } of profile.layers) {
    for (const pack of packs) {
      const place = `layers.${kind}.${pack.name}`;
      if (packNames.has(pack.name)) fault(place, 'another pack of the profile has this name', 'Rename one of them.');
      packNames.add(pack.name);
      packFaults(place, pack, fault);
      for (const [index, object] of pack.objects.entries()) {
        objectFaults(`${place}.objects.${index}`, pack, object, objectNames, fault);
      }
    }
  }
  return faults;
}

function nodePackFaults(kind: 'os' | 'kubernetes', pack: Pack, fault: Fault): void {
  const place = `layers.${kind}.${pack.name}`;
  if (pack.objects.length > 0) {
    fault(`${place}.objects`, 'it describes nodes and cannot hold objects', 'Move them to a pack of another layer.');
  }
  if (kind === 'kubernetes' && !versionPattern.test(pack.version)) {
    fault(`${place}.version`, `${pack.version} is no Kubernetes version`, 'Write three numbers, such as 1.27.11.');
  }
  const image = pack.values['image'];
  if (kind === 'os' && (typeof image !== 'string' || image === '')) {
    fault(`${place}.values.image`, 'it is missing', "Give the name of the nodes' OS image.");
  }
}

function packFaults(place: string, pack: Pack, fault: Fault): void {
  for (const secretPath of pack.secretPaths) {
    let value: unknown = pack.values;
    for (const key of secretPath.split('.')) value = member(value, key);
    if (value === undefined) {
      // A mistyped path would show the secret to everybody who reviews the update.
      fault(`${place}.secretPaths`, `${secretPath} names nothing in the values`, 'Correct the path or remove it.');
    }
  }
}

function objectFaults(
  place: string,
  pack: Pack,
  object: Readonly<Record<string, unknown>>,
  seen: Map<string, string>,
  fault: Fault,
): void {
  const { apiVersion, kind, metadata } = object;
  const name = member(metadata, 'name');
  if (typeof apiVersion !== 'string' || typeof kind !== 'string' || typeof name !== 'string') {
    fault(place, 'a Kubernetes object has apiVersion, kind and metadata.name', 'Add what is missing.');
    return;
  }
  const key = canonicalJson([apiVersion, kind, member(metadata, 'namespace') ?? '', name]);
  const other = seen.get(key);
  if (other !== undefined) {
    fault(place, `${kind} ${name} stands in the pack ${other} too, and they would undo each other`, 'Keep it in one.');
  }
  seen.set(key, pack.name);
  for (const image of imagesIn(object)) {
    if (!digestReferencePattern.test(image)) {
      fault(place, `the image ${image} of ${kind} ${name} is not named by digest`, 'Append @sha256: and its digest.');
    }
  }
}

/** Images of all containers, at whatever depth the pod template stands. */
function imagesIn(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(imagesIn);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const own =
      containerLists.includes(key) && Array.isArray(inner)
        ? inner.map((container) => member(container, 'image')).filter((image) => typeof image === 'string')
        : [];
    return [...own, ...imagesIn(inner)];
  });
}
