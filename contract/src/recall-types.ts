/** Recalls as operators see and order them. */

import Type, { type Static } from 'typebox';
import { OperatorText, Timestamp, Version } from './primitives.ts';

/** A recalled release, and who is on it. */
export const RecallView = Type.Object({
  reason: Type.String(),
  at: Timestamp,
  by: Type.String({ description: '`publisher`, or the operator whose act it was.' }),
  /** It stands in signed metadata: no operator can withdraw it. */
  isSigned: Type.Boolean(),
  /** Those that run its agent, or whose profile it is, in the order of their names; at most 100, and only what the caller may see. */
  gateways: Type.Array(
    Type.Object({
      name: Type.String(),
      tenant: Type.String(),
      parts: Type.Array(Type.Enum(['agent', 'profile'])),
      /** It gets the next good version through its pauses. */
      isEvenIfPaused: Type.Boolean(),
    }),
  ),
  /** How many there are. */
  gatewaysTotal: Type.Integer(),
});
export type RecallView = Static<typeof RecallView>;

/** What of a gateway is of a recalled release. */
export const RecalledPartView = Type.Object({
  part: Type.Enum(['agent', 'profile']),
  release: Version,
  reason: Type.String(),
});

export const RecallRequest = Type.Object(
  {
    reason: OperatorText,
    /** Gateways by name or id that get the next good version although they are paused. */
    evenIfPaused: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 63 }), { maxItems: 100 })),
  },
  { additionalProperties: false },
);
export type RecallRequest = Static<typeof RecallRequest>;
