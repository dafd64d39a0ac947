/**
 * Posts bodies of Elasticsearch's `_bulk` by undici, and reads what became of each line.
 *
 * Runs in:   main thread.
 * Limits:    one connection; `timeoutMs` for all of a request; `answerBytesMax` of an answer.
 * Invariant: an entry that is there already counts as taken: it is created under its own id.
 */

import { getCACertificates } from 'node:tls';

export interface BulkPosterOptions {
  readonly url: string;
  /** "" for none. */
  readonly authorization: string;
  /** PEM of authorities trusted besides the system's; "": none. */
  readonly roots: string;
  readonly timeoutMs: number;
}

export interface BulkPoster {
  /** How many were refused for good. Rejects where some are to be sent again. */
  post(lines: string, signal: AbortSignal): Promise<BulkAnswer>;
  close(): Promise<void>;
}

export interface BulkAnswer {
  readonly refused: number;
  /** Of the first one. */
  readonly why: string;
}

interface Item {
  readonly create?: { readonly status?: number; readonly error?: { readonly type?: string } };
}

const answerBytesMax = 1_048_576;
const isThere = 409;
/** What the receiver can take later (RFC 9110 §15.6, RFC 6585 §4). */
const later = (status: number) => status === 429 || status >= 500;
const query = 'filter_path=errors,items.*.status,items.*.error.type';

export function createBulkPoster(options: BulkPosterOptions): BulkPoster {
  const { url, authorization, roots, timeoutMs } = options;
  const ca = roots === '' ? undefined : [...getCACertificates('default'), roots];
  let opening: Promise<Opened> | undefined;
  const open = async () => {
    const undici = await import('undici');
    const connect = ca === undefined ? {} : { ca };
    return { undici, agent: new undici.Agent({ connections: 1, connect }) };
  };
  return {
    async post(lines, signal) {
      opening ??= open();
      const { undici, agent } = await opening;
      const over = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
      const { statusCode, body } = await undici.request(`${url}/_bulk?${query}`, {
        ...{ method: 'POST', body: lines, dispatcher: agent, signal: over },
        headers: {
          ...{ 'content-type': 'application/x-ndjson', 'user-agent': 'Chaski' },
          ...(authorization === '' ? {} : { authorization }),
        },
      });
      const text = await textOf(body);
      if (statusCode < 200 || statusCode > 299) throw new Error(`status ${statusCode}`);
      return answerOf(text);
    },
    async close() {
      await (await opening)?.agent.destroy();
    },
  };
}

interface Opened {
  readonly undici: typeof import('undici');
  readonly agent: import('undici').Agent;
}

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > answerBytesMax) throw new Error('the answer is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function answerOf(text: string): BulkAnswer {
  const { errors, items } = JSON.parse(text) as { errors?: boolean; items?: readonly Item[] };
  if (errors === false) return { refused: 0, why: '' };
  if (!Array.isArray(items)) throw new Error('this is no answer of _bulk');
  const bad = (items as readonly Item[])
    .map(({ create }) => ({ status: create?.status ?? 500, type: create?.error?.type ?? '' }))
    .filter(({ status }) => status !== isThere && (status < 200 || status > 299));
  const waits = bad.find(({ status }) => later(status));
  if (waits !== undefined) throw new Error(`an entry was not taken: ${waits.status} ${waits.type}`);
  return {
    refused: bad.length,
    why: bad[0] === undefined ? '' : `${bad[0].status} ${bad[0].type}`,
  };
}
