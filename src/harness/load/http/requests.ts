/**
 * What an HTTP load asks for: requests with weights, read once; and which answers are good.
 *
 * Runs in: load generator; pure.
 */

import { Buffer } from 'node:buffer';
import type { Weighted } from '../../corpus/mix.ts';

export const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
type Method = (typeof methods)[number];

export interface RequestPlan extends Weighted {
  /** Of the operation; absent: `GET /x`. */
  readonly name?: string;
  readonly method: Method;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Request {
  readonly operation: string;
  readonly method: Method;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | null;
}

/** `common`: headers of all requests; those of the request itself stand above them. */
export function makeRequest(plan: RequestPlan, common: Readonly<Record<string, string>>): Request {
  const { method, path, body } = plan;
  return {
    // What follows a question mark would make each request an operation of its own.
    operation: plan.name ?? `${method} ${path.replace(/\?.*$/, '')}`,
    ...{ method, path },
    headers: { ...common, ...plan.headers },
    body: body === undefined ? null : Buffer.from(body, 'utf8'),
  };
}

export function isGoodStatus(status: number): boolean {
  return status >= 200 && status < 400;
}
