/**
 * Who asks: each ask of a session names its reader, and none is answered before the reader's right to it is known.
 *
 * Runs in:   the engine thread that owns the shard of the account that is asked about.
 * Invariant: an ask that names no reader is not answered, whatever it asks.
 */

import type { ArrivedAsk, Handler, Handlers } from '../../../actors/ask.ts';
import { type ImapAsk, imapAsks, type PackedRead } from '../../../actors/asks/imap-asks.ts';
import { failureOf, MailError } from '../../../base/errors.ts';

export function guarded(handlers: Readonly<Record<ImapAsk, Handler>>): Handlers {
  const all = Object.values(imapAsks).map((name): [ImapAsk, Handler] => {
    const handler = handlers[name];
    const guard: Handler = (ask, room) => {
      try {
        return handler(allowed(ask), room);
      } catch (error) {
        return failureOf(error);
      }
    };
    return [name, guard];
  });
  return Object.fromEntries(all);
}

/** The ask without its reader. @throws MailError `not-found` */
function allowed(ask: ArrivedAsk): ArrivedAsk {
  const [reader, , meta] = ask.meta as PackedRead;
  if (typeof reader !== 'number' || !Array.isArray(meta)) {
    throw new MailError('argument-invalid', 'an ask without a reader');
  }
  if (reader !== accountIn(meta)) throw new MailError('not-found', 'a mailbox of somebody else');
  return { ...ask, meta };
}

/** Each ask begins with an owner, or the number of one. */
function accountIn(meta: unknown): number {
  const [first] = meta as readonly [number | readonly [number]];
  return typeof first === 'number' ? first : first[0];
}
