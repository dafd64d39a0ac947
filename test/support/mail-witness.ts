/**
 * Looks at a mailbox again and again that others fill and empty: it knows nothing of what they do, but that UIDs and
 * UIDVALIDITY never change or come back.
 *
 * Runs in:   crash runs.
 * Specs:     RFC 9051 §2.3.1.1 (UIDs rise, and none is used again), RFC 7162 §3.1.2.1 (modseqs rise).
 * Invariant: what was once gone below a UIDNEXT that was told is gone for ever.
 */

import type { FoundMailbox } from './mail-ledger.ts';

interface Seen {
  readonly uidValidity: number;
  readonly uidNext: number;
  readonly modseq: number;
  /** By UID. */
  readonly texts: ReadonlyMap<number, string>;
}

export class MailWitness {
  readonly #seen = new Map<string, Seen>();

  /** Answers what cannot be, after what was seen before. `whose` tells mailboxes of one name apart. */
  look(whose: string, found: FoundMailbox): string[] {
    const { name, uidValidity, uidNext, modseq, messages } = found;
    const key = `${whose} ${name}`;
    const texts = new Map(messages.map(({ uid, text }) => [uid, text]));
    const before = this.#seen.get(key);
    this.#seen.set(key, { uidValidity, uidNext, modseq, texts });
    const faults = messages
      .filter(({ text }) => !/^w\d+-\d+-\d+$/.test(text))
      .map(({ uid, text }) => `UID ${uid} of ${key} is not whole: ${text}`);
    if (texts.size < messages.length) faults.push(`${key} has a UID twice`);
    if (before === undefined) return faults;
    if (uidValidity !== before.uidValidity) {
      faults.push(`${key} had UIDVALIDITY ${before.uidValidity} and has ${uidValidity}`);
    }
    if (uidNext < before.uidNext) {
      faults.push(`${key} had UIDNEXT ${before.uidNext} and has ${uidNext}`);
    }
    if (modseq < before.modseq) {
      faults.push(`${key} had modseq ${before.modseq} and has ${modseq}`);
    }
    for (const [uid, text] of texts) {
      const was = before.texts.get(uid);
      if (was !== undefined && was !== text) {
        faults.push(`UID ${uid} of ${key} was ${was} and is ${text}`);
      }
      if (was === undefined && uid < before.uidNext) {
        faults.push(`UID ${uid} of ${key} is back, below UIDNEXT ${before.uidNext}: ${text}`);
      }
    }
    return faults;
  }
}
