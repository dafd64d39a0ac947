/**
 * Posts to a scanner over HTTP and reads its answer as JSON.
 *
 * Runs in:   engine threads.
 * Limits:    `connectionsMax` connections, kept; the time of `ScanTime`; `answerBytesMax` of an answer, `headBytesMax` of its
 *            header. No redirect is followed.
 */

import type { Pool } from 'undici';
import { kibibyte, mebibyte } from '../../base/units.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ScanPlace } from '../../settings/scanners.ts';
import type { ScanTime } from './guarded-scanner.ts';
import { ScanError, scanErrorOf } from './scan-error.ts';

const answerBytesMax = mebibyte;
const headBytesMax = 16 * kibibyte;

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: readonly string[];
  readonly body?: Uint8Array;
}

export type Json = Readonly<Record<string, unknown>>;

export interface HttpCallsOptions {
  /** What a URL begins with, or a place that is spoken to in clear. */
  readonly at: string | ScanPlace;
  readonly connectionsMax: number;
  readonly connectMsMax: number;
  readonly clock: Clock;
}

export class HttpCalls {
  readonly #options: HttpCallsOptions;
  // Loading it takes a fifth of a second: who has no such scanner does not pay for it.
  #pool: Promise<Pool> | undefined;

  constructor(options: HttpCallsOptions) {
    this.#options = options;
  }

  /** The answer's body as text. @throws ScanError */
  async call(request: HttpRequest, time: ScanTime): Promise<string> {
    if (time.signal.aborted) throw new ScanError('closed', 'it is closed');
    this.#pool ??= openPool(this.#options);
    const pool = await this.#pool;
    const { clock } = this.#options;
    const over = new AbortController();
    const late = () => over.abort(new ScanError('timed-out', 'no answer in time'));
    const timer = clock.setTimer(Math.max(0, time.endMs - clock.monotonicMs()), late);
    const close = () => over.abort(new ScanError('closed', 'it is closed'));
    time.signal.addEventListener('abort', close, { once: true });
    try {
      const { headers, body = null } = request;
      const answer = await pool.request({
        ...{ method: request.method, path: request.path, signal: over.signal },
        ...{ headers: [...headers], body, headersTimeout: 0, bodyTimeout: 0 },
      });
      const text = await answer.body.text();
      if (answer.statusCode !== 200) throw refusal(answer.statusCode);
      return text;
    } catch (error) {
      throw httpErrorOf(over.signal.aborted ? over.signal.reason : error);
    } finally {
      timer.cancel();
      time.signal.removeEventListener('abort', close);
    }
  }

  async close(): Promise<void> {
    const pool = await this.#pool?.catch(() => undefined);
    await pool?.destroy().catch(() => {});
  }
}

async function openPool({ at, connectionsMax, connectMsMax }: HttpCallsOptions): Promise<Pool> {
  const undici = await import('undici');
  const isPath = typeof at !== 'string' && 'path' in at;
  return new undici.Pool(originOf(at), {
    ...{ connections: connectionsMax, pipelining: 1 },
    ...{ maxHeaderSize: headBytesMax, maxResponseSize: answerBytesMax },
    connect: { timeout: connectMsMax, ...(isPath ? { socketPath: at.path } : {}) },
  });
}

function originOf(at: string | ScanPlace): string {
  if (typeof at === 'string') return new URL(at).origin;
  if ('path' in at) return 'http://localhost';
  return `http://${at.host.includes(':') ? `[${at.host}]` : at.host}:${at.port}`;
}

function refusal(status: number): ScanError {
  // RFC 9110 §15.5.14: of this message; everything else it would say of another one, too.
  const fault = status === 413 ? 'too-large' : 'unable';
  return new ScanError(fault, `status ${status}`);
}

function httpErrorOf(error: unknown): ScanError {
  const { code = '', message } = error as NodeJS.ErrnoException;
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return new ScanError('unreachable', message);
  return scanErrorOf(error);
}

/** An object, whatever is in it. @throws ScanError */
export function jsonOf(text: string): Json {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new ScanError('broken', 'its answer is no JSON');
  }
  if (!isObject(parsed)) throw new ScanError('broken', 'its answer is no object');
  return parsed;
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
