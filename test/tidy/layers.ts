/**
 * Which folder may import which, as data.
 *
 * An entry names a folder of `src` (or `workers`) and the folders it may import besides itself.
 */

export const layers: Readonly<Record<string, readonly string[]>> = {
  base: [],
  ports: ['base'],
  mail: ['ports', 'base'],
  settings: ['mail', 'base'],
  actors: ['settings', 'mail', 'ports', 'base'],
  adapters: ['settings', 'ports', 'base'],
  engine: ['actors', 'settings', 'mail', 'ports', 'base'],
  edge: ['actors', 'settings', 'mail', 'ports', 'base'],
  harness: ['mail', 'settings', 'ports', 'base'],
  app: ['edge', 'actors', 'adapters', 'settings', 'mail', 'ports', 'base'],
  workers: ['engine', 'actors', 'adapters', 'harness', 'settings', 'mail', 'ports', 'base'],
  cli: ['main', 'app', 'actors', 'adapters', 'harness', 'settings', 'mail', 'ports', 'base'],
  main: ['app', 'cli', 'settings', 'mail', 'base'],
};

/** Calls that only adapters (and what runs outside the server) may make: time and chance come by ports. */
export const bannedCalls: readonly { readonly pattern: RegExp; readonly instead: string }[] = [
  { pattern: /\bDate\.now\(/, instead: 'ports/clock.ts' },
  { pattern: /\bMath\.random\(/, instead: 'ports/random.ts' },
  { pattern: /\bperformance\.now\(/, instead: 'ports/clock.ts' },
  { pattern: /\bprocess\.hrtime\b/, instead: 'ports/clock.ts' },
];

export const bannedCallsAllowedIn: readonly string[] = [
  'src/adapters/',
  'src/harness/',
  'src/cli/',
  'src/web/',
];

/** The harness hands its own environment on to the programs it starts. */
export const environmentReadIn: readonly string[] = ['src/settings/', 'src/harness/'];
/** Words that say nothing as the whole name of a file. */
export const emptyNames = [
  'utils',
  'util',
  'helpers',
  'helper',
  'common',
  'misc',
  'manager',
  'data',
];

export const fileLinesMax = 500;
export const functionLinesMax = 70;
export const lineColumnsMax = 120;
/** Files over `fileLinesMax`, each with the date it was excused and why. It may only shrink. */
export const longFiles: Readonly<Record<string, string>> = {};
