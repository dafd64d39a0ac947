/** Writes the reference page: a table per section with each setting's type, default, bounds and names. */

import type { Entries, Field, Section } from '../field.ts';
import { schema } from '../schema.ts';
import { environmentName } from '../sources.ts';

const head = `# Settings

Made from \`src/settings\` by \`npm run generate\`; do not edit by hand.

Settings come from four places; the later wins:

1. the defaults below;
2. a TOML file: \`chaski serve -c FILE\` ([an annotated example](../../config/chaski.example.toml));
3. the environment: \`CHASKI_\` and the name with dots as \`__\` and camelCase as \`SNAKE_CASE\`
   (\`data.diskFreeBytesMin\` is \`${environmentName('data.diskFreeBytesMin')}\`); \`CHASKI_DATA\` is short for
   \`CHASKI_DATA__DIR\`, and both set differently is a fault;
4. \`--set name=value\`, as often as needed.

A wrong setting stops the start with every fault listed and exit code 78; an unknown name is wrong too.
\`chaski check\` tells the same without a start. Sizes may be written as \`"64MiB"\` or \`"10MB"\`, durations as \`"30s"\`,
\`"5m"\`, \`"4h"\`, \`"2d"\` or in milliseconds. Lists are TOML arrays, or one text with commas. Relative paths start at the
working directory.

**live** settings change on SIGHUP, **restart** ones at the next start.
`;

export function referencePage(): string {
  const alone: [string, Field<unknown>][] = [];
  const parts: string[] = [];
  for (const [name, entry] of Object.entries(schema.entries)) {
    if (entry.kind === 'field') alone.push([name, entry]);
    else parts.push(sectionPart(name, entry));
  }
  return [head, `## Top level\n\n${tableOf(alone)}`, ...parts].join('\n');
}

function sectionPart(path: string, from: Section<Entries>): string {
  const fields: [string, Field<unknown>][] = [];
  const nested: string[] = [];
  for (const [name, entry] of Object.entries(from.entries)) {
    if (entry.kind === 'field') fields.push([`${path}.${name}`, entry]);
    else nested.push(sectionPart(`${path}.${name}`, entry));
  }
  return [`## ${path}\n\n${from.doc}\n\n${tableOf(fields)}`, ...nested].join('\n');
}

function tableOf(fields: readonly (readonly [string, Field<unknown>])[]): string {
  const rows = fields.map(([path, field]) => {
    const bounds = field.bounds === '' ? '' : `<br>${field.bounds}`;
    const spec = field.spec === undefined ? '' : ` (${field.spec})`;
    const cells = [
      `\`${path}\``,
      `${field.type}${bounds}`,
      `\`${field.toToml(field.default)}\``,
      field.reload,
      `${field.doc}${spec}`,
    ];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  return [
    '| Setting | Type | Default | Applies | Meaning |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
