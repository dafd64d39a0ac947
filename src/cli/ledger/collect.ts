/**
 * `chaski ledger collect`: enters what mailboxes hold.
 *
 * Runs in: the CLI's process. Exit code: 1 where something could not be read.
 */

import { readFileSync } from 'node:fs';
import { nodeClock } from '../../adapters/node/clock.ts';
import { parseHostPort } from '../../harness/addresses.ts';
import { type CollectPlan, collectImap } from '../../harness/collect/imap-collect.ts';
import { expandTemplate } from '../../harness/corpus/recipients.ts';
import { importFolder } from '../../harness/ledger/import-folder.ts';
import { LedgerWriter } from '../../harness/ledger/ledger-writer.ts';
import { tlsModes } from '../../harness/load/connection.ts';
import type { LedgerValues } from './usage.ts';

const connectionsDefault = 4;
const connectionsMax = 64;

export async function collectFromImap(folder: string, values: LedgerValues): Promise<number> {
  const plan = planOf(values);
  const ledger = new LedgerWriter(folder);
  const counts = await collectImap(plan, nodeClock, ledger);
  ledger.close();
  const { mailboxes, seen, notices, unmarked, cut, faults } = counts;
  const cutText = cut === 0 ? '' : `, ${cut} longer than is kept`;
  process.stdout.write(
    values.json === true
      ? `${JSON.stringify(counts)}\n`
      : `${seen} messages seen in ${mailboxes} mailboxes, ${notices} notices, ` +
          `${unmarked} without a mark${cutText}\n`,
  );
  for (const fault of faults) process.stderr.write(`chaski ledger: ${fault}\n`);
  return faults.length === 0 ? 0 : 1;
}

export function collectFromFiles(folder: string, { eml, to, json }: LedgerValues): number {
  if (eml === undefined || to === undefined) throw new Error('collect eml needs --eml and --to');
  const ledger = new LedgerWriter(folder);
  const counts = importFolder(eml, to, ledger);
  ledger.close();
  process.stdout.write(
    json === true
      ? `${JSON.stringify(counts)}\n`
      : `${counts.arrived} arrivals for ${to}, ${counts.unmarked} files without a mark\n`,
  );
  return 0;
}

function planOf(values: LedgerValues): CollectPlan {
  const { target, user, to = user, mailbox = ['INBOX'], connections } = values;
  if (target === undefined) throw new Error('--target HOST:PORT is missing');
  if (user === undefined || to === undefined) throw new Error('--user is missing');
  if (values['password-stdin'] !== true) {
    throw new Error('give the password with --password-stdin');
  }
  const tls = tlsModes.find((mode) => mode === (values.tls ?? 'none'));
  if (tls === undefined) throw new Error(`--tls must be one of ${tlsModes.join(', ')}`);
  if (mailbox.some((name) => /[^ -~]/.test(name))) {
    throw new Error('--mailbox is not ASCII; write it as the server lists it, in modified UTF-7');
  }
  const users = expandTemplate(user);
  const addresses = expandTemplate(to);
  if (addresses.length !== users.length) {
    throw new Error(`--to stands for ${addresses.length} addresses, --user for ${users.length}`);
  }
  const password = readFileSync(process.stdin.fd, 'utf8').split(/\r?\n/)[0]!;
  // A line's end would begin a command of its own.
  if (/[\r\n\0]/.test(user + password)) throw new Error('a line end stands in --user');
  const count = Number(connections ?? connectionsDefault);
  if (!(Number.isInteger(count) && count >= 1 && count <= connectionsMax)) {
    throw new Error(`--connections must be from 1 to ${connectionsMax}, not "${connections}"`);
  }
  const tlsName = values['tls-name'];
  return {
    connection: {
      ...parseHostPort(target),
      ...{ tls, isVerified: values.verify === true },
      ...(tlsName === undefined ? {} : { tlsName }),
    },
    accounts: users.map((each, at) => ({ user: each, password, address: addresses[at]! })),
    mailboxes: mailbox,
    connectionsMax: count,
  };
}
