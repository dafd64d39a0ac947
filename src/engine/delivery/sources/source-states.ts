/**
 * Which sources may be used now: operators suspend them, rules suspend them towards a site, and those that fail by
 * themselves (a proxy that is gone, an address that is not ours) are left alone for a while.
 *
 * Runs in:   engine threads; one per thread. The main thread keeps what operators said, and tells all threads what
 *            rules of one found (`app/source-book.ts`).
 * Limits:    `suspensionsMax` sites with a suspended source; the oldest goes first.
 */

import type {
  PathSuspension,
  SourceDown,
  SourcesSnapshot,
} from '../../../actors/asks/source-asks.ts';
import { pathName, siteOfPath } from '../../../base/path-names.ts';
import { minuteMs, secondMs } from '../../../base/units.ts';
import type { Reply } from '../../../mail/wire/smtp/reply-reader.ts';
import type { Clock } from '../../../ports/clock.ts';

export const suspensionsMax = 20_000;
/** A suspension that grows by less is told to nobody else. */
const toldAgainMs = 10 * secondMs;
const downMsMin = 30 * secondMs;
const downMsMax = 10 * minuteMs;

/** Why a source is not used. */
export type Hindrance =
  | {
      readonly is: 'suspended' /** Absent: until an operator resumes it. */;
      readonly untilMs?: number;
    }
  | { readonly is: 'down'; readonly reply: Reply };

interface Down {
  readonly failures: number;
  /** On the monotonic clock. */
  readonly untilMs: number;
  readonly reply: Reply;
}

export interface SourceStatesOptions {
  readonly clock: Clock;
  /** For the main thread, which tells all threads. */
  readonly onSuspension: (suspension: PathSuspension) => void;
  /** For the main thread, which tells operators. */
  readonly onDown: (down: SourceDown) => void;
}

export class SourceStates {
  readonly #options: SourceStatesOptions;
  /** By operators. */
  #suspended: ReadonlySet<string> = new Set();
  /** By rules: until when, by path; epoch milliseconds. */
  readonly #untilMs = new Map<string, number>();
  readonly #down = new Map<string, Down>();
  /** Called after something may not be used that could before. */
  onSuspended: () => void = () => {};

  constructor(options: SourceStatesOptions) {
    this.#options = options;
  }

  /**
   * A rule found that a source should not send to a site until then (epoch milliseconds). `path` names the site, with a
   * source or without one. All threads hear of it.
   */
  suspend(source: string, path: string, untilMs: number): void {
    const suspension: PathSuspension = [source, siteOfPath(path), untilMs];
    const knownMs = this.#untilMs.get(pathName(suspension[1], source)) ?? 0;
    this.#suspendPath(suspension);
    // Each of many replies that come at once says the same.
    if (untilMs - knownMs < toldAgainMs) return;
    this.#options.onSuspension(suspension);
    this.onSuspended();
  }

  apply({ suspended, paths }: SourcesSnapshot): void {
    this.#suspended = new Set(suspended);
    for (const suspension of paths) this.#suspendPath(suspension);
    this.onSuspended();
  }

  #suspendPath([source, site, untilMs]: PathSuspension): void {
    const path = pathName(site, source);
    const known = this.#untilMs.get(path) ?? 0;
    this.#untilMs.delete(path);
    this.#untilMs.set(path, Math.max(known, untilMs));
    if (this.#untilMs.size > suspensionsMax) {
      this.#untilMs.delete(this.#untilMs.keys().next().value!);
    }
  }

  /** It could not be left by, for no fault of the target. */
  failed(source: string, reply: Reply): void {
    const nowMs = this.#options.clock.monotonicMs();
    const before = this.#down.get(source);
    // What failed side by side failed by one cause.
    if (before !== undefined && before.untilMs > nowMs) return;
    const failures = (before?.failures ?? 0) + 1;
    const waitMs = Math.min(downMsMin * 2 ** Math.min(failures - 1, 20), downMsMax);
    this.#down.set(source, { failures, reply, untilMs: nowMs + waitMs });
    this.#options.onDown([source, this.#options.clock.nowMs() + waitMs, reply.text]);
  }

  worked(source: string): void {
    if (this.#down.size === 0 || !this.#down.delete(source)) return;
    this.#options.onDown([source, 0, '']);
  }

  hindrance(source: string, site: string): Hindrance | undefined {
    if (this.#suspended.has(source)) return { is: 'suspended' };
    const { clock } = this.#options;
    if (this.#untilMs.size > 0) {
      const path = pathName(site, source);
      const untilMs = this.#untilMs.get(path);
      if (untilMs !== undefined) {
        if (untilMs > clock.nowMs()) return { is: 'suspended', untilMs };
        this.#untilMs.delete(path);
      }
    }
    const down = this.#down.size === 0 ? undefined : this.#down.get(source);
    if (down !== undefined && down.untilMs > clock.monotonicMs()) {
      return { is: 'down', reply: down.reply };
    }
    return undefined;
  }
}
