/**
 * Serialisers of replies, each built when it is first needed and shared by all replies of the same schema. Fastify builds
 * one for each route and status before it listens, and each walks over all named schemas: for this API several seconds of
 * each start, in which nobody is answered. That all can be built is seen in `serialisation.test.ts`.
 */

import { type Serializer, type SerializerFactory, SerializerSelector } from '@fastify/fast-json-stringify-compiler';

export const buildSerializers: SerializerFactory = (namedSchemas, options) => {
  const compile = SerializerSelector()(namedSchemas, options);
  const built = new Map<string, Serializer>();
  return (route) => {
    const key = JSON.stringify(route.schema);
    return (document) => {
      const serialize = built.get(key) ?? compile(route);
      built.set(key, serialize);
      return serialize(document);
    };
  };
};
