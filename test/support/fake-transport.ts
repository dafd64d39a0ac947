/** A session's transport that keeps what was written, for tests that turn everything by hand. */

import assert from 'node:assert/strict';
import type { SessionTransport } from '../../src/edge/protocols/session/transport.ts';

export class FakeTransport implements SessionTransport {
  readonly canStartTls = false;
  /** What was written, as latin1. */
  text = '';
  unsentBytes = 0;
  isPaused = false;
  isEnded = false;
  isDestroyed = false;
  /** The client reads nothing. */
  isDeaf = false;

  write(bytes: Uint8Array): void {
    this.text += Buffer.from(bytes).toString('latin1');
    if (this.isDeaf) this.unsentBytes += bytes.byteLength;
  }

  end(bytes?: Uint8Array): void {
    if (bytes !== undefined) this.write(bytes);
    this.isEnded = true;
  }

  destroy(): void {
    this.isDestroyed = true;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  startTls(): void {
    assert.fail('no TLS here');
  }
}
