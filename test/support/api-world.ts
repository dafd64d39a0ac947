/** A server with two tenants, their keys and a next hop, for tests of the HTTP API. */

import { NextHop, type NextHopOptions } from './next-hop.ts';
import { type SettingsGiven, startTestServer, type TestServer } from './test-server.ts';

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly value: {
    readonly ids: readonly string[];
    readonly error: { readonly code: string; readonly path?: string; readonly message: string };
  } & Readonly<Record<string, unknown>>;
}

export interface ApiCall {
  readonly method?: string;
  readonly path?: string;
  readonly key?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export class ApiWorld implements AsyncDisposable {
  readonly test: TestServer;
  readonly hop: NextHop;
  /** Of the tenant `acme`, which has the domain acme.test. */
  readonly key: string;
  /** Of the tenant `other`, which has other.test. */
  readonly otherKey: string;

  constructor(test: TestServer, hop: NextHop, keys: readonly [string, string]) {
    this.test = test;
    this.hop = hop;
    [this.key, this.otherKey] = keys;
  }

  /** A text as body is a whole message. */
  async call({ method = 'POST', path = '/api/v1/messages', key, body, headers }: ApiCall) {
    const isWhole = typeof body === 'string' || Buffer.isBuffer(body);
    const type = isWhole ? 'message/rfc822' : 'application/json';
    const response = await fetch(`http://127.0.0.1:${this.test.ports.http}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${key ?? this.key}`,
        ...(body === undefined ? {} : { 'content-type': type }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: isWhole ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const value = text === '' ? {} : JSON.parse(text);
    return { status: response.status, headers: response.headers, value } as ApiAnswer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.test[Symbol.asyncDispose]();
    await this.hop[Symbol.asyncDispose]();
  }
}

export async function startApiWorld(
  settings: SettingsGiven = {},
  reply?: NextHopOptions['reply'],
): Promise<ApiWorld> {
  const hop = await new NextHop(reply === undefined ? {} : { reply }).start();
  const test = await startTestServer({
    'listen.http': '127.0.0.1:0',
    'relay.route': `smtp://127.0.0.1:${hop.port}`,
    ...settings,
  }).catch(async (error: unknown) => {
    await hop[Symbol.asyncDispose]();
    throw error;
  });
  const keys: string[] = [];
  for (const tenant of ['acme', 'other']) {
    await test.call('tenant.create', { name: tenant });
    await test.call('domain.create', { name: `${tenant}.test`, tenant });
    keys.push((await test.call('key.create', { tenant, scopes: ['send'] })).secret);
  }
  return new ApiWorld(test, hop, [keys[0]!, keys[1]!]);
}
