/**
 * The hosts of a path, in the order to try them, and what is remembered of those that failed.
 *
 * Runs in:   engine threads; one per path and thread.
 * Specs:     RFC 5321 §5.1 (order of hosts); RFC 7435 §3 (clear text beats no mail where it may).
 * Limits:    what is remembered is of hosts the path has now.
 */

import type { SiteFacts } from '../../actors/asks/explain-asks.ts';
import type { Clock } from '../../ports/clock.ts';
import type { HostTls } from './host-tls.ts';
import { reaches, type Source } from './sources/source.ts';

export interface Target {
  readonly host: string;
  readonly address: string;
  readonly port: number;
  /** Absent: as the site's handshake has it. */
  readonly tls?: HostTls;
}

/** TLS that failed with a host is left alone this long, where clear text is allowed. */
const tlsBrokenMs = 600_000;

export class SiteHosts {
  readonly #source: Source;
  #targets: readonly Target[] = [];
  /** Hosts that failed lately, by address: until when the others go first. */
  readonly #badUntilMs = new Map<string, number>();
  /** Hosts whose TLS failed lately, by address: until when they are tried in clear at once. */
  readonly #tlsBrokenUntilMs = new Map<string, number>();

  constructor(source: Source, targets: readonly Target[]) {
    this.#source = source;
    this.retarget(targets);
  }

  get count(): number {
    return this.#targets.length;
  }

  /** Newer answers of the DNS; of them, those that the source reaches. */
  retarget(targets: readonly Target[]): void {
    this.#targets = targets.filter(({ address }) => reaches(this.#source, address));
    for (const remembered of [this.#badUntilMs, this.#tlsBrokenUntilMs]) {
      for (const address of remembered.keys()) {
        if (!this.#targets.some((target) => target.address === address)) remembered.delete(address);
      }
    }
  }

  /** By preference, but those that failed lately last: their time-outs are not waited for again and again. */
  inOrder(nowMs: number): readonly Target[] {
    if (this.#badUntilMs.size === 0) return this.#targets;
    const isBad = (target: Target) => (this.#badUntilMs.get(target.address) ?? 0) > nowMs;
    return [...this.#targets.filter((each) => !isBad(each)), ...this.#targets.filter(isBad)];
  }

  failed({ address }: Target, untilMs: number): void {
    this.#badUntilMs.set(address, untilMs);
  }

  tlsFailed({ address }: Target, nowMs: number): void {
    this.#tlsBrokenUntilMs.set(address, nowMs + tlsBrokenMs);
  }

  isTlsBroken({ address }: Target, nowMs: number): boolean {
    return (this.#tlsBrokenUntilMs.get(address) ?? 0) > nowMs;
  }

  facts(clock: Clock): SiteFacts['targets'] {
    return this.#targets.map(({ host, address }) => {
      return { host, address, badUntilMs: wallMs(clock, this.#badUntilMs.get(address) ?? 0) };
    });
  }
}

/** An instant of the monotonic clock on the wall; 0 where it is past. */
export function wallMs(clock: Clock, untilMs: number): number {
  const leftMs = untilMs - clock.monotonicMs();
  return leftMs <= 0 ? 0 : Math.round(clock.nowMs() + leftMs);
}
