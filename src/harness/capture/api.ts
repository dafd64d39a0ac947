/**
 * The JSON API over captured messages, without HTTP around it: a request in, an answer out.
 *
 * Runs in:   sink.
 * Limits:    `pageMax` messages a listing; `waitMsMax` a wait.
 * Invariant: what a message brings is sent as JSON, as bytes to save, as plain text, or as HTML that may do nothing.
 */

import type { Buffer } from 'node:buffer';
import type { Email } from 'postal-mime';
import { minuteMs, secondMs } from '../../base/units.ts';
import type { Summary } from './captured-message.ts';
import { dispositionOf, isPicture, safeName, safeType } from './download.ts';
import { checkHeader } from './header-checks.ts';
import { bytesOf, htmlDocument, htmlPolicy } from './html-view.ts';
import { probeLinks } from './link-probe.ts';
import { linksOf } from './links.ts';
import { viewOf } from './message-view.ts';
import { parseSearch, type Search, searchFields } from './search.ts';
import { type CaptureStore, CrowdedError } from './store.ts';

const pageDefault = 50;
const pageMax = 500;
const waitMsMax = 10 * minuteMs;
const waitSecondsDefault = 30;
/** For everything a message brought: nothing in it runs or loads. */
const inertPolicy = "sandbox; default-src 'none'";

export interface ApiRequest {
  readonly method: string;
  /** Below `/api/v1/`. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Says that nobody is there any more for the answer. */
  readonly signal?: AbortSignal;
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | string;
}

export interface ApiOptions {
  readonly store: CaptureStore;
  /** Whether links may be followed when a reader asks. */
  readonly probesLinks: boolean;
}

export class CaptureApi {
  readonly #options: ApiOptions;

  constructor(options: ApiOptions) {
    this.#options = options;
  }

  async answer({ method, path, query, signal }: ApiRequest): Promise<ApiAnswer> {
    const [first = '', id = '', ...rest] = path.split('/');
    const what = rest.join('/');
    // It does something in the world: other sites can make a browser GET, but not POST here.
    const isFollowing = method === 'POST' && what === 'checks' && query.has('follow');
    if (first === 'status' && id === '' && method === 'GET') return this.#status();
    if (first === 'wait' && id === '' && method === 'GET') return await this.#wait(query, signal);
    if (first === 'messages') {
      if (id === '' && method === 'GET') return await this.#list(query);
      if (id === '' && method === 'DELETE') return await this.#remove(query);
      if (id !== '' && what === '' && method === 'DELETE') return this.#removeOne(id);
      if (id !== '' && (method === 'GET' || isFollowing))
        return await this.#show(id, what, query, isFollowing);
    }
    const isKnown = ['status', 'wait', 'messages'].includes(first);
    return isKnown
      ? fault(405, `${method} is not for ${path}`)
      : fault(404, 'no such thing: see docs/sink.md for the API');
  }

  #status(): ApiAnswer {
    const { store, probesLinks } = this.#options;
    const { count, bytes, dropped } = store;
    return json({ messages: count, bytes, dropped, probesLinks });
  }

  async #list(query: URLSearchParams): Promise<ApiAnswer> {
    const { store } = this.#options;
    await store.settled();
    const countMax = numberOf(query, 'limit', pageDefault, pageMax);
    const { messages, found, isMore } = store.list(
      searchOf(query),
      countMax,
      query.get('before') ?? undefined,
    );
    return json({ messages, found, total: store.count, isMore });
  }

  async #wait(query: URLSearchParams, signal?: AbortSignal): Promise<ApiAnswer> {
    try {
      return await this.#awaited(query, signal);
    } catch (error) {
      if (error instanceof CrowdedError) return fault(503, error.message);
      throw error;
    }
  }

  async #awaited(query: URLSearchParams, signal?: AbortSignal): Promise<ApiAnswer> {
    const seconds = numberOf(query, 'timeout', waitSecondsDefault, waitMsMax / secondMs);
    const { store } = this.#options;
    const found = await store.wait(
      searchOf(query),
      query.get('after') ?? '',
      seconds * secondMs,
      signal,
    );
    return found === undefined
      ? fault(408, `no such message within ${seconds} s`)
      : await this.#show(found.id, '', query);
  }

  async #remove(query: URLSearchParams): Promise<ApiAnswer> {
    await this.#options.store.settled();
    return json({ removed: this.#options.store.remove(searchOf(query)) });
  }

  #removeOne(id: string): ApiAnswer {
    return this.#options.store.removeOne(id) ? json({ removed: 1 }) : gone(id);
  }

  async #show(
    id: string,
    what: string,
    query: URLSearchParams,
    isFollowing = false,
  ): Promise<ApiAnswer> {
    const { store } = this.#options;
    await store.settled();
    const summary = store.summary(id);
    const source = store.source(id);
    if (summary === undefined || source === undefined) return gone(id);
    if (what === 'source') return sourceOf(source, id, query.has('download'));
    const reading = await store.read(id);
    if (reading === undefined) return gone(id);
    if (what === '') return json(viewOf(summary, reading.email));
    if (reading.email === undefined) return fault(422, `it cannot be read: ${reading.fault}`);
    const message = { summary, source, email: reading.email };
    if (what === 'checks') return await this.#checks(message, query, isFollowing);
    return this.#part(what, message, query);
  }

  #part(what: string, { email }: Shown, query: URLSearchParams): ApiAnswer {
    switch (what) {
      case 'html':
        return htmlOf(email, query.has('remote'));
      case 'text':
        return plain(email.text ?? '');
      default: {
        const number = /^parts\/(\d{1,5})$/.exec(what)?.[1];
        return number === undefined
          ? fault(404, `a message has source, html, text, checks and parts/N, not ${what}`)
          : partOf(email, Number(number), query.has('inline'));
      }
    }
  }

  async #checks(
    { summary, source, email }: Shown,
    query: URLSearchParams,
    follows: boolean,
  ): Promise<ApiAnswer> {
    if (query.has('follow') && !follows) return fault(405, 'links are followed by POST');
    const header = checkHeader({ email, source, envelope: summary });
    const links = linksOf(email);
    if (!follows) return json({ header, links });
    if (!this.#options.probesLinks) {
      return fault(403, 'links are not followed: start the sink with --follow-links');
    }
    return json({ header, links, probes: await probeLinks(links) });
  }
}

interface Shown {
  readonly summary: Summary;
  readonly source: Buffer;
  readonly email: Email;
}

/** `q=` with words, and a parameter for each field. */
function searchOf(query: URLSearchParams): Search {
  const named = searchFields.flatMap((field) =>
    query.getAll(field).map((word) => ({ field, word: word.toLowerCase() })),
  );
  return [...parseSearch(query.get('q') ?? ''), ...named.filter(({ word }) => word !== '')];
}

function numberOf(query: URLSearchParams, name: string, usual: number, most: number): number {
  const value = Number(query.get(name) ?? usual);
  return value >= 0 ? Math.min(value, most) : usual;
}

function json(value: unknown, status = 200): ApiAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify(value),
  };
}

export function fault(status: number, error: string): ApiAnswer {
  return json({ error }, status);
}

function gone(id: string): ApiAnswer {
  return fault(404, `no message ${id.slice(0, 40)}: it was removed, or never came`);
}

function plain(text: string): ApiAnswer {
  return {
    status: 200,
    headers: {
      'content-type': 'text/plain; charset=utf-8',
      'content-security-policy': inertPolicy,
    },
    body: text,
  };
}

function sourceOf(source: Buffer, id: string, isDownload: boolean): ApiAnswer {
  if (!isDownload) return { ...plain(''), body: source };
  const headers = {
    'content-type': 'message/rfc822',
    'content-disposition': dispositionOf(`${id}.eml`),
    'content-security-policy': inertPolicy,
  };
  return { status: 200, headers, body: source };
}

function htmlOf(email: Email, isRemote: boolean): ApiAnswer {
  if (email.html === undefined) return fault(404, 'it has no HTML');
  const headers = {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': htmlPolicy(isRemote),
  };
  return { status: 200, headers, body: htmlDocument(email) };
}

/** To save; a picture may also be shown. */
function partOf(email: Email, number: number, isInline: boolean): ApiAnswer {
  const part = email.attachments[number - 1];
  if (part === undefined) return fault(404, `it has ${email.attachments.length} parts`);
  const name = dispositionOf(safeName(part.filename, `part-${number}`));
  const headers = {
    'content-type': safeType(part.mimeType),
    'content-disposition': isInline && isPicture(part.mimeType) ? 'inline' : name,
    'content-security-policy': inertPolicy,
  };
  return { status: 200, headers, body: bytesOf(part) };
}
