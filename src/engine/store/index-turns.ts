/**
 * Index commits of a thread's shards, one after the other: each writes thousands of pages and waits for the disk, and
 * a journal's sync in the midst of several waited for all of them, a quarter of a second and more (decision 0114).
 *
 * Runs in:   engine threads; one a thread.
 * Limits:    each shard has one commit under way or waiting.
 * Invariant: turns are given in the order they were asked for; one that fails ends like any other.
 */

export class IndexTurns {
  #last: Promise<unknown> = Promise.resolve();

  /** `run` is called once those before have ended. */
  take(run: () => Promise<void>): Promise<void> {
    const turn = this.#last.then(run);
    this.#last = turn.catch(() => {});
    return turn;
  }
}
