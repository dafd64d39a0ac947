/**
 * The scripts of accounts: kept, listed, and which one is active.
 *
 * Runs in:   the engine thread that owns the shard.
 * Specs:     RFC 5804 §2.5 to §2.12.
 * Limits:    `sieve.scriptsMax`, `sieve.scriptBytesMax` and `sieve.scriptBytesAllMax`.
 * Invariant: a script that is kept compiles; the active one is there. What resolves is on disk.
 */

import type {
  PutScript,
  ScriptDone,
  SieveCheck,
  SieveFaults,
  SieveRoom,
  SieveScripts,
} from '../../../actors/asks/sieve-asks.ts';
import { isScriptName } from '../../../actors/asks/sieve-asks.ts';
import { MailError } from '../../../base/errors.ts';
import { composed } from '../../../base/normal-forms.ts';
import { placedFaults, placedWarnings } from '../../../mail/sieve/compile/at-delivery.ts';
import type { Settings } from '../../../settings/schema.ts';
import { accountRange, scriptRange, tables } from '../../store/keys.ts';
import type { AccountActor } from '../account-actor.ts';
import { noQuota } from '../account-actor.ts';
import type { Decision } from '../decisions.ts';
import type { MailboxShard } from '../mailbox-shard.ts';
import type { Mailboxes } from '../mailboxes.ts';
import { activeScriptKey, scriptsOf } from '../rows/script-row.ts';
import type { Owner } from '../tree.ts';
import { type ScriptsSet, scriptsSetDraft } from './records.ts';

export type ScriptLimits = Pick<
  Settings['sieve'],
  'scriptsMax' | 'scriptBytesMax' | 'scriptBytesAllMax'
>;

export interface ShelfParts {
  readonly shard: () => Pick<MailboxShard, 'get' | 'range'>;
  readonly mailboxes: Pick<Mailboxes, 'decide'>;
  readonly nowMs: () => number;
  readonly limits: ScriptLimits;
  /** The active script may be another. */
  readonly changed: (account: number) => void;
}

type Change = Pick<ScriptsSet, 'texts' | 'active'>;

export class ScriptShelf {
  readonly #parts: ShelfParts;

  constructor(parts: ShelfParts) {
    this.#parts = parts;
  }

  list(account: number): SieveScripts {
    const { scripts, active } = this.#all(account);
    return scripts.map(({ name, text }) => ({
      name,
      isActive: name === active,
      bytes: text.byteLength,
    }));
  }

  text(account: number, name: string): Uint8Array | undefined {
    return this.#text(account, this.#keptName(account, name));
  }

  /** Names are kept in NFC (RFC 5198 §2), so that what looks the same is the same, and found by any form. */
  #keptName(account: number, name: string): string {
    const inNfc = composed(name);
    const isThere = inNfc === name || this.#text(account, name) !== undefined;
    return isThere ? name : inNfc;
  }

  #text(account: number, name: string): Uint8Array | undefined {
    if (!isScriptName(name)) return undefined;
    const { scripts } = scriptsOf(this.#parts.shard().range(scriptRange(account, name)));
    return scripts[0]?.text;
  }

  /** The active one's; undefined: none is. */
  active(account: number): string | undefined {
    const value = this.#parts.shard().get(activeScriptKey(account));
    if (value === undefined || value.byteLength === 0) return undefined;
    const text = this.text(account, Buffer.from(value).toString('utf8'));
    return text === undefined ? undefined : Buffer.from(text).toString('utf8');
  }

  /** For a script of so many bytes under the name. @throws MailError `argument-invalid`: the name */
  room(account: number, given: string, bytes: number): SieveRoom {
    const name = this.#keptName(account, given);
    mustBeScriptName(name);
    const { scriptsMax, scriptBytesMax, scriptBytesAllMax } = this.#parts.limits;
    if (bytes > scriptBytesMax) return 'too-large';
    const others = this.#all(account).scripts.filter((script) => script.name !== name);
    if (others.length >= scriptsMax) return 'too-many';
    const taken = others.reduce((sum, { text }) => sum + text.byteLength, 0);
    return taken + bytes > scriptBytesAllMax ? 'no-room' : 'free';
  }

  /** All that is wrong with a script, in order. One of no octets is none (RFC 5804 §2.6). */
  faults(text: Uint8Array): SieveFaults {
    const { scriptBytesMax } = this.#parts.limits;
    if (text.byteLength > scriptBytesMax) {
      return [{ line: 1, column: 1, message: `a script may have ${scriptBytesMax} octets` }];
    }
    if (text.byteLength === 0) return [{ line: 1, column: 1, message: 'the script is empty' }];
    return placedFaults(text);
  }

  /** `address`: whose script it would be. */
  check(text: Uint8Array, address: string): SieveCheck {
    const faults = this.faults(text);
    return { faults, warnings: faults.length > 0 ? [] : placedWarnings(text, address) };
  }

  /** `address`: the account's; "" is not known. @throws MailError `argument-invalid`: the name */
  async put(owner: Owner, given: string, text: Uint8Array, address = ''): Promise<PutScript> {
    mustBeScriptName(composed(given));
    if (text.byteLength > this.#parts.limits.scriptBytesMax) return { result: 'too-large' };
    const { faults, warnings } = this.check(text, address);
    if (faults.length > 0) return { result: 'faulty', faults };
    return await this.#decide<PutScript>(owner, () => {
      const name = this.#keptName(owner.account, given);
      const room = this.room(owner.account, name, text.byteLength);
      if (room !== 'free') return { value: { result: room } };
      return {
        value: { result: 'stored', warnings },
        change: { texts: [[name, text]], active: null },
      };
    });
  }

  /** "": none is active from then on. */
  async activate(owner: Owner, given: string): Promise<ScriptDone> {
    return await this.#decide<ScriptDone>(owner, () => {
      const name = this.#keptName(owner.account, given);
      if (name !== '' && this.text(owner.account, name) === undefined) return { value: 'missing' };
      return { value: 'done', change: { texts: [], active: name } };
    });
  }

  async remove(owner: Owner, given: string): Promise<ScriptDone> {
    return await this.#decide<ScriptDone>(owner, () => {
      const name = this.#keptName(owner.account, given);
      const script = this.list(owner.account).find((one) => one.name === name);
      if (script === undefined) return { value: 'missing' };
      if (script.isActive) return { value: 'active' };
      return { value: 'done', change: { texts: [[name, null]], active: null } };
    });
  }

  /** @throws MailError `argument-invalid`: the new name */
  async rename(owner: Owner, given: string, newGiven: string): Promise<ScriptDone> {
    mustBeScriptName(composed(newGiven));
    return await this.#decide<ScriptDone>(owner, () => {
      const name = this.#keptName(owner.account, given);
      const newName = this.#keptName(owner.account, newGiven);
      const { scripts, active } = this.#all(owner.account);
      const script = scripts.find((one) => one.name === name);
      if (script === undefined) return { value: 'missing' };
      if (name === newName) return { value: 'done' };
      if (scripts.some((one) => one.name === newName)) return { value: 'exists' };
      const texts = [
        [newName, script.text],
        [name, null],
      ] as const;
      return { value: 'done', change: { texts, active: active === name ? newName : null } };
    });
  }

  #all(account: number) {
    return scriptsOf(this.#parts.shard().range(accountRange(tables.script, account)));
  }

  async #decide<T>(
    { account, tenant }: Owner,
    choose: () => { readonly value: T; readonly change?: Change },
  ): Promise<T> {
    const { mailboxes, nowMs, changed } = this.#parts;
    const decide = (actor: AccountActor): Decision<T> => {
      const { value, change } = choose();
      if (change === undefined) return { drafts: [], mailboxes: [], value };
      const creation = actor.creation(nowMs(), noQuota);
      const draft = scriptsSetDraft(tenant, { account, modseq: actor.nextModseq(), ...change });
      const drafts = creation === undefined ? [draft] : [creation, draft];
      return { drafts, mailboxes: [], value, settled: () => changed(account) };
    };
    return await mailboxes.decide(account, tenant, decide);
  }
}

function mustBeScriptName(name: string): void {
  if (!isScriptName(name)) throw new MailError('argument-invalid', 'script name');
}
