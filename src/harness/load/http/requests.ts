/**
 * What an HTTP load asks for: requests with weights, read once.
 *
 * Runs in: load generator; pure.
 */

import { Buffer } from 'node:buffer';
import type { Weighted } from '../../corpus/mix.ts';

export const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
type Method = (typeof methods)[number];

export interface RequestPlan extends Weighted {
  readonly method: Method;
  readonly path: string;
  readonly body?: string;
  readonly type?: string;
}

export interface Request {
  /** `GET /x`, without what follows a question mark. */
  readonly operation: string;
  readonly method: Method;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | null;
}

export function makeRequest(plan: RequestPlan, common: Readonly<Record<string, string>>): Request {
  const { method, path, body, type } = plan;
  return {
    operation: `${method} ${path.replace(/\?.*$/, '')}`,
    ...{ method, path },
    headers: { ...common, ...(type === undefined ? {} : { 'content-type': type }) },
    body: body === undefined ? null : Buffer.from(body, 'utf8'),
  };
}
