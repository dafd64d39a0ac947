/**
 * Programs of some tenants that hand in mail by HTTP, whether a server listens or not, and enter it in the ledger.
 *
 * Runs in:   crash runs.
 * Limits:    one request at a time a program.
 * Invariant: a message that was answered 202 is acknowledged; one that got no answer is neither that nor refused.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { ledgerNowMs } from '../../src/harness/ledger/entries.ts';
import { LedgerWriter } from '../../src/harness/ledger/ledger-writer.ts';
import { bodyHash, markLine } from '../../src/harness/ledger/mark.ts';

const answerMsMax = 20_000;
const pauseMs = 10;
/** While nobody listens. */
const patienceMs = 250;
const programsPerTenant = 2;

export interface HttpTenant {
  readonly name: string;
  readonly secret: string;
  readonly from: string;
}

export interface HttpInjectionOptions {
  readonly port: number;
  readonly ledger: string;
  readonly tenants: readonly HttpTenant[];
  readonly to: readonly string[];
}

export class HttpInjection {
  readonly #options: HttpInjectionOptions;
  readonly #writer: LedgerWriter;
  readonly #programs: Promise<void>[];
  #isStopping = false;
  acknowledged = 0;

  constructor(options: HttpInjectionOptions) {
    this.#options = options;
    this.#writer = new LedgerWriter(options.ledger);
    this.#programs = options.tenants.flatMap((tenant) =>
      Array.from({ length: programsPerTenant }, (_, program) => this.#run(tenant, program)),
    );
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#programs);
    this.#writer.close();
  }

  async #run(tenant: HttpTenant, program: number): Promise<void> {
    const { to } = this.#options;
    for (let number = program; !this.#isStopping; number++) {
      const id = `http-${tenant.name}-${program}-${number}`;
      await this.#send(tenant, id, to[number % to.length]!);
      await sleep(pauseMs);
    }
  }

  async #send({ secret, from }: HttpTenant, id: string, to: string): Promise<void> {
    const body = Buffer.from(`Message ${id}.\r\n`);
    const sha256 = bodyHash(body);
    const header = `From: ${from}\r\nTo: ${to}\r\nSubject: ${id}\r\n${markLine({ id, sha256 })}\r\n`;
    const message = Buffer.concat([Buffer.from(header), body]);
    const sentMs = ledgerNowMs();
    const bytes = message.byteLength;
    this.#writer.append('injected', { id, sha256, bytes, to: [to], intendedMs: sentMs });
    const query = new URLSearchParams({ from, to });
    try {
      const { port } = this.#options;
      const response = await fetch(`http://127.0.0.1:${port}/api/v1/messages?${query}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${secret}`, 'content-type': 'message/rfc822' },
        body: message,
        signal: AbortSignal.timeout(answerMsMax),
      });
      const text = await response.text();
      const atMs = ledgerNowMs();
      if (response.status === 202) {
        this.acknowledged++;
        this.#writer.append('acknowledged', { id, to: [to], sentMs, atMs });
      } else {
        const reply = `${response.status} ${text.slice(0, 200)}`;
        this.#writer.append('refused', { id, to: [to], reply, atMs });
      }
    } catch {
      // The server is down or died over it: what became of the message is not known.
      await sleep(patienceMs);
    }
  }
}
