/**
 * Posts by undici to URLs that somebody else chose.
 *
 * Runs in:   main thread. Implements `ports/web-poster.ts`.
 * Limits:    `timeoutMs` for all of it; `answerBytesMax` of an answer; one connection a request, closed behind it.
 */

import { createSecureContext, getCACertificates } from 'node:tls';
import type { Dns } from '../../ports/dns.ts';
import type { WebPoster } from '../../ports/web-poster.ts';
import { createGuardedAgent } from './guarded-agent.ts';

export interface WebPosterOptions {
  readonly dns: Dns;
  readonly mayDial: (address: string) => boolean;
  readonly timeoutMs: number;
  /** PEM of authorities trusted besides the system's; "" or absent: none. */
  readonly roots?: string;
}

const answerBytesMax = 65_536;

export function createWebPoster(options: WebPosterOptions): WebPoster {
  const { roots = '' } = options;
  const ca = roots === '' ? undefined : [...getCACertificates('default'), roots];
  const secureContext = createSecureContext(ca === undefined ? {} : { ca });
  // Loading it takes a fifth of a second: who posts nothing does not pay for it.
  let loading: Promise<typeof import('undici')> | undefined;
  return {
    async post(url, headers, body, signal) {
      loading ??= import('undici');
      const undici = await loading;
      const limits = { bytesMax: answerBytesMax, secureContext };
      const agent = createGuardedAgent(undici, { ...options, ...limits });
      const over = AbortSignal.any([signal, AbortSignal.timeout(options.timeoutMs)]);
      try {
        const { statusCode, body: answer } = await undici.request(url, {
          ...{ method: 'POST', headers, body, dispatcher: agent, signal: over },
        });
        await answer.dump({ limit: answerBytesMax, signal: over });
        return { ok: true, status: statusCode };
      } catch (error) {
        return { ok: false, detail: detailOf(error) };
      } finally {
        // What is left of an answer ends here, and tells nobody.
        await agent.destroy().catch(() => {});
      }
    },
  };
}

function detailOf(error: unknown): string {
  const { message, cause } = error as Error;
  return (message || String(cause ?? error)).slice(0, 200);
}
