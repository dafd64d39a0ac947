/**
 * All listening addresses of the mail protocols: opened together, counted together, drained together.
 *
 * Runs in:   edge (main thread).
 * Invariant: either all addresses are bound or none.
 */

import { ConnectionCounts } from '../guard/connection-counts.ts';
import type { SmtpService } from '../protocols/smtp/service.ts';
import { SmtpListener, type SmtpListenerOptions } from './smtp-listener.ts';

export interface BoundListener {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly isImplicitTls: boolean;
}

export class ListenerTable {
  readonly #counts = new ConnectionCounts();
  readonly #listeners: { readonly listener: SmtpListener; readonly service: SmtpService }[] = [];

  /** Binds all, in order. On a failure those bound are closed again and the failure is thrown. */
  async open(specs: readonly SmtpListenerOptions[]): Promise<readonly BoundListener[]> {
    const bound: BoundListener[] = [];
    try {
      for (const spec of specs) {
        const listener = new SmtpListener({ ...spec, counts: this.#counts });
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

  /** Takes no more connections; messages under way have `graceMs` to end. */
  async drain(graceMs: number): Promise<void> {
    await Promise.all(this.#listeners.map(({ listener }) => listener.drain(graceMs)));
    this.#listeners.length = 0;
  }
}
