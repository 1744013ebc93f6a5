/**
 * Requests against the contract's schemas. Bodies must fit as they are; parameters and queries are text, so numbers and
 * booleans in them are read as such first. Nothing is taken away silently.
 */

import type { Reason } from '@gatehouse/domain/reason';
import type { FastifySchemaCompiler } from 'fastify';
import type Type from 'typebox';
import { Compile } from 'typebox/compile';

/** The request does not fit; `reasons` names each field. */
export class InvalidRequest extends Error {
  override readonly name = 'InvalidRequest';
  readonly reasons: readonly Reason[];
  constructor(part: string, reasons: readonly Reason[]) {
    super(`The ${part} does not fit: ${reasons.map(({ message }) => message).join(' ')}`);
    this.reasons = reasons;
  }
}

const partNames: Readonly<Record<string, string>> = {
  body: 'body',
  querystring: 'query',
  params: 'address',
  headers: 'header',
};
const reasonsMax = 10;

export const compileSchema: FastifySchemaCompiler<Type.TSchema> = ({ schema, httpPart }) => {
  const validator = Compile(schema);
  const part = partNames[httpPart ?? ''] ?? 'request';
  const isText = part !== 'body';
  return (given: unknown) => {
    const value = isText ? validator.Default(fromText(given, schema)) : given;
    const unreadable = isText ? unreadableIn(given) : undefined;
    if (unreadable !== undefined) {
      const message = `${part}.${unreadable} holds a zero byte or half a character, which nothing here is named with.`;
      return { error: new InvalidRequest(part, [{ code: 'field-invalid', message }]) };
    }
    if (validator.Check(value)) return { value };
    return { error: new InvalidRequest(part, toReasons(part, validator.Errors(value))) };
  };
};

/**
 * A parameter is text. Where its schema wants a number or a boolean, only the one way in which JSON writes it is read as
 * such; whatever else it is stays text, and does not fit.
 */
function fromText(given: unknown, schema: Type.TSchema): unknown {
  if (typeof given !== 'object' || given === null) return given;
  const { properties } = schema as { readonly properties?: Readonly<Record<string, { readonly type?: unknown }>> };
  return Object.fromEntries(
    Object.entries(given).map(([name, text]: [string, unknown]) => [name, readAs(properties?.[name]?.type, text)]),
  );
}

function readAs(type: unknown, text: unknown): unknown {
  if (typeof text !== 'string') return text;
  if (type === 'integer' && /^-?(0|[1-9]\d{0,15})$/.test(text)) return Number(text);
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}

/** The database refuses such texts, so they are no name of anything. */
function unreadableIn(given: unknown): string | undefined {
  if (typeof given !== 'object' || given === null) return undefined;
  const bad = (text: string) => text.includes('\0') || !text.isWellFormed();
  return Object.entries(given).find(([, value]) =>
    [value].flat().some((each) => typeof each === 'string' && bad(each)),
  )?.[0];
}

interface Fault {
  readonly keyword: string;
  readonly instancePath: string;
  readonly message: string;
  readonly params: object;
}

function toReasons(part: string, faults: readonly Fault[]): readonly Reason[] {
  const seen = new Map<string, Reason>();
  for (const fault of faults) {
    const field = [part, ...fault.instancePath.split('/').slice(1).map(unescapePointer)].join('.');
    if (seen.has(field)) continue;
    seen.set(field, {
      code: 'field-invalid',
      message: `${field} ${faultText(fault)}.`,
      nextStep: `Correct ${field} and send the request again; /v1/openapi.json has its schema.`,
    });
    if (seen.size === reasonsMax) break;
  }
  return [...seen.values()];
}

const unescapePointer = (step: string): string => step.replaceAll('~1', '/').replaceAll('~0', '~');

// The fault's own parameters name what is missing or too much; typebox types them per keyword, we only show them.
function faultText({ message, params }: Fault): string {
  const named = Object.values(params)
    .flat()
    .filter((value) => typeof value === 'string' && value.length < 200)
    .slice(0, 8);
  const isNamed = named.every((name) => message.includes(String(name)));
  return isNamed ? message : `${message} (${named.join(', ')})`;
}
