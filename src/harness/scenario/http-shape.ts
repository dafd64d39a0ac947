/**
 * What a group of HTTP clients may say in a scenario, and the plan made of it.
 *
 * Runs in:   load generator.
 * Specs:     RFC 9110 §5 (fields), RFC 7617 (Basic), RFC 6750 (Bearer).
 * Limits:    `requestsCountMax` kinds of requests, `headersCountMax` header fields.
 * Invariant: a header field is never shown: it may hold a token.
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
  secretList,
  text,
  withDefault,
} from '../fields.ts';
import { httpClients } from '../load/http/client-choice.ts';
import type { HttpPlan } from '../load/http/http-plan.ts';
import { methods, type RequestPlan } from '../load/http/requests.ts';
import { sessionOperation } from '../measure/recorder.ts';
import { readText } from './mail-shape.ts';

const requestsCountMax = 100;
const headersCountMax = 50;

const header = 'a header field as "Accept: application/json"';
const requestShape = {
  method: optional(choice(methods)),
  path: optional(text('a path as /status')),
  headers: optional(secretList(header, headersCountMax)),
  body: optional(text('a body')),
  bodyFile: optional(text('a file whose text is the body')),
  type: optional(text('a media type as application/json')),
};
const weight = withDefault(positive('a number above 0, as 3'), 1);
const name = optional(text('a name for the report'));

export const httpShape = {
  ...requestShape,
  requests: optional(list(record({ weight, name, ...requestShape }), requestsCountMax)),
  client: optional(choice(httpClients)),
  tls: withDefault(choice(['none', 'implicit']), 'none'),
  tlsName: optional(text('the name in the server’s certificate')),
  verify: withDefault(flag(), false),
  user: optional(text('a user name')),
  password: optional(secret('a password')),
  passwordFile: optional(text('a file whose first line is the password')),
  token: optional(secret('a bearer token')),
  tokenFile: optional(text('a file whose first line is the bearer token')),
};

type HttpValues = { readonly [K in keyof typeof httpShape]: Read<(typeof httpShape)[K]> };
type RequestValues = { readonly [K in keyof typeof requestShape]: HttpValues[K] };

/** `base`: the folder that names of files are relative to. */
export function httpPlan(values: HttpValues, base: string, path: Path): HttpPlan {
  const { tls, tlsName, verify, requests, client, headers } = values;
  for (const key of ['method', 'path', 'body', 'bodyFile', 'type'] as const) {
    if (requests === undefined || values[key] === undefined) continue;
    throw new FieldFault([...path, key], 'stands beside "requests"; write it in each of them');
  }
  return {
    ...{ tls, isVerified: verify },
    ...(client === undefined ? {} : { client }),
    ...(tlsName === undefined ? {} : { tlsName }),
    ...readAuthorization(values, base, path),
    headers: requests === undefined ? {} : readHeaders(headers, path),
    requests:
      requests === undefined
        ? [{ weight: 1, ...readRequest(values, base, path) }]
        : requests.map((each, index) => ({
            weight: each.weight,
            ...readName(each.name, [...path, 'requests', index, 'name']),
            ...readRequest(each, base, [...path, 'requests', index]),
          })),
  };
}

function readName(given: string | undefined, path: Path): Pick<RequestPlan, 'name'> {
  if (given === sessionOperation) {
    throw new FieldFault(path, 'is what opening connections is called; write another');
  }
  return given === undefined ? {} : { name: given };
}

function readAuthorization(
  values: HttpValues,
  base: string,
  path: Path,
): Pick<HttpPlan, 'credentials' | 'token'> {
  const { user } = values;
  const password = firstLine('password', values, base, path);
  const token = firstLine('token', values, base, path);
  if (token !== undefined && user !== undefined) {
    throw new FieldFault(path, 'has a user and a token; write one of them');
  }
  // What a header field cannot hold (RFC 9110 §5.5), or would end it. A user name ends at the colon (RFC 7617 §2).
  if (token !== undefined && /[^!-~]/.test(token)) {
    throw new FieldFault([...path, 'token'], 'is no bearer token: it has blanks, or is not ASCII');
  }
  if (user?.includes(':')) throw new FieldFault([...path, 'user'], 'has a colon; take it out');
  if ((user === undefined) !== (password === undefined)) {
    throw new FieldFault(path, 'has one of user and password: write both');
  }
  return {
    ...(token === undefined ? {} : { token }),
    ...(user === undefined || password === undefined ? {} : { credentials: { user, password } }),
  };
}

function firstLine(
  what: 'password' | 'token',
  values: HttpValues,
  base: string,
  path: Path,
): string | undefined {
  const file = values[`${what}File`];
  if (file === undefined) return values[what];
  const [line = ''] = readText(file, base, [...path, `${what}File`]).split(/\r?\n/);
  if (line === '') throw new FieldFault([...path, `${what}File`], 'begins with an empty line');
  return line;
}

function readRequest(
  { method, path: asked = '/', headers, body, bodyFile, type }: RequestValues,
  base: string,
  path: Path,
): Omit<RequestPlan, 'weight' | 'name'> {
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
  const isBodied = content !== undefined;
  if (isBodied && (method === 'GET' || method === 'HEAD')) {
    throw new FieldFault([...path, 'method'], `is ${method}, which sends no body; write POST`);
  }
  const media = type ?? (isBodied && isJson(content) ? 'application/json' : undefined);
  return {
    ...{ method: method ?? (isBodied ? 'POST' : 'GET'), path: asked },
    headers: {
      ...(media === undefined ? {} : { 'content-type': media }),
      ...readHeaders(headers, path),
    },
    ...(isBodied ? { body: content } : {}),
  };
}

function isJson(content: string): boolean {
  try {
    return typeof JSON.parse(content) === 'object';
  } catch {
    return false;
  }
}

/** RFC 9110 §5.6.2, §5.5. */
const headerPattern = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([!-~](?:[\t -~]*[!-~])?)[ \t]*$/;
/** Of the connection and of the body's length only the client knows. */
const headersOfClient = [
  ...['connection', 'content-length', 'expect', 'keep-alive', 'te', 'trailer'],
  ...['transfer-encoding', 'upgrade'],
];

function readHeaders(headers: readonly string[] = [], path: Path): Record<string, string> {
  const entries = headers.map((each, index) => {
    const [, headerName, value] = headerPattern.exec(each) ?? [];
    const at = [...path, 'headers', index];
    if (headerName === undefined || value === undefined) {
      throw new FieldFault(at, `is no header field; write ${header}`);
    }
    if (headersOfClient.includes(headerName.toLowerCase())) {
      throw new FieldFault(at, `is ${headerName}, which the client sets itself; take it out`);
    }
    return [headerName.toLowerCase(), value] as const;
  });
  return Object.fromEntries(entries);
}
