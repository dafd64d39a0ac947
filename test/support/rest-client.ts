/** Asks of the REST API: over the HTTP listener with a token, or as an operator over the control socket. */

import { request } from 'node:http';
import { controlSocketPath } from '../../src/settings/places.ts';
import type { TestServer } from './test-server.ts';

export interface RestAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  // biome-ignore lint/suspicious/noExplicitAny: tests read what they expect
  readonly value: any;
  readonly text: string;
}

export interface RestCall {
  readonly token?: string;
  readonly body?: unknown;
  /** As they are, in place of `body`. */
  readonly bytes?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** `place`: `POST /api/v1/domains`. Without a token it is an operator's, over the socket; "" shows none. */
export function rest(
  { settings, ports }: TestServer,
  place: string,
  { token, body, bytes, headers }: RestCall = {},
): Promise<RestAnswer> {
  const [method, path] = place.split(' ');
  const sent = bytes ?? (body === undefined ? undefined : JSON.stringify(body));
  const to =
    token === undefined
      ? { socketPath: controlSocketPath(settings) }
      : { host: '127.0.0.1', port: ports.http };
  return new Promise((resolve, reject) => {
    const asked = request({
      ...to,
      method,
      path,
      agent: false,
      headers: {
        ...(token === undefined || token === '' ? {} : { authorization: `Bearer ${token}` }),
        ...(sent === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(sent) }),
        ...headers,
      },
    });
    asked.once('error', reject);
    asked.once('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('end', () => {
        const text = Buffer.concat(chunks).toString();
        const isJson = /json/.test(response.headers['content-type'] ?? '');
        const value = isJson && text !== '' ? JSON.parse(text) : undefined;
        resolve({ status: response.statusCode ?? 0, headers: response.headers, value, text });
      });
    });
    asked.end(sent);
  });
}
