/**
 * The OpenAPI document: the message API, the acts, and the tokens, out of the schemas that requests are held to.
 *
 * Runs in:   edge (main thread); made once.
 * Specs:     OpenAPI 3.1, JSON Schema 2020-12.
 */

import type { TSchema } from 'typebox';
import { openApi } from '../api/openapi.ts';
import { issuerPaths } from './issuer-routes.ts';
import { itemsMax } from './limits.ts';
import { resetPaths } from './reset-routes.ts';
import { hasBody, type RestRoute, restRoutes } from './route-table.ts';
import { tokenPaths } from './token-schema.ts';

const json = (schema: unknown) => ({ 'application/json': { schema } });
const fault = (description: string) => ({
  description,
  content: json({ $ref: '#/components/schemas/Fault' }),
});

const faults = {
  400: fault('Not as it should be; `path` says where.'),
  401: fault('No valid access token or key.'),
  403: fault('Not by this account or key; or a second factor must be shown first.'),
  404: fault('No such resource, or none that may be seen.'),
  409: fault('It is there already, or not possible now.'),
  429: fault('Too many requests; Retry-After says when.'),
  503: fault('No room now; Retry-After says when.'),
};

export const document = {
  ...openApi,
  security: [{ key: [] }, { token: [] }],
  paths: { ...openApi.paths, ...tokenPaths, ...issuerPaths, ...resetPaths, ...actPaths() },
  components: {
    ...openApi.components,
    securitySchemes: {
      ...openApi.components.securitySchemes,
      token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
    },
  },
};

function actPaths(): Record<string, Record<string, unknown>> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of restRoutes) {
    paths[route.path] = { ...paths[route.path], [route.verb.toLowerCase()]: operationOf(route) };
  }
  return paths;
}

function operationOf(route: RestRoute): object {
  const { act, summary, inPath, fields, required, defaults } = route;
  const parameters = Object.entries(inPath).map(([name, schema]) => ({
    ...{ name, in: 'path', required: true, schema },
  }));
  const asked = Object.entries(fields).map(([name, schema]) => ({
    ...{ name, required: required.includes(name), schema: withDefault(schema, defaults[name]) },
  }));
  const inQuery = hasBody(route) ? [] : asked.map((each) => ({ ...each, in: 'query' }));
  const isCreated = route.verb === 'POST' && act.endsWith('.create');
  return {
    operationId: act.replace(/[.-](\w)/g, (_, letter: string) => letter.toUpperCase()),
    summary,
    tags: [act.replace(/\..*/, '')],
    parameters: [...parameters, ...inQuery],
    ...(hasBody(route) ? { requestBody: bodyOf(route, asked) } : {}),
    responses: {
      [isCreated ? 201 : 200]: { description: 'Done.', content: json(answerOf(route)) },
      ...faults,
    },
  };
}

interface Asked {
  readonly name: string;
  readonly schema: unknown;
}

function bodyOf({ required }: RestRoute, asked: readonly Asked[]): object {
  const properties = Object.fromEntries(asked.map(({ name, schema }) => [name, schema]));
  const schema = { type: 'object', additionalProperties: false, required, properties };
  return { required: required.length > 0, content: json(schema) };
}

function withDefault(schema: TSchema, value: unknown): unknown {
  return value === undefined ? schema : { ...schema, default: value };
}

/** What is handed out on the way stands in the answer. */
function answerOf({ result, item }: RestRoute): unknown {
  if (item === undefined) return result;
  return {
    allOf: [result],
    type: 'object',
    required: ['items', 'isComplete'],
    properties: {
      items: { type: 'array', items: item, maxItems: itemsMax },
      isComplete: { type: 'boolean', description: 'There are no more items.' },
    },
  };
}
