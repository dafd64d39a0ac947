/**
 * The MTA-STS policy of our own domains, for servers that send to them.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 8461 §3.2, §3.3 (`mta-sts.DOMAIN`, text/plain; TLS is ended by a proxy).
 */

import { policyPath } from '../../../mail/trust/mta-sts.ts';
import { plain, type Routes } from './server.ts';

export interface PolicySources {
  /** As it is sent. */
  readonly policy: string;
  /** `name` in lower-case A-labels. */
  isDomainOurs(name: string): Promise<boolean>;
}

const prefix = 'mta-sts.';

export function policyRoutes({ policy, isDomainOurs }: PolicySources): Routes {
  const isHostOurs = async (host: string) =>
    host.startsWith(prefix) && (await isDomainOurs(host.slice(prefix.length)));
  const notHere = plain(404, 'no policy of this name');
  const answer = { status: 200, type: 'text/plain; charset=utf-8', body: policy };
  return {
    [policyPath]: {
      methods: { GET: async ({ host }) => ((await isHostOurs(host)) ? answer : notHere) },
      bodyBytesMax: 0,
      isHostOurs,
    },
  };
}
