/**
 * Asks lists in the DNS about the hosts that a message leads to.
 *
 * Runs in:   engine threads.
 * Specs:     RFC 5782 §2.5 (lists of names), §5 (none of them has `invalid`).
 * Limits:    the hosts are bounded by who reads the message; all answers are waited for `waitMsMax` at the most.
 * Invariant: what cannot be looked up in time counts nothing. A list counts once, by the worst of the hosts; it speaks
 *            for mail where it knows all of them: any mail may lead to one that everybody knows. One that lists every
 *            name counts nothing.
 */

import { secondMs } from '../../base/units.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Dns } from '../../ports/dns.ts';
import { type ListSetting, listWorth } from '../../settings/filters.ts';

const waitMsMax = 3 * secondMs;

export interface ListedHosts {
  readonly rules: readonly { readonly name: string; readonly score: number }[];
  /** A list says that such mail is to be refused. */
  readonly isRejected: boolean;
}

const nothing: ListedHosts = { rules: [], isRejected: false };

export class HostLists {
  readonly #lists: readonly ListSetting[];
  readonly #dns: Pick<Dns, 'a'>;
  readonly #clock: Clock;

  constructor(lists: readonly ListSetting[], dns: Pick<Dns, 'a'>, clock: Clock) {
    this.#lists = lists;
    this.#dns = dns;
    this.#clock = clock;
  }

  /** Never rejects; over by `endMs` of the clock. */
  async ask(hosts: readonly string[], endMs: number): Promise<ListedHosts> {
    if (this.#lists.length === 0 || hosts.length === 0) return nothing;
    const worths = new Map<string, number[]>();
    let isRejected = false;
    const all = this.#lists.flatMap((list) =>
      hosts.map(async (host) => {
        const worth = await this.#worthOf(list, host);
        if (worth === 'reject') isRejected = true;
        else worths.set(list.name, [...(worths.get(list.name) ?? []), worth]);
      }),
    );
    await this.#within(Promise.all(all), endMs);
    const rules = Array.from(worths, ([name, each]) => {
      const isWhole = each.length === hosts.length;
      return { name: `URL_LISTED_${name}`, score: Math.max(...each, ...(isWhole ? [] : [0])) };
    });
    return { rules: rules.filter(({ score }) => score !== 0), isRejected };
  }

  async #worthOf(list: ListSetting, host: string): Promise<number | 'reject'> {
    try {
      const answer = await this.#dns.a(`${host}.${list.zone}`);
      const worth = answer.ok ? listWorth(list, answer.records) : 0;
      if (worth === 'failed' || worth === 0) return 0;
      return (await this.#dns.a(`invalid.${list.zone}`)).ok ? 0 : worth;
    } catch {
      return 0;
    }
  }

  async #within(all: Promise<unknown>, endMs: number): Promise<void> {
    const leftMs = Math.max(0, endMs - this.#clock.monotonicMs());
    const { promise: over, resolve } = Promise.withResolvers<void>();
    // The scanner has its own end a little later: what is known by then is worth more than no verdict.
    const timer = this.#clock.setTimer(Math.min(waitMsMax, leftMs / 2), () => resolve());
    await Promise.race([all, over]);
    timer.cancel();
  }
}
