/**
 * The CLI as a client of the admin API: commands of one who has a token or an API key, from any machine, within what
 * they were given.
 *
 * Runs in:   the CLI's process.
 * Limits:    an answer ends after `answerMsMax`; what a command hands out on the way comes with its end.
 * Invariant: a token is sent under TLS, or to this machine; it is read from a file, for a command line is seen by all.
 *            A parameter stays one part of the path, whatever it holds. A list that the server cut is no success.
 */

import { readFile } from 'node:fs/promises';
import { request } from 'undici';
import type { Act } from '../actors/asks/act.ts';
import type {
  ControlItem,
  ControlMethod,
  ControlParams,
  ControlResult,
} from '../actors/asks/control.ts';
import { controlActs } from '../actors/asks/control-acts.ts';
import { emptyBytes } from '../base/bytes.ts';
import { type ErrorCode, errorCodes, MailError } from '../base/errors.ts';
import { isLoopback } from '../base/networks.ts';
import { minuteMs } from '../base/units.ts';
import { UnreachableError, UsageError } from './command.ts';
import type { CallExtras, Control } from './control-client.ts';

const answerMsMax = 2 * minuteMs;

/** @throws UsageError where a token could be heard on the way, or there is none. */
export async function openRestControl(
  url: string,
  tokenFile: string | undefined,
): Promise<Control> {
  const base = readBase(url);
  if (tokenFile === undefined) throw new UsageError('--url needs --token-file FILE');
  const token = (await readFile(tokenFile, 'utf8').catch(() => '')).trim();
  if (!/^[\w~+/.=-]+$/.test(token)) throw new UsageError(`there is no token in ${tokenFile}`);
  return new RestControl(base, token);
}

function readBase(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const host = url?.hostname.replace(/^\[|\]$/g, '') ?? '';
  const isHere = host === 'localhost' || isLoopback(host);
  if (url?.protocol !== 'https:' && !(url?.protocol === 'http:' && isHere)) {
    throw new UsageError('--url begins with https://, or is of this machine');
  }
  return url.origin;
}

class RestControl implements Control {
  readonly isServer = true;
  readonly #base: string;
  readonly #token: string;

  constructor(base: string, token: string) {
    this.#base = base;
    this.#token = token;
  }

  async call<M extends ControlMethod>(
    method: M,
    params: ControlParams<M>,
    extras: CallExtras<M> = {},
  ): Promise<ControlResult<M>> {
    const act: Act = controlActs[method];
    if ('cliOnly' in act) {
      throw new MailError('not-possible-now', `${method} is asked on the server's own machine`);
    }
    const { verb, path, body } = requestOf(act.rest, params as Readonly<Record<string, unknown>>);
    const { status, value } = await this.#ask(verb, path, body);
    if (status >= 400) throw faultIn(status, value);
    const {
      items = [],
      isComplete = true,
      ...result
    } = value as {
      readonly items?: readonly ControlItem<M>[];
      readonly isComplete?: boolean;
    };
    if (act.item === undefined) return value as ControlResult<M>;
    for (const item of items) await extras.onItem?.(item, emptyBytes);
    if (!isComplete) {
      throw new MailError(
        'not-possible-now',
        `these are the first ${items.length} only: ask for fewer, or on the server's own machine`,
      );
    }
    return result as ControlResult<M>;
  }

  async close(): Promise<void> {}

  async #ask(verb: string, path: string, body: unknown) {
    const headers = {
      authorization: `Bearer ${this.#token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    };
    try {
      const answer = await request(this.#base + path, {
        ...{ method: verb as 'GET', headers },
        ...{ headersTimeout: answerMsMax, bodyTimeout: answerMsMax },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await answer.body.text();
      return { status: answer.statusCode, value: text === '' ? {} : JSON.parse(text) };
    } catch (error) {
      const { message } = error as Error;
      throw new UnreachableError(`no server answers on ${this.#base}: ${message}`, {
        cause: error,
      });
    }
  }
}

/** Parameters that the path does not name stand in the query of what has no body. */
function requestOf(rest: string, params: Readonly<Record<string, unknown>>) {
  const [verb, place] = rest.split(' ') as [string, string];
  const named = new Set<string>();
  const path = place.replace(/\{(\w+)\}/g, (_, name: string) => {
    named.add(name);
    return pathPart(name, params[name]);
  });
  const others = Object.entries(params).filter(
    ([name, value]) => !named.has(name) && value !== undefined,
  );
  if (verb !== 'GET' && verb !== 'DELETE') return { verb, path, body: Object.fromEntries(others) };
  const query = new URLSearchParams(
    others.flatMap(([name, value]) =>
      [value].flat().map((each): [string, string] => [name, String(each)]),
    ),
  ).toString();
  return { verb, path: query === '' ? path : `${path}?${query}`, body: undefined };
}

/** @throws UsageError where it would be none, or lead elsewhere: URLs take `.` and `..` for steps, however encoded. */
function pathPart(name: string, value: unknown): string {
  const text = String(value ?? '');
  if (text === '' || text === '.' || text === '..' || !text.isWellFormed()) {
    throw new UsageError(`"${text.toWellFormed()}" cannot be the ${name} of a request`);
  }
  return encodeURIComponent(text);
}

function faultIn(status: number, value: unknown): MailError {
  const { code = '', message = `status ${status}` } =
    (value as { readonly error?: { readonly code?: string; readonly message?: string } }).error ??
    {};
  const known: ErrorCode | undefined = errorCodes.find((each) => each === code);
  return new MailError(known ?? 'not-possible-now', message);
}
