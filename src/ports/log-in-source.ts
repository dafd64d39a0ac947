/**
 * A directory elsewhere that knows whose password is right, and what else there is to know of people.
 *
 * Contract:
 * - Addresses are passed as the account directory writes them. Whatever is in one is data: nothing of it has a meaning
 *   to whom the source asks.
 * - An empty password is `wrong`, and nobody is asked: elsewhere it may mean that nobody logs in (RFC 4513 §5.1.2).
 * - Where an address is found more than once it is nobody's.
 * - An address that is not there costs what one costs whose password is wrong, as far as that can be had.
 * - `check` and `find` never reject. Whatever keeps a source from an answer, or makes it no clear one, is `away`: nothing
 *   was learnt of the password. They end in bounded time.
 * - A source says yes or no for the domains it was set up for; whoever asks sees to that.
 * - Passwords are held no longer than the call.
 */

export interface Person {
  /** What the source calls them: a DN. */
  readonly id: string;
  readonly address: string;
  /** "": not known. */
  readonly displayName: string;
  readonly aliases: readonly string[];
  readonly groups: readonly string[];
  /** Bytes; absent: it does not say. */
  readonly quotaBytes?: number;
  readonly isEnabled: boolean;
}

export interface SourceAway {
  readonly kind: 'away';
  readonly why: string;
}

/** `other-address`: what was found has not the address that was asked for. */
export type NobodyWhy = 'missing' | 'several' | 'other-address';

export type Found =
  | { readonly kind: 'found'; readonly person: Person }
  | { readonly kind: 'nobody'; readonly why: NobodyWhy }
  | SourceAway;

export type Checked =
  | { readonly kind: 'right'; readonly person: Person }
  | { readonly kind: 'wrong'; readonly why: NobodyWhy | 'password' | 'disabled' }
  /** It is right, and too old to open anything. */
  | { readonly kind: 'expired' }
  | SourceAway;

export interface LogInSource {
  readonly name: string;
  check(address: string, password: string): Promise<Checked>;
  find(address: string): Promise<Found>;
  /** All of its domains, in no order. @throws MailError `deadline-passed` where it is away. */
  people(): AsyncIterable<Person>;
  /** Ends what is under way; afterwards it is away. */
  close(): Promise<void>;
}
