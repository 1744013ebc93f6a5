/**
 * A gateway's cluster profile: layers in a fixed order, each with packs. A profile is locked; it only ever comes from a
 * signed release. `digest` is the identity: two profiles with one digest are the same profile.
 */

import type { PlatformVersion } from './version.ts';

/** In the order in which they stand in a profile. */
export const layerKinds = ['os', 'kubernetes', 'network', 'storage', 'add-ons'] as const;
export type LayerKind = (typeof layerKinds)[number];

/** Anything JSON can say. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** A Kubernetes object as the release's renderer wrote it. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [key: string]: Json };
  readonly [key: string]: Json;
}

export interface Pack {
  readonly name: string;
  readonly version: string;
  /** What the pack was rendered with; shown in the review. */
  readonly values: { readonly [key: string]: Json };
  /** Dotted paths into `values` that are masked wherever they are shown. */
  readonly secretPaths: readonly string[];
  /** Applied in this order. Empty for the os and kubernetes layers. */
  readonly objects: readonly KubernetesObject[];
  /** The release marks it to be applied before the nodes move. */
  readonly beforeNodes: boolean;
}

export interface Layer {
  readonly kind: LayerKind;
  readonly packs: readonly Pack[];
}

export interface Profile {
  readonly provider: string;
  readonly version: PlatformVersion;
  /** `sha256:…` of the profile's canonical document. */
  readonly digest: string;
  /** At most one of each kind, in the order of `layerKinds`. os and kubernetes have exactly one pack each. */
  readonly layers: readonly Layer[];
}

/** The profile without its contents: enough to say which one it is. */
export type ProfileReference = Pick<Profile, 'version' | 'digest'>;
