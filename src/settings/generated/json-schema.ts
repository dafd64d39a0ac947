/** Writes the JSON Schema of the TOML file, for editors that complete and check it. */

import type { Entries, Entry, Section } from '../field.ts';
import { schema } from '../schema.ts';

export function jsonSchema(): string {
  const root = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Chaski settings',
    ...sectionSchema(schema),
  };
  return `${JSON.stringify(root, null, 2)}\n`;
}

function sectionSchema(from: Section<Entries>): object {
  const properties = Object.fromEntries(
    Object.entries(from.entries).map(([name, entry]) => [name, entrySchema(entry)]),
  );
  return { type: 'object', description: from.doc, additionalProperties: false, properties };
}

function entrySchema(entry: Entry): object {
  if (entry.kind === 'section') return sectionSchema(entry);
  const bounds = entry.bounds === '' ? '' : ` (${entry.bounds})`;
  const description = `${entry.doc}${bounds} Default: ${entry.toToml(entry.default)}`;
  return { ...entry.jsonSchema, description };
}
