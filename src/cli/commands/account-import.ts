/** `chaski account import`: accounts from CSV or a directory, as often as one likes. */

import { AccountImport } from '../account-import.ts';
import { accountColumns, accountRows, type RowFault } from '../account-rows.ts';
import { type Command, exitCodes, UsageError } from '../command.ts';
import { ldapRows } from '../ldap-rows.ts';
import { count } from '../output.ts';
import { Progress } from '../progress.ts';

export const importCommand: Command = {
  name: 'account import',
  summary: 'Create accounts, or bring them up to date, from CSV or LDAP.',
  arguments: '[FILE]',
  argumentCount: [0, 1],
  options: {
    'dry-run': { type: 'boolean', doc: 'Say what would be done, and do nothing.' },
    ldap: {
      type: 'string',
      value: 'SOURCE',
      doc: 'Take the people of this one of ldap.sources in place of a file.',
    },
    'replace-passwords': {
      type: 'boolean',
      doc: 'Set hashes for accounts that have a password, too; all such rows count as changed.',
    },
  },
  examples: [
    'account import accounts.csv --dry-run',
    'account import --ldap office --dry-run',
    '|export-of-the-directory | chaski account import - --json',
  ],
  notes: `The first line names the columns: ${accountColumns.join(', ')}; only address must be there. An empty field leaves what is there. Passwords come as hashes or not at all, and only to accounts that have none. What is right already is left alone, so an import that was cut off is simply run again. Lines that cannot be taken are named, and the rest goes on; the exit code is 1 then. Accounts that no line names stay. Of a directory, addresses, whether they are enabled, and quotas are taken.`,
  async run({ arguments: [file], options, output, control, input }) {
    const isDry = options.isSet('dry-run');
    const source = options.text('ldap');
    if ((file === undefined) === (source === undefined))
      throw new UsageError('give a FILE, or --ldap SOURCE, one of the two');
    const asked = await control();
    const run = new AccountImport({
      ...{ control: asked, isDry, replacesPasswords: options.isSet('replace-passwords') },
      onFault: (fault) => output.fault('argument-invalid', `${file ?? source}: ${wordsOf(fault)}`),
    });
    const progress = new Progress(output);
    const rows = source === undefined ? accountRows(file!, input) : await ldapRows(asked, source);
    for await (const row of rows) {
      await run.take(row);
      progress.lines(row.line, run.counts.created);
    }
    const { errors: errorCount, ...done } = run.counts;
    const value = { isDry, ...done, errorCount, errors: run.faults };
    output.result(value, ({ created, changed, unchanged }) => {
      const would = isDry ? 'Would create' : 'Created';
      const faults = errorCount === 0 ? '' : `, ${count(errorCount, 'line')} not taken`;
      return `${would} ${count(created, 'account')}; ${changed} changed, ${unchanged} as they were${faults}.`;
    });
    return errorCount > 0 ? exitCodes.failed : exitCodes.done;
  },
};

function wordsOf({ line, column, reason }: RowFault): string {
  return column === undefined ? `line ${line}: ${reason}` : `line ${line}, ${column}: ${reason}`;
}
