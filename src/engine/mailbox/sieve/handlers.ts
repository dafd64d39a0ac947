/**
 * Answers asks about accounts' scripts.
 *
 * Runs in:   engine threads.
 * Limits:    a text longer than a script may be is refused before it is compiled.
 */

import type { Answer, ArrivedAsk, Handlers } from '../../../actors/ask.ts';
import {
  type PackedPut,
  type PackedRenamed,
  type PackedScript,
  sieveAsks,
} from '../../../actors/asks/sieve-asks.ts';
import { failure, failureOf } from '../../../base/errors.ts';
import type { AccountId, TenantId } from '../../../base/ids.ts';
import type { Owner } from '../tree.ts';
import type { ScriptShelf } from './shelf.ts';

type Work = (shelf: ScriptShelf, ask: ArrivedAsk) => Answer | Promise<Answer>;

export function sieveHandlers(shelfOf: (ask: ArrivedAsk) => ScriptShelf | undefined): Handlers {
  const answered = async (work: Work, ask: ArrivedAsk): Promise<Answer> => {
    const shelf = shelfOf(ask);
    if (shelf === undefined) {
      return failure('not-possible-now', `shard ${ask.shard} is not open here`);
    }
    try {
      return await work(shelf, ask);
    } catch (error) {
      return failureOf(error);
    }
  };
  const within = (work: Work) => (ask: ArrivedAsk) => answered(work, ask);
  /** Waits for decisions of the account that are under way. */
  const apart = (work: Work) => (ask: ArrivedAsk) => ({ pending: answered(work, ask) });
  return {
    [sieveAsks.list]: within((shelf, ask) => value(shelf.list(...(ask.meta as [number])))),
    [sieveAsks.get]: within((shelf, ask) => {
      const text = shelf.text(...(ask.meta as [number, string]));
      if (text === undefined) return value(false);
      return { ok: true, value: true, body: text };
    }),
    [sieveAsks.room]: within((shelf, ask) => {
      const [account, name, bytes] = ask.meta as readonly [number, string, number];
      return value(shelf.room(account, name, bytes));
    }),
    [sieveAsks.check]: within((shelf, ask) =>
      value(shelf.check(ask.body, (ask.meta as [string])[0])),
    ),
    [sieveAsks.put]: apart(async (shelf, ask) => {
      const [owner, name] = ownerAndName(ask);
      const address = (ask.meta as PackedPut)[3];
      return value(await shelf.put(owner, name, Buffer.from(ask.body), address));
    }),
    [sieveAsks.activate]: apart(async (shelf, ask) =>
      value(await shelf.activate(...ownerAndName(ask))),
    ),
    [sieveAsks.remove]: apart(async (shelf, ask) =>
      value(await shelf.remove(...ownerAndName(ask))),
    ),
    [sieveAsks.rename]: apart(async (shelf, ask) => {
      const newName = (ask.meta as PackedRenamed)[3];
      return value(await shelf.rename(...ownerAndName(ask), newName));
    }),
  };
}

function value(of: unknown): Answer {
  return { ok: true, value: of };
}

function ownerAndName({ meta }: ArrivedAsk): [Owner, string] {
  const [account, tenant, name] = meta as PackedScript;
  return [{ account: account as AccountId, tenant: tenant as TenantId }, name];
}
