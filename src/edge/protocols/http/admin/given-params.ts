/**
 * An act's parameters out of a request: from its path, its query and its body.
 *
 * Runs in:   edge (main thread); pure.
 * Invariant: nothing is dropped in silence and nothing is guessed: what a number should be and is none stays a text,
 *            and the act's schema refuses it. A parameter of the path is given there alone.
 */

import type { TSchema } from 'typebox';
import { ApiFault } from '../api/fault.ts';
import { hasBody, type RestRoute } from './route-table.ts';

export interface Given {
  readonly path: unknown;
  readonly query: unknown;
  readonly body: unknown;
}

type Fields = Readonly<Record<string, unknown>>;

/** `own`: the asker's address; undefined where it has none. @throws ApiFault */
export function givenParams(route: RestRoute, given: Given, own: string | undefined): Fields {
  const path = given.path as Readonly<Record<string, string>>;
  const fields = hasBody(route) ? fieldsOfBody(given) : fieldsOfQuery(route, given);
  for (const name of Object.keys(route.inPath)) {
    if (!Object.hasOwn(fields, name)) continue;
    throw new ApiFault('argument-invalid', 'it is given in the path', { path: `/${name}` });
  }
  const parts = Object.entries(route.inPath).map(([name, schema]) => [
    name,
    readValue(schema, path[name]),
  ]);
  const isOwn = route.own !== undefined && own !== undefined;
  return {
    ...route.defaults,
    ...(isOwn ? { [route.own]: own } : {}),
    ...fields,
    ...Object.fromEntries(parts),
  };
}

function fieldsOfBody({ query, body }: Given): Fields {
  const [named] = Object.keys(query as Fields);
  if (named !== undefined) {
    throw new ApiFault('argument-invalid', 'it goes into the body', { path: `/query/${named}` });
  }
  if (body === undefined || body === null) return {};
  if (typeof body !== 'object' || Array.isArray(body) || Buffer.isBuffer(body)) {
    throw new ApiFault('argument-invalid', 'the body is an object of JSON');
  }
  return body as Fields;
}

function fieldsOfQuery({ fields }: RestRoute, { query, body }: Given): Fields {
  if (body !== undefined && body !== null) {
    throw new ApiFault('argument-invalid', 'it has no body: parameters stand in the query');
  }
  const read = Object.entries(query as Fields).map(([name, value]) => [
    name,
    Object.hasOwn(fields, name) ? readValue(fields[name]!, value) : value,
  ]);
  return Object.fromEntries(read);
}

/** As JSON would have it, by what the schema says it is. */
function readValue(schema: TSchema, given: unknown): unknown {
  const {
    type,
    items,
    const: only,
  } = schema as {
    readonly type?: string;
    readonly items?: TSchema;
    readonly const?: unknown;
  };
  if (type === 'array') return [given].flat().map((each) => readValue(items!, each));
  if (typeof given !== 'string') return given;
  if (type === 'integer' || type === 'number') return numberOf(given);
  if (type !== 'boolean' && only !== true) return given;
  return given === 'true' ? true : given === 'false' ? false : given;
}

function numberOf(text: string): unknown {
  return /^-?(?:0|[1-9]\d{0,15})(?:\.\d{1,6})?$/.test(text) ? Number(text) : text;
}
