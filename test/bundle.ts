/**
 * The server's entries in a few files each, for `npm test`: a thread of shards reads 90 files instead of 700. Each test
 * that starts a server starts three threads: a third of all that tests take would go there.
 *
 * What is in them is `src/` as it stands. A single file that is run by Node alone does without, and so do all where
 * esbuild is not installed.
 *
 * Ownership: folders in `node_modules/.cache/bundled`, each named by its content; those of former days are removed.
 */

import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { OutputFile, Plugin } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const cache = join(root, 'node_modules/.cache/bundled');
const keptMs = 86_400_000;
const preloadedName = 'test/support/bundled';
/** Each is loaded as a file of its own name; `support/bundled.ts` says so to Node. */
const entries = ['src/cli/start.ts', 'workers/engine.ts', 'workers/harness.ts'] as const;
/** They look for files beside theirs. */
const external = [
  ...['lmdb', 'msgpackr', '@node-rs/crc32', '@mongodb-js/saslprep', 'pino', 'piscina', 'undici'],
  ...['autocannon', '@fastify/swagger-ui'],
];

/** Files beside a module are found from where it stands. */
const ownPlaces: Plugin = {
  name: 'own places',
  setup(build) {
    // Of a package that is loaded late Node tells the names, where it has no ESM; a bundle has its default alone.
    build.onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
      kind === 'dynamic-import' ? { path, external: true } : undefined,
    );
    build.onLoad({ filter: /\/(?:src|workers)\/.*\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      const contents = text
        .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href))
        .replaceAll('import.meta.dirname', JSON.stringify(dirname(path)))
        .replaceAll('import.meta.main', 'false');
      return { contents, loader: 'ts' };
    });
  },
};

/** Answers the module to load before all others, in each process and thread; undefined where there is nothing to do. */
export async function bundled(): Promise<string | undefined> {
  // A run that a test of a run starts has them already.
  if (process.env.NODE_OPTIONS?.includes(`${preloadedName}.mjs`) === true) return undefined;
  const esbuild = await import('esbuild').catch(() => undefined);
  if (esbuild === undefined) return undefined;
  // One at a time has fewer pieces: what only two entries share is none of its own.
  const outputs = await Promise.all(
    [...entries, `${preloadedName}.ts`].map((entry) =>
      esbuild.build({
        entryPoints: [join(root, entry)],
        outbase: root,
        outdir: root,
        outExtension: { '.js': '.mjs' },
        write: false,
        bundle: true,
        splitting: true,
        format: 'esm',
        platform: 'node',
        target: 'node24',
        // Errors and logs tell names.
        keepNames: true,
        external,
        plugins: [ownPlaces],
        define: { bundledRoot: JSON.stringify(pathToFileURL(root).href) },
        banner: {
          js: [
            "import { createRequire as requireFrom } from 'node:module';",
            'const require = requireFrom(import.meta.url);',
          ].join('\n'),
        },
        logLevel: 'warning',
      }),
    ),
  );
  const files = outputs.flatMap(({ outputFiles }) => outputFiles);
  return pathToFileURL(join(keep(files), `${preloadedName}.mjs`)).href;
}

/** Written beside and moved there whole: another run may read, or write the same. */
function keep(files: readonly OutputFile[]): string {
  const hash = createHash('sha256');
  for (const { path, contents } of files) hash.update(path).update(contents);
  const name = hash.digest('hex').slice(0, 24);
  mkdirSync(cache, { recursive: true });
  const nowMs = Date.now();
  for (const old of readdirSync(cache)) {
    const folder = join(cache, old);
    if (old !== name && nowMs - statSync(folder).mtimeMs > keptMs)
      rmSync(folder, { recursive: true, force: true });
  }
  const folder = join(cache, name);
  if (existsSync(folder)) {
    utimesSync(folder, new Date(), new Date());
    return folder;
  }
  const beside = mkdtempSync(join(cache, 'new-'));
  for (const { path, contents } of files) {
    const place = join(beside, relative(root, path));
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(place, contents);
  }
  try {
    renameSync(beside, folder);
  } catch (error) {
    // Somebody else was faster: theirs is the same.
    if (!existsSync(folder)) throw error;
    rmSync(beside, { recursive: true });
  }
  return folder;
}
