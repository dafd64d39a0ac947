/**
 * Given to Node by `--import`: lets a server take `poisoned-engine.ts` for the entry of its threads.
 *
 * Runs in: a server under test, in each of its threads, before anything else.
 */

import { registerHooks } from 'node:module';

const poisoned = new URL('./poisoned-engine.ts', import.meta.url).href;

registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context);
    const isEntry = resolved.url.endsWith('/workers/engine.ts');
    return isEntry && context.parentURL !== poisoned ? { ...resolved, url: poisoned } : resolved;
  },
});
