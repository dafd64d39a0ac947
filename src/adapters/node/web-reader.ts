/**
 * Reads documents of the web by undici, from where a guard lets it.
 *
 * Runs in:   main thread. Implements `ports/web-reader.ts`.
 * Limits:    `timeoutMs` for all of it; one connection a document, closed behind it.
 */

import { createSecureContext } from 'node:tls';
import type { Dns } from '../../ports/dns.ts';
import type { WebReader } from '../../ports/web-reader.ts';
import { createGuardedAgent } from './guarded-agent.ts';

export interface WebReaderOptions {
  readonly dns: Dns;
  readonly mayDial: (address: string) => boolean;
  readonly timeoutMs: number;
}

export function createWebReader(options: WebReaderOptions): WebReader {
  const secureContext = createSecureContext();
  // Loading it takes a fifth of a second: who reads nothing does not pay for it.
  let loading: Promise<typeof import('undici')> | undefined;
  return {
    async read(url, bytesMax) {
      loading ??= import('undici');
      const undici = await loading;
      const agent = createGuardedAgent(undici, { ...options, bytesMax, secureContext });
      try {
        const { statusCode, body } = await undici.request(url, {
          ...{ dispatcher: agent, signal: AbortSignal.timeout(options.timeoutMs) },
          headers: { accept: 'application/json' },
        });
        if (statusCode !== 200) return { ok: false, detail: `status ${statusCode}` };
        return { ok: true, text: await body.text() };
      } catch (error) {
        const { message, cause } = error as Error;
        return { ok: false, detail: (message || String(cause ?? error)).slice(0, 200) };
      } finally {
        // What is left of a refused answer ends here, and tells nobody.
        await agent.destroy().catch(() => {});
      }
    },
  };
}
