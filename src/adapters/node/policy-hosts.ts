/**
 * Fetches MTA-STS policies over HTTPS by undici. Names are looked up by our own resolver.
 *
 * Runs in:   main thread. Implements `ports/policy-hosts.ts`.
 * Specs:     RFC 8461 §3.2 (text/plain), §3.3 (certificate, no redirects).
 * Limits:    `timeoutMs` for all of it; one connection a fetch, closed behind it.
 * Invariant: only addresses `mayDial` lets pass are connected to, whatever the DNS says.
 */

import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import type { Dns } from '../../ports/dns.ts';
import type { PolicyHosts, PolicyText } from '../../ports/policy-hosts.ts';
import { createGuardedAgent } from './guarded-agent.ts';

export interface PolicyHostsOptions {
  readonly dns: Dns;
  readonly mayDial: (address: string) => boolean;
  readonly port: number;
  readonly timeoutMs: number;
  /** PEM of authorities trusted besides the system's; "" is none. */
  readonly roots: string;
}

/** As OpenSSL and Node name what is wrong with a certificate. */
const untrusted = /^(?:ERR_TLS_CERT_|CERT_|DEPTH_ZERO_SELF_|SELF_SIGNED_|UNABLE_TO_|INVALID_CA)/;
const path = '/.well-known/mta-sts.txt';

/** Takes a fifth of a second, most of it for undici: to be called before anybody waits for this thread. */
export async function createPolicyHosts(options: PolicyHostsOptions): Promise<PolicyHosts> {
  const undici = await import('undici');
  const { roots } = options;
  const ca = roots === '' ? undefined : [...getCACertificates('default'), roots];
  const context = createSecureContext(ca === undefined ? {} : { ca });
  return {
    fetch: async (domain, bytesMax) => {
      try {
        return await fetchOne({ ...options, undici, context }, domain, bytesMax);
      } catch (error) {
        const { message, cause, code = '' } = error as Error & { readonly code?: unknown };
        const isUntrusted = untrusted.test(String(code));
        return { ok: false, detail: message || String(cause), isUntrusted };
      }
    },
  };
}

interface Fetching extends PolicyHostsOptions {
  readonly undici: typeof import('undici');
  readonly context: SecureContext;
}

async function fetchOne(
  { dns, mayDial, port, timeoutMs, undici, context }: Fetching,
  domain: string,
  bytesMax: number,
): Promise<PolicyText> {
  const limits = { timeoutMs, bytesMax, secureContext: context };
  const agent = createGuardedAgent(undici, { dns, mayDial, ...limits });
  try {
    const where = port === 443 ? '' : `:${port}`;
    const { statusCode, headers, body } = await undici.request(
      `https://mta-sts.${domain}${where}${path}`,
      {
        ...{ dispatcher: agent, signal: AbortSignal.timeout(timeoutMs) },
        headers: { accept: 'text/plain' },
      },
    );
    const type = String(headers['content-type'] ?? '').toLowerCase();
    const fault =
      statusCode !== 200
        ? `status ${statusCode}`
        : !/^text\/plain[ \t]*(?:;|$)/.test(type)
          ? `media type ${type.slice(0, 80)}`
          : undefined;
    // Nobody waits for the rest of what is no policy: it ends with the agent.
    if (fault !== undefined) return { ok: false, detail: fault };
    return { ok: true, text: await body.text() };
  } finally {
    // What is left of a refused answer ends here, and tells nobody.
    await agent.destroy().catch(() => {});
  }
}
