/**
 * What a session of a sink does to the world, and the message it hands over.
 *
 * Runs in: sink; types only.
 */

import type { Buffer } from 'node:buffer';
import type { Fault } from './fault-source.ts';

export interface SinkMessage {
  readonly sender: string;
  readonly recipients: readonly string[];
  readonly parts: readonly Buffer[];
  /** Whether dots are still doubled (it came by DATA, not BDAT). */
  readonly isStuffed: boolean;
  readonly isEncrypted: boolean;
  /** Who the client said it was in AUTH. */
  readonly user: string | undefined;
}

export interface SinkWire {
  send(text: string): void;
  end(): void;
  reset(): void;
  /** From here on no more than so many bytes a second are read. */
  slow(bytesPerSecond: number): void;
  /** The 220 of STARTTLS was sent; `secured` is called when there is a session to go on with. */
  startTls(fault: Fault | undefined): void;
  later(delayMs: number, run: () => void): void;
  arrived(message: SinkMessage): void;
}
