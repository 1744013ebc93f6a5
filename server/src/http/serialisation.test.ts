import { SerializerSelector } from '@fastify/fast-json-stringify-compiler';
import { operatorRoutes } from '@gatehouse/contract/operator-api';
import type { Route } from '@gatehouse/contract/route';
import Fastify from 'fastify';
import { describe, expect, test } from 'vitest';
import { addNamedSchemas, routeSchema } from './openapi.ts';
import { buildSerializers } from './serialisation.ts';

const routes: readonly (readonly [string, Route])[] = Object.entries(operatorRoutes);

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

/** One, or one for each content type. */
function schemasOf(reply: unknown): readonly unknown[] {
  if (!isObject(reply) || !isObject(reply['content'])) return [reply];
  return Object.values(reply['content']).map((body) => (isObject(body) ? body['schema'] : undefined));
}

describe('a reply can be serialised, though nothing tries before it is asked for', () => {
  const app = Fastify();
  addNamedSchemas(app);
  const compile = SerializerSelector()(app.getSchemas());

  test.each(routes)('%s', (name, route) => {
    const { response } = routeSchema(name, route);
    if (!isObject(response)) throw new TypeError(`${name} has no reply`);
    for (const [httpStatus, reply] of Object.entries(response)) {
      for (const schema of schemasOf(reply)) compile({ method: route.method, url: route.path, httpStatus, schema });
    }
  });
});

test('replies of one schema share a serialiser, which says no field that the schema does not have', () => {
  const named = { Told: { $id: 'Told', type: 'object', properties: { name: { type: 'string' } } } };
  const build = buildSerializers(named);
  const route = { method: 'GET', url: '/', httpStatus: '200', schema: { $ref: 'Told#' } };
  expect(build(route)({ name: 'a', secret: 'b' })).toBe('{"name":"a"}');
  // Without it none could be built.
  Reflect.deleteProperty(named, 'Told');
  expect(build({ ...route, url: '/other' })({ name: 'c' })).toBe('{"name":"c"}');
});
