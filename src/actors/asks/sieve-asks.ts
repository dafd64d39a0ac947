/**
 * Asks about an account's Sieve scripts, packed.
 *
 * Runs in:   both sides; plain data only.
 * Specs:     RFC 5804 §2; each ask names its commands.
 * Invariant: the actor of each is the account (`accountActor`). At most one script is active. What is answered is on
 *            disk.
 */

export const sieveAsks = {
  /** meta: `[account]`. Answer: `SieveScripts`. LISTSCRIPTS. */
  list: 'sieve.list',
  /** meta: `[account, name]`. Answer: whether it is there; body: its text. GETSCRIPT. */
  get: 'sieve.get',
  /** meta: `[account, name, bytes]`. Answer: `SieveRoom`; a name that may not be fails. HAVESPACE. */
  room: 'sieve.room',
  /** meta: `[address]`, whose it would be; body: the text. Answer: `SieveCheck`. Nothing is kept. CHECKSCRIPT. */
  check: 'sieve.check',
  /** meta: `PackedPut`, body: the text. Answer: `PutScript`. PUTSCRIPT. */
  put: 'sieve.put',
  /** meta: `PackedScript`; "": none is active from then on. Answer: `ScriptDone`. SETACTIVE. */
  activate: 'sieve.activate',
  /** meta: `PackedScript`. Answer: `ScriptDone`; the active one stays (RFC 5804 §2.10). DELETESCRIPT. */
  remove: 'sieve.remove',
  /** meta: `[...PackedScript, newName]`. Answer: `ScriptDone`. The active one stays active. RENAMESCRIPT. */
  rename: 'sieve.rename',
} as const;

export type PackedScript = readonly [account: number, tenant: number, name: string];
/** `address`: the account's, for warnings. */
export type PackedPut = readonly [...PackedScript, address: string];
export type PackedRenamed = readonly [...PackedScript, newName: string];

export interface SieveScript {
  readonly name: string;
  readonly isActive: boolean;
  readonly bytes: number;
}

/** In order of name. */
export type SieveScripts = readonly SieveScript[];

export interface SieveFault {
  /** From 1. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** None: it compiles. */
export type SieveFaults = readonly SieveFault[];

/** `too-many`: scripts of the account. `too-large`: this one. `no-room`: all of them together. */
export type SieveRoom = 'free' | 'too-many' | 'too-large' | 'no-room';

/** Warnings are of what compiles: there are none beside faults. */
export interface SieveCheck {
  readonly faults: SieveFaults;
  readonly warnings: SieveFaults;
}

export type PutScript =
  | { readonly result: 'stored'; readonly warnings: SieveFaults }
  | { readonly result: Exclude<SieveRoom, 'free'> }
  | { readonly result: 'faulty'; readonly faults: SieveFaults };

export type ScriptDone = 'done' | 'missing' | 'exists' | 'active';

/** Characters of a name (RFC 5804 §1.6 asks for 128 at the least). */
const scriptNameLengthMax = 256;

/** RFC 5804 §1.6 (Net-Unicode, RFC 5198 §2): no control characters, no line separators, no mark of an encoding. */
export function isScriptName(name: string): boolean {
  const isBad = /^\ufeff|[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(name);
  return name !== '' && name.length <= scriptNameLengthMax && !isBad && name.isWellFormed();
}
