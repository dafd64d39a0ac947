/**
 * Whether the server is ready, and what is wrong with it, for `/readyz` and `chaski check`.
 *
 * Runs in: main thread.
 */

import { shardId } from '../base/ids.ts';
import type { Readiness } from '../edge/protocols/http/routes.ts';
import type { EngineHost } from './engine-host.ts';
import type { ShardRefusals } from './shard-refusals.ts';

export class Health {
  readonly #engine: EngineHost;
  readonly #refusals: ShardRefusals;
  readonly #warnings: () => readonly string[];
  #state: 'starting' | 'open' | 'draining' = 'starting';

  /** `warnings`: what is wrong, and keeps nothing from being served. */
  constructor(
    engine: EngineHost,
    refusals: ShardRefusals,
    warnings: () => readonly string[] = () => [],
  ) {
    this.#engine = engine;
    this.#refusals = refusals;
    this.#warnings = warnings;
  }

  opened(): void {
    this.#state = 'open';
  }

  draining(): void {
    this.#state = 'draining';
  }

  readiness(): Readiness {
    const faults: string[] = [];
    if (this.#state !== 'open') faults.push(this.#state);
    const { placement, supervisor, watchdog } = this.#engine.runtime;
    for (let number = 0; number < placement.shards; number++) {
      const state = supervisor.shardState(shardId(number));
      if (state !== 'open') faults.push(`shard ${number} is ${state}`);
    }
    for (const thread of watchdog.silentThreads()) faults.push(`thread ${thread} does not answer`);
    faults.push(...this.#refusals.faults());
    return { isReady: faults.length === 0, faults, warnings: this.#warnings() };
  }
}
