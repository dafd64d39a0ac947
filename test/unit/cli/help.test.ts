/**
 * Aim: help says the same as ever unless somebody means it, and the reference page says the same. Method: compare all
 * of it with docs/reference/cli.md; write that anew with `node --test --test-update-snapshots test/unit/cli/help.test.ts`.
 */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { findCommand, loadAll } from '../../../src/cli/commands.ts';
import { runCli } from './run-cli.ts';

const page = join(import.meta.dirname, '../../../docs/reference/cli.md');
const pageHead = `# Commands

All that \`chaski COMMAND --help\` prints. From a checkout without the launcher in PATH: \`npm run -s chaski -- COMMAND\`.
\`load\`, \`sink\` and \`ledger\` print help of their own.
`;

test('help of every command is as in the reference page', async (t) => {
  const lines = [['--help'], ['queue', '--help'], ['account', '--help']];
  for (const { name } of await loadAll()) lines.push([...name.split(' '), '--help']);
  const texts = [pageHead];
  for (const line of lines) {
    const { code, out, error } = await runCli(line);
    assert.deepEqual([code, error], [0, ''], line.join(' '));
    const title = line.slice(0, -1).join(' ');
    texts.push(`## chaski ${title}`.trimEnd(), `\`\`\`text\n${out}\`\`\`\n`);
  }
  t.assert.fileSnapshot(texts.join('\n'), page, { serializers: [(text) => text as string] });
});

test('every command has an example that names it, and every option its words', async () => {
  for (const command of await loadAll()) {
    assert.ok(command.examples.length > 0, command.name);
    for (const example of command.examples) {
      const shown = example.startsWith('|') ? example : `chaski ${example}`;
      assert.ok(shown.includes(`chaski ${command.name}`), `${command.name}: ${example}`);
    }
    for (const [name, option] of Object.entries(command.options ?? {})) {
      assert.match(option.doc, /[.:]$/, `${command.name} --${name}`);
      assert.equal(
        option.value !== undefined,
        option.type === 'string',
        `${command.name} --${name}`,
      );
    }
  }
});

test('every command of the table is found by its words', async () => {
  for (const command of await loadAll()) {
    const found = await findCommand([...command.name.split(' '), 'argument']);
    assert.ok(found.kind === 'command');
    assert.deepEqual([found.command, found.rest], [command, ['argument']]);
  }
});
