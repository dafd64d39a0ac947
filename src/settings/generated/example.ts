/** Writes the annotated example file: every setting, its words, and its default behind a `#`. */

import type { Entries, Field, Section } from '../field.ts';
import { schema } from '../schema.ts';
import { environmentName } from '../sources.ts';
import { wrap } from './wrap.ts';

const widthMax = 98;

const head = `# Settings of Chaski. Everything here is the default, behind a "#"; set what you need.
#
#   chaski serve -c chaski.toml         reads this file
#   chaski check -c chaski.toml         tells whether it is right
#
# The environment (${environmentName('log.level')}=debug) wins over this file, --set log.level=debug over both.
# Settings marked "live" change on SIGHUP, the others at the next start.
# Made from src/settings by "npm run generate".
`;

export function exampleToml(): string {
  const fields: string[] = [];
  const sections: string[] = [];
  for (const [name, entry] of Object.entries(schema.entries)) {
    if (entry.kind === 'field') fields.push(settingText(name, entry));
    else sections.push(sectionText(name, entry));
  }
  return [head, ...fields, ...sections].join('\n');
}

function sectionText(path: string, from: Section<Entries>): string {
  const parts = [`${comment(from.doc)}\n[${path}]\n`];
  for (const [name, entry] of Object.entries(from.entries)) {
    parts.push(
      entry.kind === 'field' ? settingText(name, entry) : sectionText(`${path}.${name}`, entry),
    );
  }
  return parts.join('\n');
}

function settingText(name: string, field: Field<unknown>): string {
  const facts = [
    field.bounds === '' ? field.type : `${field.type}: ${field.bounds}`,
    ...(field.reload === 'live' ? ['live'] : []),
    ...(field.spec === undefined ? [] : [field.spec]),
  ];
  const example = field.example === undefined ? [] : [`# For example: ${name} = ${field.example}`];
  return [
    comment(field.doc),
    comment(`(${facts.join('; ')})`),
    ...example,
    `#${name} = ${field.toToml(field.default)}`,
    '',
  ].join('\n');
}

function comment(text: string): string {
  return wrap(text, widthMax)
    .map((line) => `# ${line}`)
    .join('\n');
}
