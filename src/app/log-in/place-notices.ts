/**
 * Tells people by mail of a log-in to their account from where there was none before.
 *
 * Runs in:   main thread; no log-in waits for it.
 * Limits:    a place is an IPv4 /24 or IPv6 /64, with the kind of device where one is known. `noticesPerDayMax` of an
 *            account are sent in a day; past them places are noted in silence. `underWayMax` are looked at, the rest is
 *            seen at its next log-in; `recentMax` places are known without a read.
 * Invariant: a place is noted after its notice was taken, under a key of its own: killed between, it is told once.
 */

import type { Log } from '../../base/log.ts';
import { networkOf } from '../../base/networks.ts';
import { RecentMap } from '../../base/recent-map.ts';
import { dayMs } from '../../base/units.ts';
import type { AccessWitness } from '../../edge/guard/access-witness.ts';
import { tokenListener } from '../../edge/guard/log-in.ts';
import type { Account } from '../../ports/account-directory.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Identity } from '../../ports/identity.ts';
import type { SendNotice } from '../own-mail.ts';

export const noticesPerDayMax = 5;
export const underWayMax = 256;
const recentMax = 20_000;
const accountsHeldMax = 10_000;

export type Who = Pick<Account, 'id' | 'tenant' | 'address'>;

export interface From {
  readonly address: string;
  /** What its program calls itself; "" where that is not known. */
  readonly device: string;
}

export interface PlaceNoticesParts {
  readonly owners: Identity['owners'];
  readonly send: SendNotice;
  readonly clock: Clock;
  readonly log: Log;
}

export class PlaceNotices {
  readonly #parts: PlaceNoticesParts;
  /** Account and place → when it was noted. */
  readonly #recent = new RecentMap<string, number>(recentMax);
  readonly #sent = new RecentMap<number, { readonly sinceMs: number; count: number }>(
    accountsHeldMax,
  );
  #underWay = new Set<string>();

  constructor(parts: PlaceNoticesParts) {
    this.#parts = parts;
  }

  /** Somebody is in. */
  loggedIn(who: Who, from: From): void {
    const place = placeOf(from);
    const key = `${who.id} ${place}`;
    const nowMs = this.#parts.clock.nowMs();
    if (nowMs - (this.#recent.get(key) ?? -Infinity) < dayMs) return;
    if (this.#underWay.has(key) || this.#underWay.size >= underWayMax) return;
    this.#underWay.add(key);
    void this.#look(who, place, nowMs)
      .then(() => this.#recent.set(key, nowMs))
      .catch((error: unknown) => {
        this.#parts.log.error({ error: String(error) }, 'a place of a log-in was not noted');
      })
      .finally(() => this.#underWay.delete(key));
  }

  /** A witness that tells of log-ins by mail programs; of tokens it is told once all is shown. */
  beside(witness: AccessWitness): AccessWitness {
    return {
      logIn: (told) => {
        witness.logIn(told);
        const { account, listener, peer } = told;
        if (account === undefined || listener === tokenListener) return;
        this.loggedIn(account, { address: peer, device: '' });
      },
      key: (told) => witness.key(told),
      sharedMail: (told) => witness.sharedMail(told),
    };
  }

  async #look(who: Who, place: string, nowMs: number): Promise<void> {
    const { owners } = this.#parts;
    const places = await owners.places(who);
    const isKnown = places.some(({ name }) => name === place);
    // Of an account's first log-in its owner knows.
    if (!isKnown && places.length > 0) await this.#tell(who, place, nowMs);
    await owners.notePlace(who, { name: place, atMs: nowMs });
  }

  async #tell({ id, address }: Who, place: string, nowMs: number): Promise<void> {
    const { send, log } = this.#parts;
    if (!this.#mayTell(id, nowMs)) {
      log.info({ account: address, place }, 'a log-in from a new place is told of by no mail');
      return;
    }
    const fault = await send({
      ...{ account: address, to: address, subject: 'A log-in from a new place' },
      lines: [
        `Somebody logged in to ${address} from where nobody did before:`,
        '',
        `  from  ${place}`,
        `  at    ${new Date(nowMs).toISOString()}`,
        '',
        'If it was you, there is nothing to do. If it was not, set another password now, and end',
        'sessions and app passwords you do not know.',
      ],
      key: `log-in ${id} ${place}`,
    });
    if (fault !== '') log.warn({ account: address, fault }, 'a notice of a log-in was not taken');
  }

  #mayTell(id: number, nowMs: number): boolean {
    const known = this.#sent.get(id);
    const isOld = known === undefined || nowMs - known.sinceMs >= dayMs || nowMs < known.sinceMs;
    const row = isOld ? { sinceMs: nowMs, count: 0 } : known;
    if (row.count >= noticesPerDayMax) return false;
    row.count++;
    this.#sent.set(id, row);
    return true;
  }
}

/** People's addresses change within their network, and programs change their version. */
export function placeOf({ address, device }: From): string {
  const network = networkOf(address);
  const kind = device
    .replace(/\d[\d._]*/g, '')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 200);
  return kind === '' ? network : `${network} ${kind}`;
}
