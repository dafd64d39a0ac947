/**
 * Runs the scripts of accounts: the server's before, the account's own, the server's after.
 *
 * Runs in:   the engine thread that owns the shard.
 * Specs:     RFC 5228 §2.10.
 * Limits:    those of `mail/sieve/limits.ts` for each run. Compiled scripts are kept in the memory that all shards of
 *            the thread share.
 * Invariant: whatever scripts and message are, there is a `Wanted`; a script that fails keeps the message. A message
 *            that was with this recipient before goes on to nobody: it would come again.
 */

import { type PolicySnapshot, spamLevelsOf } from '../../../actors/asks/policy-snapshot.ts';
import { domainOf } from '../../../base/address-parts.ts';
import type { Log } from '../../../base/log.ts';
import { fieldName, isField } from '../../../mail/formats/headers/fields.ts';
import { scanHeaders } from '../../../mail/formats/headers/scan.ts';
import { unfoldedValue } from '../../../mail/formats/headers/unfold.ts';
import { compiledScript, type ServerScripts } from '../../../mail/sieve/compile/at-delivery.ts';
import type { Include, Program } from '../../../mail/sieve/compile/program.ts';
import type { HeaderList } from '../../../mail/sieve/message/header-list.ts';
import { SieveMessage } from '../../../mail/sieve/message/message.ts';
import type { Script } from '../../../mail/sieve/run/machine.ts';
import { runScripts } from '../../../mail/sieve/run/run.ts';
import { DerivedMap, type DerivedMemory } from '../derived-memory.ts';
import { junkScript, type Outcome, outcomeOf, quarantined } from '../outcome/outcome.ts';
import { ownLevels } from '../outcome/own-levels.ts';
import {
  isSuspect,
  noMarks,
  readMarks,
  spamVerdict,
  suspectMarks,
  type TrustMarks,
  withPoints,
} from '../outcome/trust-marks.ts';
import type { Lessons } from '../spam/lessons.ts';
import { type HostFacts, type HostParts, sieveHost } from './host.ts';
import type { ScriptShelf } from './shelf.ts';
import { keptOnly, type Wanted, wantedOf } from './wanted.ts';

type DeciderOfPlaces =
  | 'spam'
  | 'domainSpam'
  | 'domains'
  | 'dmarc'
  | 'dmarcQuarantine'
  | 'authservId';

export interface FiltersParts extends HostParts {
  readonly shelf: Pick<ScriptShelf, 'active' | 'text'>;
  readonly derived: DerivedMemory;
  readonly serverScripts: () => ServerScripts;
  /** Off: no script runs. */
  readonly isOn: boolean;
  readonly redirects: boolean;
  /** Scanners are asked: what they say stands in the header. */
  readonly hasScanners: boolean;
  /** What accounts taught; absent: nobody learns. */
  readonly lessons?: Pick<Lessons, 'has' | 'points'>;
  readonly policy: () => Pick<PolicySnapshot, DeciderOfPlaces>;
  readonly log: Pick<Log, 'info' | 'isOn'>;
}

/** What a compiled script takes, for each octet of its text. */
const bytesPerOctet = 20;
const overheadBytes = 1_024;

interface Compiled {
  /** Undefined: there is no such script, or it does not compile any more. */
  readonly program: Program | undefined;
}

/** No tenant has this number. */
const nobodys = -1;

type Addressee = Pick<HostFacts, 'account' | 'recipient'>;

const intoJunk: Script = { program: junkScript, find: () => undefined };

const deliveredToName = fieldName('delivered-to');

export class AccountFilters {
  readonly #parts: FiltersParts;
  /** The active ones by account, those they include by account and name. */
  readonly #programs: DerivedMap<Compiled>;

  constructor(parts: FiltersParts) {
    this.#parts = parts;
    this.#programs = new DerivedMap(parts.derived);
  }

  /** The active script of an account, or its name, is another. */
  changed(account: number): void {
    this.#programs.deleteAll(`${account} `);
  }

  close(): void {
    this.#programs.close();
  }

  /** Whether an account with these scripts has its mail in INBOX, whatever the message says. */
  isPlain({ account, recipient }: Addressee, scripts: readonly Script[]): boolean {
    const { hasScanners, policy } = this.#parts;
    const isMarked = hasScanners || policy().dmarc === 'enforce';
    return scripts.length === 0 && !isMarked && !this.#hasLessons(account, recipient);
  }

  /** In order. */
  scriptsOf(account: number): readonly Script[] {
    const { isOn, serverScripts } = this.#parts;
    if (!isOn) return [];
    const { before, after } = serverScripts();
    const own = this.#own(account);
    const find = (include: Include) => this.#included(account, include);
    const shared = (include: Include) => this.#global(include);
    return [
      ...(before === undefined ? [] : [{ program: before, find: shared }]),
      ...(own === undefined ? [] : [{ program: own, find }]),
      ...(after === undefined ? [] : [{ program: after, find: shared }]),
    ];
  }

  /** An account's script of that name; undefined: there is none, or it does not compile any more, or none may run. */
  named(account: number, name: string): Script | undefined {
    if (!this.#parts.isOn) return undefined;
    const find = (include: Pick<Include, 'location' | 'name'>) => this.#included(account, include);
    const program = find({ location: 'personal', name });
    return program === undefined ? undefined : { program, find };
  }

  /** `text`: the message, or so much of its `octets` as is in memory, the whole header with it. */
  run(scripts: readonly Script[], facts: HostFacts, text: Uint8Array, octets: number): Wanted {
    const { log, redirects, hasScanners } = this.#parts;
    const message = new SieveMessage(text, octets);
    const said = hasScanners ? readMarks(message.headers) : noMarks;
    const suspect = this.#withDmarc(said, message.headers);
    const marks = facts.isOwn === true ? suspect : this.#withOwn(suspect, facts, text);
    const place = this.#outcome(marks, facts);
    if (place === 'quarantine') return quarantined;
    const all = place === 'junk' ? [...scripts, intoJunk] : scripts;
    if (all.length === 0) return keptOnly;
    const host = sieveHost(this.#parts, facts, spamVerdict(marks));
    const outcome = runScripts(all, message, host);
    const { fault } = outcome;
    if (fault !== undefined) {
      const { line, message } = fault;
      log.info({ account: facts.account, line, fault: message }, 'a script failed: mail is kept');
    }
    const wanted = wantedOf(outcome, host.lists);
    if (wanted.redirects.length === 0) return wanted;
    const mayGoOn = redirects && !wasHere(text, facts.recipient);
    return mayGoOn ? wanted : keptInstead(wanted);
  }

  /** With what DMARC found. */
  #withDmarc(marks: TrustMarks, headers: HeaderList): TrustMarks {
    const { dmarc, dmarcQuarantine, authservId } = this.#parts.policy();
    const counts = dmarc === 'enforce' && isSuspect(headers, authservId);
    return counts ? suspectMarks(marks, dmarcQuarantine) : marks;
  }

  /** With what the account taught, and others of its tenant. */
  #withOwn(marks: TrustMarks, { account, recipient }: HostFacts, text: Uint8Array): TrustMarks {
    const { lessons, log } = this.#parts;
    if (lessons === undefined || !this.#hasLessons(account, recipient)) return marks;
    const points = lessons.points(account, this.#tenantOf(recipient), text);
    if (log.isOn('info')) log.info({ account, ...points }, 'points by what accounts taught');
    return withPoints(marks, points.own + points.tenant);
  }

  #hasLessons(account: number, recipient: string): boolean {
    return this.#parts.lessons?.has(account, this.#tenantOf(recipient)) === true;
  }

  /** By its address: a message that goes to accounts of several has the tenant of one of them, or of its sender. */
  #tenantOf(recipient: string): number {
    const domain = domainOf(recipient).toLowerCase();
    return this.#parts.policy().domains[domain]?.tenant ?? nobodys;
  }

  #outcome(marks: TrustMarks, { account, recipient }: HostFacts): Outcome {
    if (marks === noMarks) return 'accept';
    const { shard, policy } = this.#parts;
    return outcomeOf(marks, [ownLevels(shard(), account), ...spamLevelsOf(policy(), recipient)]);
  }

  #own(account: number): Program | undefined {
    return this.#program(`${account} `, () => this.#parts.shelf.active(account));
  }

  /** Undefined: of an account's own, too. */
  #global({ location, name }: Pick<Include, 'location' | 'name'>): Program | undefined {
    return location === 'global' ? this.#parts.serverScripts().globals.get(name) : undefined;
  }

  #included(
    account: number,
    { location, name }: Pick<Include, 'location' | 'name'>,
  ): Program | undefined {
    if (location === 'global') return this.#global({ location, name });
    const { shelf } = this.#parts;
    return this.#program(`${account} ${name}`, () => {
      const text = shelf.text(account, name);
      return text === undefined ? undefined : Buffer.from(text).toString('utf8');
    });
  }

  #program(key: string, source: () => string | undefined): Program | undefined {
    const known = this.#programs.get(key);
    if (known !== undefined) return known.program;
    const text = source();
    // One that was kept compiled then: where it does not any more, it wants something that is gone since.
    const program = compiledScript(text ?? '');
    const bytes = overheadBytes + (text?.length ?? 0) * bytesPerOctet;
    this.#programs.set(key, { program }, program === undefined ? 0 : bytes);
    return program;
  }
}

/** By the field that final delivery, and each redirect, puts on top. */
function wasHere(text: Uint8Array, recipient: string): boolean {
  const scan = scanHeaders(text);
  const own = recipient.toLowerCase();
  for (let field = 0; field < scan.count; field++) {
    if (!isField(scan, field, deliveredToName)) continue;
    if (unfoldedValue(scan, field).trim().toLowerCase() === own) return true;
  }
  return false;
}

/** What may not go on stays. */
export function keptInstead(wanted: Wanted): Wanted {
  const copies = wanted.copies.length === 0 ? keptOnly.copies : wanted.copies;
  return { ...wanted, copies, redirects: [] };
}
