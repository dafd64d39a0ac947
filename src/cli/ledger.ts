/**
 * `chaski ledger`: joins what was injected, acknowledged and arrived into one account, and judges
 * it.
 *
 * Runs in: a process of its own. Exit code: 0 nothing missing, 1 the verdict is against it, 2 wrong
 *          usage.
 */

import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { importFolder } from '../harness/ledger/import-folder.ts';
import { LedgerJoin } from '../harness/ledger/ledger-join.ts';
import { LedgerReader } from '../harness/ledger/ledger-reader.ts';
import { LedgerWriter } from '../harness/ledger/ledger-writer.ts';
import { describeAccount, judge } from '../harness/ledger/verdict.ts';

const usage = `usage: chaski ledger check DIR [--duplicates-max N] [--lost-max N] [--json]
       chaski ledger import DIR --eml FOLDER --to ADDRESS

check   joins the entries that load and sink wrote to DIR: what was acknowledged must have
        arrived once and unchanged, or have bounced. The exit code is the verdict.
import  enters the .eml files of an exported mailbox as arrivals for ADDRESS.

example: chaski sink --listen 127.0.0.1:2620 --ledger /tmp/ledger &
         chaski load smtp --target 127.0.0.1:2525 --sessions 10 --count 1000 --ledger /tmp/ledger
         chaski ledger check /tmp/ledger
`;

import { exitCodes } from './command.ts';

export async function run(argv: string[]): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      args: argv,
      allowPositionals: true,
      options: {
        'duplicates-max': { type: 'string', default: '0' },
        'lost-max': { type: 'string', default: '0' },
        eml: { type: 'string' },
        to: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) {
      process.stdout.write(usage);
      return 0;
    }
    const [action, folder] = positionals;
    if (folder === undefined) throw new Error('which action, and which folder?');
    if (action === 'import') return importMailbox(folder, values.eml, values.to);
    if (action !== 'check') throw new Error(`unknown action "${action}"`);
    if (!existsSync(folder)) throw new Error(`${folder}: no such folder`);
    const thresholds = {
      duplicated: countOf('duplicates-max', values['duplicates-max']),
      lost: countOf('lost-max', values['lost-max']),
    };
    const join = new LedgerJoin();
    new LedgerReader(folder).readNew(join);
    const account = join.account();
    const verdict = judge(account, thresholds);
    const text = values.json
      ? `${JSON.stringify({ ...account, verdict })}\n`
      : describeAccount(account, verdict);
    process.stdout.write(text);
    return verdict.ok ? 0 : 1;
  } catch (error) {
    process.stderr.write(`chaski ledger: ${(error as Error).message}\n\n${usage}`);
    return exitCodes.usage;
  }
}

/** A bound that is no number would never be passed. */
function countOf(option: string, text: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`--${option} must be a whole number, not "${text}"`);
  return Number(text);
}

function importMailbox(folder: string, eml: string | undefined, to: string | undefined): number {
  if (eml === undefined || to === undefined) throw new Error('import needs --eml and --to');
  const ledger = new LedgerWriter(folder);
  const { arrived, unmarked } = importFolder(eml, to, ledger);
  ledger.close();
  process.stdout.write(`${arrived} arrivals for ${to}, ${unmarked} files without a mark\n`);
  return 0;
}
