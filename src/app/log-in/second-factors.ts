/**
 * Makes second factors: devices for time-based codes, and the recovery codes for who lost theirs. They are checked in
 * `edge/guard/second-factor.ts`.
 *
 * Runs in:   main thread.
 * Specs:     RFC 6238 §4 (TOTP of 30 s), RFC 4226 §4 (secrets of 160 bits).
 * Limits:    `totpsMax` devices, `recoveryCodeCount` codes.
 * Invariant: a code that was taken is durable as taken before anybody gets in by it. Secrets are answered once, when
 *            they are made.
 */

import { Secret, TOTP } from 'otpauth';
import { crockford, inGroups } from '../../base/base32.ts';
import { MailError } from '../../base/errors.ts';
import type { FactorThrottle } from '../../edge/guard/factor-throttle.ts';
import { recoveryHash, stepOf } from '../../edge/guard/second-factor.ts';
import type { Account } from '../../ports/account-directory.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type { SecondFactorStore, TotpFactor } from '../../ports/second-factors.ts';

/** RFC 4226 §4: 160 bits are recommended. */
const secretBytes = 20;
const stepSeconds = 30;
const recoveryCodeCount = 10;
const recoveryCodeBytes = 10;

type Owner = Pick<Account, 'id' | 'tenant' | 'address'>;

export interface NewTotp {
  readonly id: number;
  /** For the device to scan. */
  readonly uri: string;
  /** The same, to type in: base32. */
  readonly secret: string;
}

export interface SecondFactorDeskOptions {
  readonly factors: SecondFactorStore;
  readonly throttle: FactorThrottle;
  /** Who the device shows the code is for. */
  readonly issuer: string;
  readonly clock: Clock;
  readonly random: Random;
}

export class SecondFactorDesk {
  readonly #options: SecondFactorDeskOptions;

  constructor(options: SecondFactorDeskOptions) {
    this.#options = options;
  }

  /** A device that counts once a code of it was confirmed; one that waits for that gives way. */
  async enable(owner: Owner, name: string): Promise<NewTotp> {
    const { factors, clock, random } = this.#options;
    const { totps } = await factors.secondFactors(owner);
    for (const totp of totps.filter(isWaiting)) await factors.deleteFactor(owner, totp.id);
    const secret = Buffer.from(random.bytes(secretBytes)).toString('base64');
    const row = await factors.addTotp(owner, { name, secret, createdMs: clock.nowMs() });
    const code = this.#codeOf(owner, row);
    return { id: row.id, uri: code.toString(), secret: code.secret.base32 };
  }

  /** The recovery codes, in the place of those before. @throws MailError `not-found`, `credentials-invalid`, `rate-exceeded` */
  async confirm(owner: Owner, code: string): Promise<readonly string[]> {
    const { factors, throttle, clock } = this.#options;
    const { totps } = await factors.secondFactors(owner);
    const waiting = totps.find(isWaiting);
    if (waiting === undefined) throw new MailError('not-found', 'no device waits to be confirmed');
    const counted = `${owner.id} to be confirmed`;
    if (!throttle.begin(counted, clock.monotonicMs())) throw new MailError('rate-exceeded');
    const step = stepOf(waiting.secret, code.replace(/\s/g, ''), clock.nowMs());
    if (step === undefined || !(await factors.useTotp(owner, waiting.id, step))) {
      throw new MailError(
        'credentials-invalid',
        'the code is wrong: is the clock of the device right?',
      );
    }
    throttle.succeeded(counted);
    return await this.#recoveryCodes(owner);
  }

  /** Where the account has some they stay as they are, and none are answered. */
  async firstRecoveryCodes(owner: Owner): Promise<readonly string[]> {
    const { recoveryHashes } = await this.#options.factors.secondFactors(owner);
    return recoveryHashes.length > 0 ? [] : await this.#recoveryCodes(owner);
  }

  async #recoveryCodes(owner: Owner): Promise<readonly string[]> {
    const { factors, random } = this.#options;
    const codes = Array.from({ length: recoveryCodeCount }, () =>
      inGroups(crockford(random.bytes(recoveryCodeBytes)), 4),
    );
    await factors.putRecoveryCodes(owner, codes.map(recoveryHash));
    return codes;
  }

  #codeOf({ address: label }: Owner, { secret }: TotpFactor): TOTP {
    const octets = Buffer.from(secret, 'base64');
    const buffer = octets.buffer.slice(octets.byteOffset, octets.byteOffset + octets.byteLength);
    const { issuer } = this.#options;
    return new TOTP({
      issuer,
      label,
      secret: new Secret({ buffer }),
      period: stepSeconds,
      digits: 6,
    });
  }
}

function isWaiting({ lastStep }: TotpFactor): boolean {
  return lastStep === 0;
}
