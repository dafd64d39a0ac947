/**
 * Posts bodies of Elasticsearch's `_bulk` by undici, and reads what became of each line.
 *
 * Runs in:   main thread.
 * Limits:    one connection; `timeoutMs` for all of a request; `answerBytesMax` of an answer.
 * Invariant: an answer that does not tell of each line is none.
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
  /** What became of each of `lines`, in their order. @throws BulkTooLarge; Error where nothing is known of any */
  post(lines: readonly string[], signal: AbortSignal): Promise<readonly BulkItem[]>;
  close(): Promise<void>;
}

export interface BulkItem {
  /** As HTTP has them, of this line. */
  readonly status: number;
  /** Of an error, as `mapper_parsing_exception`; "" for none. */
  readonly type: string;
}

/** All of it together is more than the receiver takes (RFC 9110 §15.5.14). */
export class BulkTooLarge extends Error {
  override readonly name = 'BulkTooLarge';
}

interface Item {
  readonly create?: { readonly status?: number; readonly error?: { readonly type?: string } };
}

const answerBytesMax = 1_048_576;
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
        ...{ method: 'POST', body: lines.join(''), dispatcher: agent, signal: over },
        headers: {
          ...{ 'content-type': 'application/x-ndjson', 'user-agent': 'Chaski' },
          ...(authorization === '' ? {} : { authorization }),
        },
      });
      const text = await textOf(body);
      if (statusCode === 413) throw new BulkTooLarge();
      if (statusCode < 200 || statusCode > 299) throw new Error(`status ${statusCode}`);
      return itemsOf(text, lines.length);
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

function itemsOf(text: string, count: number): readonly BulkItem[] {
  const { items } = JSON.parse(text) as { items?: readonly Item[] };
  if (!Array.isArray(items) || items.length !== count) {
    throw new Error('this is no answer of _bulk');
  }
  return (items as readonly Item[]).map(({ create }) => ({
    status: create?.status ?? 500,
    type: create?.error?.type ?? '',
  }));
}
