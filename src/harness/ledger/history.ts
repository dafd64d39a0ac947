/**
 * All entries of one message, in whatever order they came, and what they say of each of its copies.
 *
 * Runs in:   ledger; pure.
 * Specs:     RFC 5321 §2.4 (of an address only the domain is the same in either case).
 * Limits:    `entriesMax` entries of a kind; more are only counted.
 */

import type {
  AcknowledgedEntry,
  ArrivedEntry,
  BouncedEntry,
  EntryKind,
  InjectedEntry,
  LedgerEntries,
  RefusedEntry,
  ReportedEntry,
  SeenEntry,
} from './entries.ts';

/** A message for as many recipients as a server takes, each come once, fits. */
export const entriesMax = 100_000;

/** A list is absent until it has an entry: most messages have three. */
export interface History {
  injected?: InjectedEntry;
  injectedCount: number;
  acknowledged?: AcknowledgedEntry[];
  refused?: RefusedEntry[];
  arrived?: ArrivedEntry[];
  seen?: SeenEntry[];
  bounced?: BouncedEntry[];
  reported?: ReportedEntry[];
  /** Entries beyond `entriesMax`. */
  overflow: number;
}

export function emptyHistory(): History {
  return { injectedCount: 0, overflow: 0 };
}

export function enter<K extends EntryKind>(
  history: History,
  kind: K,
  entry: LedgerEntries[K],
): void {
  if (kind === 'injected') {
    history.injected ??= entry as InjectedEntry;
    history.injectedCount++;
    return;
  }
  const lists = history as unknown as Record<string, LedgerEntries[K][] | undefined>;
  lists[kind] ??= [];
  const list = lists[kind];
  if (list.length < entriesMax) list.push(entry);
  else history.overflow++;
}

/** Each message of a mailbox once, however often the mailbox was read. */
export function distinct(seen: readonly SeenEntry[] = []): readonly SeenEntry[] {
  if (seen.length < 2) return seen;
  const places = new Set<string>();
  return seen.filter(({ via, uid }) => {
    const place = `${uid} ${via}`;
    const isNew = !places.has(place);
    places.add(place);
    return isNew;
  });
}

/** How often a copy came. */
export interface Copies {
  arrived: number;
  seen: number;
}

/** By recipient. */
export function copiesCame(
  arrived: readonly ArrivedEntry[],
  seen: readonly SeenEntry[],
): Map<string, Copies> {
  const copies = new Map<string, Copies>();
  const add = (entry: ArrivedEntry, kind: keyof Copies) => {
    for (const address of entry.to) {
      const to = sameAddress(address);
      const known = copies.get(to);
      const counts = known ?? { arrived: 0, seen: 0 };
      if (known === undefined) copies.set(to, counts);
      counts[kind]++;
    }
  };
  for (const entry of arrived) add(entry, 'arrived');
  for (const entry of seen) add(entry, 'seen');
  return copies;
}

/** The recipients that entries name, each once. */
export function named(
  entries: readonly { readonly to: readonly string[] }[] | undefined,
): Set<string> {
  const names = new Set<string>();
  for (const { to } of entries ?? []) for (const each of to) names.add(sameAddress(each));
  return names;
}

/** What the server told of copies, by notices and webhooks. */
export interface Told {
  readonly failed: ReadonlySet<string>;
  readonly delivered: ReadonlySet<string>;
  readonly delayed: ReadonlySet<string>;
  readonly byWebhook: ReadonlySet<string>;
  /** A webhook told how it ended. */
  readonly endedByWebhook: ReadonlySet<string>;
  /** Recipients told of that the message was not sent to. */
  readonly strangers: readonly string[];
}

export function toldOf(injected: InjectedEntry, { bounced, reported }: History): Told {
  const failed = new Set<string>();
  const delivered = new Set<string>();
  const delayed = new Set<string>();
  const byWebhook = new Set<string>();
  const endedByWebhook = new Set<string>();
  const strangers: string[] = [];
  const ours = bounced === undefined && reported === undefined ? undefined : named([injected]);
  const each = (to: readonly string[], tell: (address: string) => void) => {
    // A report may speak of the address an alias led to, or name nobody: of one recipient it is clear whom it means.
    const names = ours!.size === 1 ? ours! : named([{ to }]);
    if (names.size === 0) strangers.push('nobody by name');
    for (const name of names) {
      if (ours!.has(name)) tell(name);
      else strangers.push(name);
    }
  };
  for (const { to } of bounced ?? []) each(to, (address) => failed.add(address));
  for (const { to, event, by } of reported ?? []) {
    each(to, (address) => {
      if (by === 'webhook') byWebhook.add(address);
      if (by === 'webhook' && event !== 'delayed') endedByWebhook.add(address);
      if (event === 'failed') failed.add(address);
      else if (event === 'delayed') delayed.add(address);
      else if (event === 'delivered') delivered.add(address);
    });
  }
  return { failed, delivered, delayed, byWebhook, endedByWebhook, strangers };
}

function sameAddress(address: string): string {
  const at = address.lastIndexOf('@');
  return at === -1 ? address : address.slice(0, at) + address.slice(at).toLowerCase();
}
