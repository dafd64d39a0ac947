/**
 * How commands and tests are declared: what they take, and what they do.
 *
 * Runs in:   anywhere.
 */

import type { Machine } from '../run/machine.ts';
import type { Arguments } from './arguments.ts';
import type { Enabled } from './read-arguments.ts';

export type ArgumentKind = 'string' | 'strings' | 'number';

export interface TagSpec {
  readonly name: string;
  /** The extension that must be required for it; undefined: that of the command. */
  readonly extension?: string;
  /** What follows it. */
  readonly value?: ArgumentKind;
  /** Of one group at most one tag may stand. */
  readonly group?: string;
  /** Only beside this other tag. */
  readonly needs?: string;
}

export interface PositionalSpec {
  readonly name: string;
  readonly kind: ArgumentKind;
  /** It may be left out: then those that stand are for the specs behind it. */
  readonly isOptional?: true;
  /** Demanded only where this extension is required; the argument is not taken without. */
  readonly extension?: string;
}

interface Spec {
  readonly name: string;
  /** One of them must be required; undefined: part of the language itself. */
  readonly extensions?: readonly string[];
  readonly tags?: readonly TagSpec[];
  readonly positional?: readonly PositionalSpec[];
  /** Takes a comparator, a match type and keys: the name of the positional argument that holds the keys. */
  readonly keys?: string;
  /** Said at compile time, of what is constant. */
  readonly check?: (args: Arguments, enabled: Enabled) => void;
}

export interface CommandSpec extends Spec {
  readonly run: (machine: Machine, args: Arguments) => void;
}

export interface TestSpec extends Spec {
  readonly run: (machine: Machine, args: Arguments) => boolean;
}

export interface Extension {
  /** As in `require`; undefined: the language itself. */
  readonly names: readonly string[];
  readonly commands?: readonly CommandSpec[];
  readonly tests?: readonly TestSpec[];
}

/** RFC 5260 §6. */
export const indexTags: readonly TagSpec[] = [
  { name: 'index', extension: 'index', value: 'number' },
  { name: 'last', extension: 'index', needs: 'index' },
];

/** RFC 5703 §4. */
export const mimeTags: readonly TagSpec[] = [
  { name: 'mime', extension: 'mime' },
  { name: 'anychild', extension: 'mime', needs: 'mime' },
];

/** RFC 5228 §2.7.4, RFC 5233 §4. */
export const addressPartTags: readonly TagSpec[] = [
  { name: 'all', group: 'address-part' },
  { name: 'localpart', group: 'address-part' },
  { name: 'domain', group: 'address-part' },
  { name: 'user', extension: 'subaddress', group: 'address-part' },
  { name: 'detail', extension: 'subaddress', group: 'address-part' },
];
