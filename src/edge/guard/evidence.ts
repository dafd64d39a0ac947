/**
 * What a decision was made of, so that the write it leads to can tell whether that still holds when its turn comes.
 *
 * Runs in:   edge (main thread).
 * Invariant: a write that asks `holds` in its turn is done only on what the decision saw: rights that were taken back
 *            meanwhile, a role that was given more, a session that ended, all count.
 */

import { isDeepStrictEqual } from 'node:util';
import type { Identity } from '../../ports/identity.ts';

interface Seen {
  readonly again: () => unknown;
  readonly answer: unknown;
}

/** What was decided of rights that others changed before it was written: it is to be decided again. */
export class RightsMoved extends Error {}

export class Evidence {
  readonly #seen: Seen[] = [];
  /** Looks up as the identity it was made of; what it answers is kept. */
  readonly identity: Identity;

  constructor({ directory, credentials, secondFactors, roles, owners, groups }: Identity) {
    this.identity = {
      directory: this.#watched(directory),
      credentials: this.#watched(credentials),
      secondFactors: this.#watched(secondFactors),
      roles: this.#watched(roles),
      owners: this.#watched(owners),
      groups: this.#watched(groups),
    };
  }

  /** In the turn of a write, where the stores answer at once. @throws RightsMoved */
  readonly mustHold = (): void => {
    for (const { again, answer } of this.#seen) {
      if (!isDeepStrictEqual(again(), answer)) throw new RightsMoved('rights changed meanwhile');
    }
  };

  #watched<Store extends object>(store: Store): Store {
    return new Proxy(store, {
      get: (_, name) => {
        const member: unknown = Reflect.get(store, name);
        if (typeof member !== 'function') return member;
        return (...asked: unknown[]): unknown => {
          const again = () => Reflect.apply(member, store, asked) as unknown;
          const answer = again();
          // What is not answered at once cannot be asked for in a turn.
          if (!(answer instanceof Promise)) this.#seen.push({ again, answer });
          return answer;
        };
      },
    });
  }
}
