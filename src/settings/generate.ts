/**
 * `npm run generate`: writes what is made from the schema. A test holds that the written files are fresh.
 *
 * Runs in:   a developer's shell.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { exampleToml } from './generated/example.ts';
import { jsonSchema } from './generated/json-schema.ts';
import { referencePage } from './generated/reference.ts';

/** Path below the checkout → content. */
export function generatedFiles(): ReadonlyMap<string, string> {
  return new Map([
    ['config/chaski.example.toml', exampleToml()],
    ['config/schema.json', jsonSchema()],
    ['docs/reference/settings.md', referencePage()],
  ]);
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '../..');
  for (const [path, content] of generatedFiles()) {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    process.stdout.write(`${path}\n`);
  }
}
