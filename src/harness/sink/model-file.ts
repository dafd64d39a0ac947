/**
 * Models by name or from a file of JSON, YAML or TOML.
 *
 * Runs in:   sink process.
 * Limits:    `modelBytesMax` a file; `yamlAliasesMax` aliases in one of YAML.
 */

import { readFileSync, statSync } from 'node:fs';
import { extname } from 'node:path';
import { parse as parseToml } from 'smol-toml';
import { parse as parseYaml } from 'yaml';
import { mebibyte } from '../../base/units.ts';
import type { SinkModel } from './model.ts';
import { checkModel } from './model-schema.ts';
import { sinkModels } from './shipped-models.ts';

const modelBytesMax = mebibyte;
const yamlAliasesMax = 100;

/** A shipped model, or the one in a file; throws sentences saying what is wrong. */
export function readModel(nameOrFile: string): SinkModel {
  if (Object.hasOwn(sinkModels, nameOrFile)) return sinkModels[nameOrFile]!;
  let text: string;
  try {
    if (statSync(nameOrFile).size > modelBytesMax) throw new Error('it is over 1 MiB');
    text = readFileSync(nameOrFile, 'utf8');
  } catch (error) {
    const names = Object.keys(sinkModels).join(', ');
    throw new Error(
      `--model ${nameOrFile}: no model of that name (${names}), and as a file it cannot be read: ` +
        (error as Error).message,
    );
  }
  return parseModel(text, nameOrFile);
}

/** The name's ending says what it is; without one it is read as YAML, which JSON is, too. */
export function parseModel(text: string, name: string): SinkModel {
  return checkModel(parseValues(text, name), name);
}

function parseValues(text: string, name: string): unknown {
  try {
    switch (extname(name)) {
      case '.json':
        return JSON.parse(text);
      case '.toml':
        return parseToml(text);
      default:
        return parseYaml(text, { maxAliasCount: yamlAliasesMax });
    }
  } catch (error) {
    throw new Error(`${name}: ${(error as Error).message}`);
  }
}
