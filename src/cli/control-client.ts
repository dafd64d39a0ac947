/**
 * The CLI's end of the control socket; and the same calls on a stopped store, in this process.
 *
 * Runs in:   the CLI's process.
 */

import { existsSync } from 'node:fs';
import { Client } from 'undici';
import type {
  ControlHandlers,
  ControlItem,
  ControlMethod,
  ControlParams,
  ControlResult,
} from '../actors/asks/control.ts';
import { askedHere } from '../actors/asks/principal.ts';
import { concat, emptyBytes } from '../base/bytes.ts';
import { type ErrorCode, errorCodes, MailError } from '../base/errors.ts';
import { FrameReader, writeFrame } from '../mail/wire/control/frames.ts';
import { controlSocketPath } from '../settings/places.ts';
import type { Settings } from '../settings/schema.ts';
import { UnreachableError } from './command.ts';

export interface CallExtras<M extends ControlMethod> {
  readonly body?: Uint8Array;
  /** Called in order; the next item waits for it. */
  readonly onItem?: (item: ControlItem<M>, body: Uint8Array) => void | Promise<void>;
}

export interface Control {
  /** False: no server runs, and this process holds the store. */
  readonly isServer: boolean;
  /** @throws MailError as the handler's; UnreachableError where the server went away. */
  call<M extends ControlMethod>(
    method: M,
    params: ControlParams<M>,
    extras?: CallExtras<M>,
  ): Promise<ControlResult<M>>;
  close(): Promise<void>;
}

/** A store opened without a server: what `app/offline.ts` gives. */
export interface OfflineStore {
  readonly handlers: ControlHandlers;
  close(): Promise<void>;
}

export type OpenOffline = (settings: Settings) => Promise<OfflineStore>;

/** Reaches the running server, or opens the stopped store where `openOffline` is given. */
export async function openControl(settings: Settings, openOffline?: OpenOffline): Promise<Control> {
  const server = await openServer(settings);
  if (server !== undefined) return server;
  if (openOffline === undefined) {
    const path = controlSocketPath(settings);
    throw new UnreachableError(`no server answers on ${path}; start it with: chaski serve`);
  }
  const { dir } = settings.data;
  if (!existsSync(dir)) {
    throw new UnreachableError(`there is no data folder ${dir}; make it with: chaski init DOMAIN`);
  }
  const store = await openOffline(settings);
  return controlOf(store);
}

/** Undefined where nobody listens: there is no socket file, or a dead server left it. */
export async function openServer(settings: Settings): Promise<Control | undefined> {
  const path = controlSocketPath(settings);
  if (!existsSync(path)) return undefined;
  const client = new Client('http://localhost', {
    socketPath: path,
    bodyTimeout: 0,
    headersTimeout: 0,
  });
  const control = new SocketControl(client, path);
  try {
    await control.call('server.status', {});
    return control;
  } catch (error) {
    if (!(error instanceof UnreachableError)) return control;
    await control.close();
    return undefined;
  }
}

class SocketControl implements Control {
  readonly isServer = true;
  readonly #client: Client;
  readonly #path: string;

  constructor(client: Client, path: string) {
    this.#client = client;
    this.#path = path;
  }

  async call<M extends ControlMethod>(
    method: M,
    params: ControlParams<M>,
    extras: CallExtras<M> = {},
  ): Promise<ControlResult<M>> {
    const request = concat(writeFrame({ kind: 'request', params }, extras.body ?? emptyBytes));
    try {
      const response = await this.#client.request({
        method: 'POST',
        path: `/v1/${method}`,
        body: request,
      });
      if (response.statusCode !== 200) {
        throw new MailError('not-possible-now', (await response.body.text()).trim());
      }
      return await readAnswer(response.body, extras);
    } catch (error) {
      if (error instanceof MailError || !isConnectionLost(error)) throw error;
      const { message } = error as Error;
      throw new UnreachableError(`the server on ${this.#path} is gone: ${message}`, {
        cause: error,
      });
    }
  }

  close(): Promise<void> {
    return this.#client.destroy();
  }
}

async function readAnswer<M extends ControlMethod>(
  body: AsyncIterable<Uint8Array>,
  extras: CallExtras<M>,
): Promise<ControlResult<M>> {
  const reader = new FrameReader();
  for await (const piece of body) {
    for (const frame of reader.push(piece)) {
      const { head } = frame;
      if (head.kind === 'item') await extras.onItem?.(head.item as ControlItem<M>, frame.body);
      if (head.kind === 'result') return head.result as ControlResult<M>;
      if (head.kind === 'failure') throw new MailError(codeOf(head.code), head.detail);
    }
  }
  throw new UnreachableError('the answer was cut off: the server went down in the middle of it');
}

function controlOf(store: OfflineStore): Control {
  return {
    isServer: false,
    async call(method, params, extras = {}) {
      const handler = store.handlers[method];
      if (handler === undefined) {
        throw new UnreachableError(`${method} needs a running server; start it with: chaski serve`);
      }
      return await handler(params, {
        by: askedHere,
        body: extras.body ?? emptyBytes,
        signal: new AbortController().signal,
        emit: async (item, body) => await extras.onItem?.(item, body ?? emptyBytes),
      });
    },
    close: () => store.close(),
  };
}

function codeOf(text: string): ErrorCode {
  return errorCodes.find((code) => code === text) ?? 'not-possible-now';
}

const lostCodes = [
  'ENOENT',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'UND_ERR_SOCKET',
  'UND_ERR_DESTROYED',
];

function isConnectionLost(error: unknown): boolean {
  return error instanceof Error && lostCodes.includes((error as NodeJS.ErrnoException).code ?? '');
}
