/**
 * Keeps the secrets of return paths: makes a new one in time, and forgets those no path needs.
 *
 * Runs in:   main thread.
 * Invariant: a secret is durable before it makes a return path, and is kept while one it made leads back.
 */

import type { Log } from '../base/log.ts';
import { dayMs, hourMs } from '../base/units.ts';
import { type Reversed, reverseSender, type SrsKeys, validDaysMax } from '../mail/trust/srs.ts';
import type { AccountDirectory, SrsSecret } from '../ports/account-directory.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';

export interface SrsSecretsParts {
  readonly directory: AccountDirectory;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** How long one makes return paths. */
  readonly secretMs: number;
}

const secretBytes = 32;
const lookMs = hourMs;

export class SrsSecrets {
  readonly #parts: SrsSecretsParts;
  #keys: SrsKeys = { secrets: [] };
  #timer: Timer | undefined;
  #isClosed = false;

  private constructor(parts: SrsSecretsParts) {
    this.#parts = parts;
  }

  static async open(parts: SrsSecretsParts): Promise<SrsSecrets> {
    const secrets = new SrsSecrets(parts);
    await secrets.renew();
    return secrets;
  }

  /** Makes new secrets in time; `changed` is called for each. */
  start(changed: () => Promise<void>): void {
    const { clock, log } = this.#parts;
    this.#timer = clock.setTimer(lookMs, async () => {
      try {
        if (await this.renew()) await changed();
      } catch (error) {
        log.error({ error }, 'no new secret for return paths');
      }
      if (!this.#isClosed) this.start(changed);
    });
  }

  /** Whom mail for this local part of ours goes back to. */
  reverse(localPart: string): Reversed {
    return reverseSender(localPart, this.#keys, this.#parts.clock.nowMs());
  }

  /** Whether there is a new one. */
  async renew(): Promise<boolean> {
    const { directory, clock, random, secretMs } = this.#parts;
    const nowMs = clock.nowMs();
    const stored = await directory.srsSecrets();
    this.#keys = keysOf(stored);
    const [newest] = stored;
    if (newest !== undefined && nowMs - newest.createdMs < secretMs) return false;
    const secret = Buffer.from(random.bytes(secretBytes)).toString('base64');
    const keptMs = secretMs + (validDaysMax + 1) * dayMs;
    const kept = stored.filter(({ createdMs }) => nowMs - createdMs < keptMs);
    const secrets = [{ secret, createdMs: nowMs }, ...kept];
    await directory.putSrsSecrets(secrets);
    this.#keys = keysOf(secrets);
    return true;
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }
}

function keysOf(secrets: readonly SrsSecret[]): SrsKeys {
  return { secrets: secrets.map(({ secret }) => secret) };
}
