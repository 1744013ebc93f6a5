/** A gateway's locked profile as it is shown by itself, without anything to compare it with. */

import Type, { type Static } from 'typebox';
import { Digest, Version } from './primitives.ts';

const ProfilePack = Type.Object({
  name: Type.String(),
  version: Type.String(),
  /** As YAML: version, values and the names of its objects, secrets masked. */
  text: Type.String(),
  /** So many Kubernetes objects. */
  objects: Type.Integer(),
});

/** What was last applied. Nobody edits it: a release brings it. */
export const GatewayProfile = Type.Object(
  {
    version: Version,
    digest: Digest,
    /** In their order; absent while no imported release has the profile. */
    layers: Type.Optional(Type.Array(Type.Object({ layer: Type.String(), packs: Type.Array(ProfilePack) }))),
  },
  { $id: 'GatewayProfile' },
);
export type GatewayProfile = Static<typeof GatewayProfile>;
