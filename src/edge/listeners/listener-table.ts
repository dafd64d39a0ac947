/**
 * All listening addresses of the mail protocols: opened together, drained together.
 *
 * Runs in:   edge (main thread).
 * Invariant: either all addresses are bound or none.
 */

import { isIP } from 'node:net';
import { MailError } from '../../base/errors.ts';
import type { SmtpService } from '../protocols/smtp/service.ts';
import { SmtpListener, type SmtpListenerOptions } from './smtp-listener.ts';

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/**
 * Reads `HOST:PORT` settings: `127.0.0.1:25`, `[::1]:25`, and a comma list of them; "" is none.
 * @throws MailError `argument-invalid` naming the one that is bad.
 */
export function parseAddresses(text: string): HostPort[] {
  const words = text.split(',').map((word) => word.trim());
  return words.filter((word) => word !== '').map(parseAddress);
}

function parseAddress(text: string): HostPort {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2] ?? '';
  const port = Number(match?.[3] ?? -1);
  const isHost = match?.[1] === undefined ? host !== '' : isIP(host) === 6;
  if (!isHost || port < 0 || port > 65_535) {
    throw new MailError('argument-invalid', `not HOST:PORT: ${text}`);
  }
  return { host, port };
}

export interface BoundListener {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly isImplicitTls: boolean;
}

export class ListenerTable {
  readonly #listeners: { readonly listener: SmtpListener; readonly service: SmtpService }[] = [];

  /** Binds all, in order. On a failure those bound are closed again and the failure is thrown. */
  async open(specs: readonly SmtpListenerOptions[]): Promise<readonly BoundListener[]> {
    const bound: BoundListener[] = [];
    try {
      for (const spec of specs) {
        const listener = new SmtpListener(spec);
        const { address, port } = await listener.listen();
        this.#listeners.push({ listener, service: spec.service });
        const isImplicitTls = spec.implicitTls !== undefined;
        bound.push({ name: spec.service.name, host: address, port, isImplicitTls });
      }
    } catch (error) {
      await this.drain(0);
      throw error;
    }
    return bound;
  }

  get connectionCount(): number {
    return this.#listeners.reduce((sum, { listener }) => sum + listener.connectionCount, 0);
  }

  /** Takes no more connections; messages under way have `graceMs` to end. */
  async drain(graceMs: number): Promise<void> {
    await Promise.all(this.#listeners.map(({ listener }) => listener.drain(graceMs)));
    this.#listeners.length = 0;
  }
}
