/**
 * Loaded before all others where `npm test` has bundles: what starts one of the server's entries gets its bundle.
 *
 * Runs in: each process and thread of a test run, from a bundle's folder.
 */

import { realpathSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';
import { isMainThread } from 'node:worker_threads';

/** The checkout's URL, with a slash at its end: put in as the bundle is made. */
declare const bundledRoot: string;

const folder = new URL('../../', import.meta.url);
const bundles: ReadonlyMap<string, string> = new Map(
  ['src/cli/start', 'workers/engine', 'workers/harness'].map((entry) => [
    `${bundledRoot}${entry}.ts`,
    `${folder}${entry}.mjs`,
  ]),
);

/** A process of tests starts none of them itself: it is spared a hook on all it loads. */
const isWanted =
  !isMainThread || bundles.has(`${pathToFileURL(realPathOf(process.argv[1] ?? '/'))}`);
if (isWanted) {
  const hooks = registerHooks({
    resolve(specifier, context, nextResolve) {
      const resolved = nextResolve(specifier, context);
      const url = bundles.get(resolved.url);
      if (url === undefined) return resolved;
      // A thread has one entry, and what that loads stands in its bundle.
      hooks.deregister();
      return { ...resolved, url, format: 'module' };
    },
  });
}

function realPathOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return '/';
  }
}
