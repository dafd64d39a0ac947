/**
 * What a group of HTTP clients may say in a scenario, and the plan made of it.
 *
 * Runs in:   load generator.
 * Limits:    `requestsCountMax` kinds of requests.
 */

import {
  choice,
  FieldFault,
  flag,
  list,
  optional,
  type Path,
  positive,
  type Read,
  record,
  secret,
  text,
  withDefault,
} from '../fields.ts';
import type { HttpPlan } from '../load/http/http-plan.ts';
import { methods, type RequestPlan } from '../load/http/requests.ts';
import { readText } from './mail-shape.ts';

const requestsCountMax = 100;

const requestShape = {
  method: withDefault(choice(methods), 'GET'),
  path: withDefault(text('a path as /status'), '/'),
  body: optional(text('a body')),
  bodyFile: optional(text('a file whose text is the body')),
  type: optional(text('a media type as application/json')),
};
const weight = withDefault(positive('a number above 0, as 3'), 1);

export const httpShape = {
  ...requestShape,
  requests: optional(list(record({ weight, ...requestShape }), requestsCountMax)),
  tls: withDefault(choice(['none', 'implicit']), 'none'),
  tlsName: optional(text('the name in the server’s certificate')),
  verify: withDefault(flag(), false),
  user: optional(text('a user name')),
  password: optional(secret('a password')),
};

type HttpValues = { readonly [K in keyof typeof httpShape]: Read<(typeof httpShape)[K]> };
type RequestValues = { readonly [K in keyof typeof requestShape]: HttpValues[K] };

/** `base`: the folder that names of files are relative to. */
export function httpPlan(values: HttpValues, base: string, path: Path): HttpPlan {
  const { tls, tlsName, verify, user, password, requests } = values;
  if ((user === undefined) !== (password === undefined)) {
    throw new FieldFault(path, 'has one of user and password: write both');
  }
  return {
    ...{ tls, isVerified: verify },
    ...(tlsName === undefined ? {} : { tlsName }),
    ...(user === undefined || password === undefined ? {} : { credentials: { user, password } }),
    requests:
      requests === undefined
        ? [{ weight: 1, ...readRequest(values, base, path) }]
        : requests.map((each, index) => ({
            weight: each.weight,
            ...readRequest(each, base, [...path, 'requests', index]),
          })),
  };
}

function readRequest(
  { method, path: asked, body, bodyFile, type }: RequestValues,
  base: string,
  path: Path,
): Omit<RequestPlan, 'weight'> {
  if (!/^\/[!-~]*$/.test(asked)) {
    throw new FieldFault([...path, 'path'], 'is no path: write it from / on, encoded');
  }
  if (type !== undefined && /[^ -~]/.test(type)) {
    throw new FieldFault([...path, 'type'], 'is no media type: write one as application/json');
  }
  if (body !== undefined && bodyFile !== undefined) {
    throw new FieldFault(path, 'has body and bodyFile; write one of them');
  }
  const content = bodyFile === undefined ? body : readText(bodyFile, base, [...path, 'bodyFile']);
  return {
    ...{ method, path: asked },
    ...(content === undefined ? {} : { body: content }),
    ...(type === undefined ? {} : { type }),
  };
}
