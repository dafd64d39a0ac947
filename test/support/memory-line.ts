/**
 * What joins a session to the end of a line within this process, as under TLS and without a socket.
 *
 * Runs in: tests and simulations.
 */

import assert from 'node:assert/strict';
import type { Duplex } from 'node:stream';
import type { SessionTransport } from '../../src/edge/protocols/session/transport.ts';

export const fakeTls = { version: 'TLSv1.3', cipher: 'x' };

export function transportOf(far: Duplex): SessionTransport {
  return {
    get unsentBytes() {
      return far.writableLength;
    },
    canStartTls: false,
    write: (bytes: Uint8Array) => void far.write(bytes),
    end: (bytes?: Uint8Array) => void far.end(bytes),
    destroy: () => far.destroy(),
    pause: () => void far.pause(),
    resume: () => void far.resume(),
    startTls: () => assert.fail('no TLS here'),
  };
}

interface LineSession {
  open(): void;
  receive(bytes: Buffer): void;
  drained(): void;
  closed(): void;
}

export function joinSession(far: Duplex, session: LineSession): void {
  far.on('data', (chunk: Buffer) => session.receive(chunk));
  far.on('drain', () => session.drained());
  far.on('close', () => session.closed());
  session.open();
}
