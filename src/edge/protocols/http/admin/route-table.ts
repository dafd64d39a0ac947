/**
 * Where each act stands in the REST API, out of the table of acts.
 *
 * Runs in:   edge (main thread); made once.
 * Invariant: parameters come from the path; all others of a GET or DELETE from the query, of the rest from the body.
 */

import type { TObject, TProperties, TSchema } from 'typebox';
import type { Act } from '../../../../actors/asks/act.ts';
import type { ControlMethod } from '../../../../actors/asks/control.ts';
import { controlActs } from '../../../../actors/asks/control-acts.ts';

export interface RestRoute {
  readonly act: ControlMethod;
  readonly verb: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With `{name}` for what is given in it. */
  readonly path: string;
  readonly inPath: TProperties;
  /** Of parameters that are not in the path. */
  readonly fields: TProperties;
  readonly required: readonly string[];
  readonly defaults: Readonly<Record<string, unknown>>;
  /** Left out, it is the asker's own address. */
  readonly own: string | undefined;
  readonly summary: string;
  readonly result: TSchema;
  readonly item: TSchema | undefined;
}

export const restRoutes: readonly RestRoute[] = Object.entries(controlActs).flatMap(([name, act]) =>
  routeOf(name as ControlMethod, act),
);

function routeOf(name: ControlMethod, act: Act): RestRoute[] {
  if ('cliOnly' in act) return [];
  const { rest, defaults = {}, own, summary, result, item } = act;
  const [verb, path] = rest.split(' ') as [RestRoute['verb'], string];
  const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, part]) => part!);
  const { properties, required = [] } = act.params as TObject;
  const isIn = (field: string) => named.includes(field);
  const fields = Object.entries(properties);
  const isNeeded = (field: string) =>
    !isIn(field) && !Object.hasOwn(defaults, field) && field !== own;
  return [
    {
      ...{ act: name, verb, path, defaults, own, summary, result, item },
      inPath: Object.fromEntries(fields.filter(([field]) => isIn(field))),
      fields: Object.fromEntries(fields.filter(([field]) => !isIn(field))),
      required: required.filter(isNeeded),
    },
  ];
}

/** GET and DELETE have no body. */
export function hasBody({ verb }: RestRoute): boolean {
  return verb !== 'GET' && verb !== 'DELETE';
}
