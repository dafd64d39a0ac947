/**
 * A certificate authority that speaks ACME, by acme-client.
 *
 * Runs in:   main thread. The library is loaded with the first order: a start does not pay for it.
 * Specs:     RFC 8555 §7.3-7.5 (account, order, authorizations), §8.3 (http-01), RFC 8737 (tls-alpn-01).
 * Limits:    `orderMsMax` for an order, `requestMsMax` and `answerBytesMax` for a request; requests are not repeated.
 * Invariant: requests go to the authority directly, whatever proxies the environment names: what it is told decides
 *            who may read our mail.
 */

import { readFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import { getCACertificates } from 'node:tls';
import { minuteMs, secondMs } from '../../base/units.ts';
import type {
  CertificateAuthority,
  CertificateOrder,
  OrderAnswer,
  Proof,
  ProofBoard,
} from '../../ports/certificate-authority.ts';
import type { Clock } from '../../ports/clock.ts';

type Acme = typeof import('acme-client');
type Client = InstanceType<Acme['Client']>;
type Authorization = Awaited<ReturnType<Client['getAuthorizations']>>[number];

const orderMsMax = 10 * minuteMs;
const requestMsMax = 30 * secondMs;
const answerBytesMax = 1_048_576;
/** Between two looks at what the authority still works on; longer each time. */
const pollMsMin = 250;
const pollMsMax = 15 * secondMs;

export interface AcmeOptions {
  readonly directory: string;
  readonly email: string;
  /** PEM file of who signed the directory's certificate; "": who the system trusts. */
  readonly ca: string;
  readonly bindingKeyId: string;
  readonly bindingKeyFile: string;
  readonly clock: Clock;
}

/** What an order was stopped by: the words are for operators. */
class OrderError extends Error {}

export function acmeAuthority(options: AcmeOptions): CertificateAuthority {
  return {
    async newAccountKey() {
      const { crypto } = await import('acme-client');
      return String(await crypto.createPrivateEcdsaKey());
    },
    order: (order, board) => runOrder(options, order, board),
  };
}

async function runOrder(
  options: AcmeOptions,
  order: CertificateOrder,
  board: ProofBoard,
): Promise<OrderAnswer> {
  let retryAfterMs: number | undefined;
  const acme = await import('acme-client');
  const waits = await prepare(acme, options, order.signal);
  const shown: Proof[] = [];
  try {
    const client = await clientOf(acme, options, order);
    return await new OrderRun(acme, client, options.clock, order).run((proof) => {
      shown.push(proof);
      board.show(proof);
    });
  } catch (error) {
    retryAfterMs = waits.retryAfterMs;
    const detail = (error as Error).message;
    return { ok: false, detail, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  } finally {
    for (const proof of shown) board.hide(proof);
    waits.end();
  }
}

/** The library has one instance of axios for all its clients; orders come one after the other. */
async function prepare(acme: Acme, { ca, clock }: AcmeOptions, signal: AbortSignal) {
  const { axios } = acme;
  const own = ca === '' ? [] : [await readFile(ca, 'utf8')];
  const agent = new Agent({ ca: [...getCACertificates('default'), ...own], keepAlive: false });
  Object.assign(axios.defaults, {
    ...{ proxy: false, timeout: requestMsMax, maxContentLength: answerBytesMax, maxRedirects: 0 },
    ...{ httpsAgent: agent, signal },
  });
  // We have a schedule of our own for what failed.
  const { acmeSettings } = axios.defaults as unknown as {
    acmeSettings: { retryMaxAttempts: number };
  };
  acmeSettings.retryMaxAttempts = 0;
  const found: { retryAfterMs?: number; end(): void } = {
    end() {
      axios.interceptors.response.eject(noting);
      agent.destroy();
    },
  };
  const noting = axios.interceptors.response.use((response) => {
    const waitMs = retryAfterOf(String(response.headers['retry-after'] ?? ''), clock.nowMs());
    if (response.status >= 400 && waitMs !== undefined) found.retryAfterMs = waitMs;
    return response;
  });
  return found;
}

/** RFC 9110 §10.2.3: seconds or a date. */
function retryAfterOf(text: string, nowMs: number): number | undefined {
  if (/^\d{1,9}$/.test(text)) return Number(text) * secondMs;
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}

async function clientOf(
  acme: Acme,
  { directory, email, bindingKeyId, bindingKeyFile }: AcmeOptions,
  { accountKey }: CertificateOrder,
): Promise<Client> {
  const hmacKey = bindingKeyFile === '' ? '' : (await readFile(bindingKeyFile, 'utf8')).trim();
  const client = new acme.Client({
    directoryUrl: directory,
    accountKey,
    ...(bindingKeyId === ''
      ? {}
      : { externalAccountBinding: { kid: bindingKeyId, hmacKey: hmacKey } }),
  });
  const contact = email === '' ? {} : { contact: [`mailto:${email}`] };
  // RFC 8555 §7.3.1: whether the authority knows the key. acme-client makes an update of a new account that is there
  // already, and Pebble refuses one that changes nothing.
  const isKnown = await client.createAccount({ onlyReturnExisting: true }).then(
    () => true,
    () => false,
  );
  // Settings do not let an order come this far without agreeing.
  if (!isKnown) await client.createAccount({ termsOfServiceAgreed: true, ...contact });
  else if (email !== '') await client.updateAccount(contact);
  return client;
}

class OrderRun {
  readonly #acme: Acme;
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #order: CertificateOrder;
  readonly #endMs: number;

  constructor(acme: Acme, client: Client, clock: Clock, order: CertificateOrder) {
    this.#acme = acme;
    this.#client = client;
    this.#clock = clock;
    this.#order = order;
    this.#endMs = clock.monotonicMs() + orderMsMax;
  }

  async run(show: (proof: Proof) => void): Promise<OrderAnswer> {
    const client = this.#client;
    const { names } = this.#order;
    const identifiers = names.map((value) => ({ type: 'dns' as const, value }));
    const placed = await client.createOrder({ identifiers });
    for (const authorization of await client.getAuthorizations(placed)) {
      if (authorization.status === 'valid') continue;
      const challenge = this.#challengeOf(authorization);
      show(await this.#proofOf(authorization, challenge));
      await client.completeChallenge(challenge);
    }
    await this.#poll(async () => {
      const all = await client.getAuthorizations(placed);
      for (const authorization of all) refuseFailed(authorization);
      return all.every(({ status }) => status === 'valid') || undefined;
    });
    const [key, request] = await this.#acme.crypto.createCsr(
      { altNames: [...names] },
      await this.#acme.crypto.createPrivateEcdsaKey(),
    );
    await this.#poll(async () => {
      const { status } = await client.getOrder(placed);
      return ['ready', 'valid'].includes(status) || undefined;
    });
    await client.finalizeOrder(placed, request);
    const done = await this.#poll(async () => {
      const now = await client.getOrder(placed);
      if (now.status === 'invalid') throw new OrderError('the authority gave the order up');
      return now.status === 'valid' ? now : undefined;
    });
    return { ok: true, cert: await client.getCertificate(done), key: String(key) };
  }

  #challengeOf({ challenges, identifier }: Authorization) {
    const { challenge } = this.#order;
    const found = challenges.find(({ type }) => type === challenge);
    if (found !== undefined) return found;
    const types = challenges.map(({ type }) => type).join(', ');
    throw new OrderError(`${identifier.value}: not proven by ${challenge}, but by ${types}`);
  }

  async #proofOf(
    authorization: Authorization,
    challenge: Authorization['challenges'][number],
  ): Promise<Proof> {
    const name = authorization.identifier.value;
    const keyAuthorization = await this.#client.getChallengeKeyAuthorization(challenge);
    if (this.#order.challenge === 'http-01') {
      return { kind: 'http-01', name, token: challenge.token, keyAuthorization };
    }
    const { crypto } = this.#acme;
    const [key, cert] = await crypto.createAlpnCertificate(
      authorization,
      keyAuthorization,
      await crypto.createPrivateEcdsaKey(),
    );
    return { kind: 'tls-alpn-01', name, cert: String(cert), key: String(key) };
  }

  async #poll<T>(look: () => Promise<T | undefined>): Promise<T> {
    for (let waitMs = pollMsMin; ; waitMs = Math.min(waitMs * 2, pollMsMax)) {
      const seen = await look();
      if (seen !== undefined) return seen;
      if (this.#clock.monotonicMs() + waitMs > this.#endMs)
        throw new OrderError('the authority took too long');
      await this.#pause(waitMs);
    }
  }

  #pause(waitMs: number): Promise<void> {
    const { signal } = this.#order;
    return new Promise((resolve, reject) => {
      const ended = () => {
        timer.cancel();
        reject(new OrderError('the server stops'));
      };
      const timer = this.#clock.setTimer(waitMs, () => {
        signal.removeEventListener('abort', ended);
        resolve();
      });
      if (signal.aborted) ended();
      else signal.addEventListener('abort', ended, { once: true });
    });
  }
}

function refuseFailed({ status, identifier, challenges }: Authorization): void {
  if (status === 'valid' || status === 'pending') return;
  const reasons = challenges.flatMap(({ error }) => {
    const { detail } = (error ?? {}) as { readonly detail?: string };
    return detail === undefined ? [] : [detail];
  });
  throw new OrderError(
    `${identifier.value} is ${status}: ${[...new Set(reasons)].join('; ') || 'no reason'}`,
  );
}
