/**
 * Opaque access tokens of one issuer: what it says of each, asked for and remembered for a short while.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 7662 §2.2, §4 (what is remembered must not outlive the token, nor for long what was withdrawn).
 * Limits:    answers are remembered for `rememberedMs` and no longer than the token lasts, of `tokensMax` tokens; one
 *            question a token at a time; questions by `issuer-calls.ts`.
 * Invariant: tokens are held as keyed hashes under a key of this process. That an issuer is away is never remembered.
 */

import { createHmac } from 'node:crypto';
import { RecentMap } from '../../base/recent-map.ts';
import { minuteMs, secondMs } from '../../base/units.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Asked, Claims, IssuerClient } from '../../ports/issuer-client.ts';
import type { Random } from '../../ports/random.ts';
import type { IssuerCalls } from './issuer-calls.ts';
import { IssuerAway, type IssuerKeys } from './issuer-keys.ts';
import type { TokenIssuer } from './token-issuer.ts';

export const rememberedMs = minuteMs;
export const tokensMax = 10_000;
const keyBytes = 32;

export interface OpaqueTokensParts {
  readonly issuer: Pick<TokenIssuer, 'lacksAddress'>;
  readonly client: Pick<IssuerClient, 'introspect' | 'userInfo'>;
  readonly configuration: IssuerKeys['configuration'];
  readonly calls: Pick<IssuerCalls, 'run'>;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly random: Pick<Random, 'bytes'>;
}

/** `over`: it was active when it was shown before, so it is no guess. */
type Answer = Claims | 'refused' | 'over' | 'away';

interface Remembered {
  readonly answer: Exclude<Answer, 'away'>;
  readonly untilMs: number;
}

export class OpaqueTokens {
  readonly #parts: OpaqueTokensParts;
  readonly #key: Uint8Array;
  readonly #remembered = new RecentMap<string, Remembered>(tokensMax);
  readonly #underWay = new Map<string, Promise<Answer>>();

  constructor(parts: OpaqueTokensParts) {
    this.#parts = parts;
    this.#key = parts.random.bytes(keyBytes);
  }

  /** What the issuer says of a token that is active. */
  read(token: string, peer: string): Promise<Answer> {
    const name = createHmac('sha256', this.#key).update(token).digest('base64');
    const known = this.#remembered.get(name);
    if (known !== undefined && this.#parts.clock.nowMs() < known.untilMs)
      return Promise.resolve(known.answer);
    let asking = this.#underWay.get(name);
    if (asking === undefined) {
      asking = this.#ask(name, token, peer).finally(() => this.#underWay.delete(name));
      this.#underWay.set(name, asking);
    }
    return asking;
  }

  async #ask(name: string, token: string, peer: string): Promise<Answer> {
    const said = await this.#parts.calls.run(peer, () => this.#asked(token));
    if (said === 'away') return said;
    const before = this.#remembered.get(name)?.answer ?? 'refused';
    const answer = said === 'refused' && before !== 'refused' ? 'over' : said;
    const nowMs = this.#parts.clock.nowMs();
    const endMs = typeof answer === 'string' ? Infinity : endOf(answer);
    this.#remembered.set(name, { answer, untilMs: Math.min(nowMs + rememberedMs, endMs) });
    return answer;
  }

  async #asked(token: string): Asked<Claims> {
    const { issuer, client, configuration } = this.#parts;
    try {
      const at = await configuration();
      const said = await client.introspect(at, token);
      if (typeof said === 'string' || !issuer.lacksAddress(said)) return said;
      const { sub } = said;
      if (typeof sub !== 'string' || at.userinfo_endpoint === undefined) return said;
      const user = await client.userInfo(at, token, sub);
      if (typeof user === 'string') return user;
      // Both of one answer: who verified which address must be the same.
      const { email, email_verified } = user;
      return { ...said, email, email_verified };
    } catch (error) {
      if (error instanceof IssuerAway) return 'away';
      throw error;
    }
  }
}

function endOf({ exp }: Claims): number {
  return typeof exp === 'number' ? exp * secondMs : Infinity;
}
