/**
 * Where other servers report how TLS with ours went.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 8460 §3 (https in rua), §5.4 (POST, gzip; nobody authenticates).
 * Limits:    `bodyBytesMax` of a body; what it holds, and how often, is bounded by who takes it.
 */

import { kibibyte } from '../../../base/units.ts';
import { tlsReportPath } from '../../../settings/public-services.ts';
import { plain, type Routes } from './server.ts';

export interface TlsReportTaker {
  take(
    bytes: Uint8Array,
    address: string,
  ): Promise<'taken' | 'known' | 'invalid' | 'not-ours' | 'too-many'>;
  /** Of `public.url`. */
  readonly host: string;
}

const bodyBytesMax = 256 * kibibyte;

const answers = {
  taken: plain(201, 'taken'),
  known: plain(200, 'was here already'),
  invalid: plain(400, 'no TLS report'),
  'not-ours': plain(404, 'it is about none of our domains'),
  'too-many': plain(429, 'too many reports'),
} as const;

export function tlsReportRoutes(taker: TlsReportTaker): Routes {
  return {
    [tlsReportPath]: {
      methods: { POST: async ({ bytes, address }) => answers[await taker.take(bytes, address)] },
      bodyBytesMax,
      isHostOurs: (host) => host === taker.host,
    },
  };
}
