/** The small schemas that every message is made of. */

import Type, { type Static } from 'typebox';

export const Id = Type.String({ format: 'uuid', description: 'A random identifier.' });

/** Kubernetes-style: a gateway's name becomes the name of objects. */
export const Name = Type.String({
  minLength: 1,
  maxLength: 63,
  pattern: '^[a-z0-9]([a-z0-9-]*[a-z0-9])?$',
  description: 'Lower-case letters, digits and hyphens; begins and ends with a letter or digit.',
});

const hostAndPort = '([a-z0-9-]+(\\.[a-z0-9-]+)+(:[0-9]{1,5})?|[a-z0-9-]+:[0-9]{1,5}|localhost)';
const repositoryPart = '[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*';

export const registryPrefixPattern = `^(?=.{1,200}$)${hostAndPort}(/${repositoryPart})*$`;

/** Stands in place of the registry in the name of every image: `mirror.example:5000/proxy`. */
export const RegistryPrefix = Type.String({
  maxLength: 200,
  pattern: registryPrefixPattern,
  description: 'A registry with a path, without a scheme: registry.example:5000/gatehouse',
});

export const Version = Type.String({
  maxLength: 20,
  pattern: '^(0|[1-9][0-9]{0,5})\\.(0|[1-9][0-9]{0,5})\\.(0|[1-9][0-9]{0,5})$',
  description: 'major.minor.patch',
});

/** Without a leap second and without the name of a zone, which the format permits and no clock of ours knows. */
export const Timestamp = Type.String({
  format: 'date-time',
  maxLength: 40,
  pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-5][0-9](\\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})$',
  description: 'RFC 3339, UTC.',
});

export const Digest = Type.String({
  pattern: '^sha256:[0-9a-f]{64}$',
  description: 'sha256: and 64 hexadecimal digits.',
});

export const FreeText = Type.String({ minLength: 1, maxLength: 1000, pattern: '^[^\\u0000]*$' });

/**
 * What an operator writes for others to read, on a terminal too: no controls but a tab and a line break, nothing that
 * changes the direction of writing.
 */
export const OperatorText = Type.String({
  minLength: 1,
  maxLength: 1000,
  pattern: '^[^\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u2028-\\u202e\\u2066-\\u2069]*$',
  description: 'Plain text without control characters.',
});

export const Reason = Type.Object({
  code: Type.String({ maxLength: 100 }),
  message: Type.String({ maxLength: 4000 }),
  nextStep: Type.Optional(Type.String({ maxLength: 1000 })),
});
export type Reason = Static<typeof Reason>;

/** One page of a list; `next` is the cursor of the following one, absent on the last. */
export const page = <Item extends Type.TSchema>(item: Item) =>
  Type.Object({ items: Type.Array(item), next: Type.Optional(Type.String()) });

export const PageQuery = Type.Object(
  {
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 100 })),
    cursor: Type.Optional(Type.String({ maxLength: 500 })),
  },
  { additionalProperties: false },
);
