/**
 * A certificate authority that speaks ACME (RFC 8555) over HTTPS, in this process: it checks each signature, nonce and
 * URL of what it is asked, and comes for its proofs as a real one does, by http-01 (RFC 8555, 8.3) or tls-alpn-01 (RFC
 * 8737). All names lead to this machine, to the ports that `reach` names.
 */

import 'reflect-metadata';
import { strict as assert } from 'node:assert';
import {
  createHash,
  createHmac,
  createPublicKey,
  type JsonWebKey,
  randomBytes,
  verify,
} from 'node:crypto';
import { once } from 'node:events';
import { get, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:tls';
import {
  Pkcs10CertificateRequest,
  SubjectAlternativeNameExtension,
  X509Certificate,
} from '@peculiar/x509';
import { TestAuthority } from './certificate-maker.ts';

const acmeIdentifier = '1.3.6.1.5.5.7.1.31';

interface Asked {
  readonly payload: Record<string, unknown>;
  readonly account: string;
  readonly jwk: JsonWebKey;
  /** RFC 8555 §6.3: without a payload. */
  readonly isGet: boolean;
}

interface Order {
  status: 'pending' | 'ready' | 'valid' | 'invalid';
  readonly names: readonly string[];
  readonly account: string;
  cert: string;
}

interface Authorization {
  status: 'pending' | 'valid' | 'invalid';
  readonly name: string;
  readonly token: string;
  readonly order: Order;
  error?: { readonly type: string; readonly detail: string };
}

/** A refusal as RFC 8555 §6.7 words it. */
class Problem extends Error {
  readonly status: number;
  readonly type: string;

  constructor(status: number, type: string, detail: string) {
    super(detail);
    this.status = status;
    this.type = type;
  }
}

export interface AcmeServerOptions {
  /** Of what it issues. */
  readonly lifeMs?: number;
  /** It asks for an external account (RFC 8555 §7.3.4). */
  readonly binding?: { readonly keyId: string; readonly key: string };
}

export class AcmeServer implements AsyncDisposable {
  readonly authority: TestAuthority;
  /** Whom its own certificate is from. */
  readonly caPem: string;
  readonly orders: Order[] = [];
  readonly proofs: string[] = [];
  readonly accounts = new Map<string, JsonWebKey>();
  /** Refuses what comes next by these words, with `Retry-After`. */
  refusal: { readonly type: string; readonly retryAfter: string } | undefined;
  /** Called before an order is finalized: a server is killed there. */
  beforeIssue: () => Promise<void> = async () => {};
  readonly #options: AcmeServerOptions;
  readonly #server: Server;
  readonly #nonces = new Set<string>();
  readonly #authorizations: Authorization[] = [];
  #reached: (ports: { http: number; https: number }) => void = () => {};
  #reach = new Promise<{ http: number; https: number }>((resolve) => {
    this.#reached = resolve;
  });

  private constructor(authority: TestAuthority, server: Server, options: AcmeServerOptions) {
    this.authority = authority;
    this.caPem = authority.pem;
    this.#server = server;
    this.#options = options;
  }

  static async start(options: AcmeServerOptions = {}): Promise<AcmeServer> {
    const authority = await TestAuthority.make('Mock Root');
    const server = createServer(await authority.issue({ dns: ['localhost'] }));
    const acme = new AcmeServer(authority, server, options);
    server.on('request', (request, response) => void acme.#answer(request, response));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return acme;
  }

  get directory(): string {
    return `${this.#base}/directory`;
  }

  /** Where it comes for proofs; orders wait until it knows. */
  reach(ports: { readonly http?: number; readonly https?: number }): void {
    const known = { http: ports.http ?? 0, https: ports.https ?? 0 };
    this.#reached(known);
    this.#reach = Promise.resolve(known);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  get #base(): string {
    return `https://localhost:${(this.#server.address() as AddressInfo).port}`;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const nonce = randomBytes(12).toString('base64url');
    this.#nonces.add(nonce);
    response.setHeader('replay-nonce', nonce);
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const answer = await this.#route(request, response, Buffer.concat(chunks).toString());
      response.end(typeof answer === 'string' ? answer : JSON.stringify(answer));
    } catch (error) {
      const { status = 500, type = 'serverInternal' } = error as Problem;
      response.statusCode = status;
      if (this.refusal !== undefined) response.setHeader('retry-after', this.refusal.retryAfter);
      response.setHeader('content-type', 'application/problem+json');
      const detail = (error as Error).message;
      response.end(JSON.stringify({ type: `urn:ietf:params:acme:error:${type}`, detail, status }));
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse, body: string): Promise<unknown> {
    const path = request.url ?? '';
    response.setHeader('content-type', 'application/json');
    if (path === '/directory') {
      const named = ['newNonce', 'newAccount', 'newOrder'].map((name) => [
        name,
        `${this.#base}/${name}`,
      ]);
      const meta = { externalAccountRequired: this.#options.binding !== undefined };
      return { ...Object.fromEntries(named), meta };
    }
    if (path === '/newNonce') return '';
    const asked = this.#signed(path, body);
    if (this.refusal !== undefined && path === '/newOrder')
      throw new Problem(429, this.refusal.type, 'too many, says the mock');
    const [, kind, number = ''] = path.split('/');
    switch (kind) {
      case 'newAccount':
        return this.#newAccount(asked, response);
      case 'account':
        // As Pebble has it.
        if (!asked.isGet && asked.payload.contact === undefined)
          throw new Problem(400, 'malformed', 'an update that changes nothing');
        return { status: 'valid' };
      case 'newOrder':
        return this.#newOrder(asked, response);
      case 'order':
        return this.#orderView(Number(number));
      case 'authorization':
        return this.#authorizationView(Number(number));
      case 'challenge':
        return await this.#challenge(Number(number), asked, path);
      case 'finalize':
        return await this.#finalize(Number(number), asked);
      case 'certificate':
        response.setHeader('content-type', 'application/pem-certificate-chain');
        return this.orders[Number(number)]!.cert;
      default:
        throw new Problem(404, 'malformed', path);
    }
  }

  /** RFC 8555 §6.2-6.5: who signed it, for this URL, once. */
  #signed(path: string, body: string): Asked {
    const jws = JSON.parse(body) as Record<'protected' | 'payload' | 'signature', string>;
    const head = JSON.parse(Buffer.from(jws.protected, 'base64url').toString());
    if (!this.#nonces.delete(head.nonce)) throw new Problem(400, 'badNonce', 'used or unknown');
    if (head.url !== `${this.#base}${path}`) throw new Problem(401, 'unauthorized', 'another URL');
    const jwk = head.kid === undefined ? head.jwk : this.accounts.get(head.kid);
    if (jwk === undefined) throw new Problem(400, 'accountDoesNotExist', String(head.kid));
    assert.equal(head.kid === undefined, path === '/newAccount');
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    const signed = Buffer.from(`${jws.protected}.${jws.payload}`);
    const signature = Buffer.from(jws.signature, 'base64url');
    assert.equal(head.alg, 'ES256');
    if (!verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, signature))
      throw new Problem(401, 'unauthorized', 'the signature is wrong');
    const payload =
      jws.payload === '' ? {} : JSON.parse(Buffer.from(jws.payload, 'base64url').toString());
    return { payload, account: head.kid ?? '', jwk, isGet: jws.payload === '' };
  }

  #newAccount({ payload, jwk }: Asked, response: ServerResponse): unknown {
    const known = [...this.accounts].find(([, each]) => each.x === jwk.x);
    if (payload.onlyReturnExisting === true && known === undefined)
      throw new Problem(400, 'accountDoesNotExist', 'no account has this key');
    if (known === undefined && payload.termsOfServiceAgreed !== true)
      throw new Problem(403, 'userActionRequired', 'agree to the terms');
    this.#checkBinding(payload.externalAccountBinding as Record<string, string> | undefined, jwk);
    const url = known?.[0] ?? `${this.#base}/account/${this.accounts.size}`;
    this.accounts.set(url, jwk);
    response.statusCode = known === undefined ? 201 : 200;
    response.setHeader('location', url);
    return { status: 'valid' };
  }

  #checkBinding(jws: Record<string, string> | undefined, jwk: JsonWebKey): void {
    const { binding } = this.#options;
    if (binding === undefined) return;
    if (jws === undefined) throw new Problem(403, 'externalAccountRequired', 'no binding');
    const head = JSON.parse(Buffer.from(jws.protected!, 'base64url').toString());
    const inner = JSON.parse(Buffer.from(jws.payload!, 'base64url').toString());
    const wanted = createHmac('sha256', Buffer.from(binding.key, 'base64url'))
      .update(`${jws.protected}.${jws.payload}`)
      .digest('base64url');
    if (head.kid !== binding.keyId || jws.signature !== wanted || inner.x !== jwk.x)
      throw new Problem(403, 'unauthorized', 'the binding is wrong');
  }

  #newOrder({ payload, account }: Asked, response: ServerResponse): unknown {
    const identifiers = payload.identifiers as { readonly type: string; readonly value: string }[];
    const names = identifiers.map(({ value }) => value);
    const order: Order = { status: 'pending', names, account, cert: '' };
    this.orders.push(order);
    for (const name of names) {
      const token = randomBytes(16).toString('base64url');
      this.#authorizations.push({ status: 'pending', name, token, order });
    }
    response.statusCode = 201;
    response.setHeader('location', `${this.#base}/order/${this.orders.length - 1}`);
    return this.#orderView(this.orders.length - 1);
  }

  #orderView(number: number): unknown {
    const order = this.orders[number]!;
    const own = this.#authorizations.filter((each) => each.order === order);
    if (order.status === 'pending' && own.every(({ status }) => status === 'valid'))
      order.status = 'ready';
    if (own.some(({ status }) => status === 'invalid')) order.status = 'invalid';
    return {
      status: order.status,
      identifiers: order.names.map((value) => ({ type: 'dns', value })),
      authorizations: own.map(
        (each) => `${this.#base}/authorization/${this.#authorizations.indexOf(each)}`,
      ),
      finalize: `${this.#base}/finalize/${number}`,
      ...(order.cert === '' ? {} : { certificate: `${this.#base}/certificate/${number}` }),
    };
  }

  #authorizationView(number: number): unknown {
    const { status, name, token, error } = this.#authorizations[number]!;
    const challenges = ['http-01', 'dns-01', 'tls-alpn-01'].map((type) => ({
      ...{ type, status, token, url: `${this.#base}/challenge/${number}/${type}` },
      ...(error === undefined ? {} : { error }),
    }));
    return { status, identifier: { type: 'dns', value: name }, challenges };
  }

  /** Comes for the proof in its own time, as real ones do. */
  async #challenge(number: number, { jwk }: Asked, path: string): Promise<unknown> {
    const authorization = this.#authorizations[number]!;
    const type = path.split('/')[3];
    void this.#reach.then(async (ports) => {
      try {
        const text = keyAuthorization(authorization.token, jwk);
        if (type === 'http-01') await checkHttp(ports.http, authorization, text);
        else await checkAlpn(ports.https, authorization.name, text);
        this.proofs.push(`${type} ${authorization.name}`);
        authorization.status = 'valid';
      } catch (error) {
        authorization.status = 'invalid';
        authorization.error = {
          type: 'urn:ietf:params:acme:error:unauthorized',
          detail: (error as Error).message,
        };
      }
    });
    return { type, status: 'processing', token: authorization.token, url: `${this.#base}${path}` };
  }

  async #finalize(number: number, { payload }: Asked): Promise<unknown> {
    const order = this.orders[number]!;
    this.#orderView(number);
    if (order.status !== 'ready') throw new Problem(403, 'orderNotReady', order.status);
    const request = new Pkcs10CertificateRequest(Buffer.from(String(payload.csr), 'base64url'));
    assert.ok(await request.verify(), 'the request is signed by its own key');
    const names = request.extensions
      .filter((each) => each instanceof SubjectAlternativeNameExtension)
      .flatMap((each) => each.names.items.map(({ value }) => value));
    if (names.toSorted().join() !== order.names.toSorted().join())
      throw new Problem(400, 'badCSR', `${names} are not ${order.names}`);
    await this.beforeIssue();
    const lifeMs = this.#options.lifeMs ?? 90 * 86_400_000;
    const { cert } = await this.authority.issue({
      dns: order.names,
      publicKey: await request.publicKey.export(),
      notBeforeMs: Date.now() - 1_000,
      notAfterMs: Date.now() + lifeMs,
    });
    order.cert = cert + this.authority.pem;
    order.status = 'valid';
    return this.#orderView(number);
  }
}

function keyAuthorization(token: string, { crv, kty, x, y }: JsonWebKey): string {
  const print = createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
  return `${token}.${print}`;
}

async function checkHttp(
  port: number,
  { name, token }: { readonly name: string; readonly token: string },
  wanted: string,
): Promise<void> {
  const path = `/.well-known/acme-challenge/${token}`;
  const request = get({ host: '127.0.0.1', port, path, headers: { host: name }, agent: false });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += String(chunk);
  if (response.statusCode !== 200 || text.trimEnd() !== wanted)
    throw new Error(`${name} answered ${response.statusCode} ${text.slice(0, 80)}`);
}

async function checkAlpn(port: number, name: string, wanted: string): Promise<void> {
  const socket = connect({
    ...{ host: '127.0.0.1', port, servername: name, rejectUnauthorized: false },
    ALPNProtocols: ['acme-tls/1'],
  });
  await once(socket, 'secureConnect');
  try {
    assert.equal(socket.alpnProtocol, 'acme-tls/1', 'the protocol was agreed on');
    const shown = new X509Certificate(new Uint8Array(socket.getPeerX509Certificate()!.raw));
    const names = shown.getExtension(SubjectAlternativeNameExtension)!.names.items;
    // RFC 8737 §3: this name and no other, and the critical extension with the digest.
    assert.deepEqual(
      names.map(({ type, value }) => `${type}:${value}`),
      [`dns:${name}`],
    );
    const proof = shown.extensions.find(({ type }) => type === acmeIdentifier);
    assert.equal(proof?.critical, true, 'acmeIdentifier is there, and critical');
    const digest = createHash('sha256').update(wanted).digest();
    assert.deepEqual(Buffer.from(proof.value).subarray(2), digest, 'the digest is right');
  } finally {
    socket.destroy();
  }
}
