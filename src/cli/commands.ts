/**
 * The table of commands. A file is loaded when its command is asked for, so `chaski version` pays for itself only.
 *
 * Runs in:   the CLI's process.
 */

import type { Command } from './command.ts';

type Group = readonly Command[];

/** First word → the commands that start with it, in the order help lists them. */
const groups: Readonly<Record<string, () => Promise<Group>>> = {
  serve: async () => (await import('./commands/serve.ts')).serveCommands,
  demo: async () => (await import('./commands/demo.ts')).demoCommands,
  init: async () => (await import('./commands/init.ts')).initCommands,
  check: async () => (await import('./commands/check.ts')).checkCommands,
  source: async () => (await import('./commands/source.ts')).sourceCommands,
  tenant: async () => (await import('./commands/tenant.ts')).tenantCommands,
  key: async () => (await import('./commands/key.ts')).keyCommands,
  suppression: async () => (await import('./commands/suppression.ts')).suppressionCommands,
  role: async () => (await import('./commands/role.ts')).roleCommands,
  access: async () => (await import('./commands/access.ts')).accessCommands,
  domain: async () => (await import('./commands/domain.ts')).domainCommands,
  certificate: async () => (await import('./commands/certificate.ts')).certificateCommands,
  ldap: async () => (await import('./commands/ldap.ts')).ldapCommands,
  ban: async () => (await import('./commands/ban.ts')).banCommands,
  dkim: async () => (await import('./commands/dkim.ts')).dkimCommands,
  account: async () => (await import('./commands/account.ts')).accountCommands,
  alias: async () => (await import('./commands/alias.ts')).aliasCommands,
  group: async () => (await import('./commands/group.ts')).groupCommands,
  shared: async () => (await import('./commands/shared.ts')).sharedCommands,
  queue: async () => (await import('./commands/queue.ts')).queueCommands,
  batch: async () => (await import('./commands/batch.ts')).batchCommands,
  shaping: async () => (await import('./commands/shaping.ts')).shapingCommands,
  mailbox: async () => (await import('./commands/mailbox.ts')).mailboxCommands,
  migrate: async () => (await import('./commands/migrate.ts')).migrateCommands,
  authenticate: async () => (await import('./commands/authenticate.ts')).authenticateCommands,
  dmarc: async () => (await import('./commands/dmarc.ts')).dmarcCommands,
  attachments: async () => (await import('./commands/attachments.ts')).attachmentCommands,
  spam: async () => (await import('./commands/spam.ts')).spamCommands,
  sieve: async () => (await import('./commands/sieve.ts')).sieveCommands,
  quarantine: async () => (await import('./commands/quarantine.ts')).quarantineCommands,
  send: async () => (await import('./commands/send.ts')).sendCommands,
  events: async () => (await import('./commands/events.ts')).eventCommands,
  'event-files': async () => (await import('./commands/event-files.ts')).eventFileCommands,
  webhook: async () => (await import('./commands/webhook.ts')).webhookCommands,
  trace: async () => (await import('./commands/trace.ts')).traceCommands,
  'tls-report': async () => (await import('./commands/tls-report.ts')).tlsReportCommands,
  audit: async () => (await import('./commands/audit.ts')).auditCommands,
  store: async () => (await import('./commands/store.ts')).storeCommands,
  version: async () => (await import('./commands/version.ts')).versionCommands,
};

interface OutsideCommand {
  readonly summary: string;
  run(line: readonly string[]): Promise<number>;
}

/** Commands of the harness: programs of their own that read their own options. */
export const outsideCommands: Readonly<Record<string, OutsideCommand>> = {
  load: {
    summary: 'Harness: send generated mail to a server and time it.',
    run: async (line) => (await import('./load.ts')).run([...line]),
  },
  sink: {
    summary: 'Harness: take mail as a next server would, with faults on demand.',
    run: async (line) => (await import('./sink.ts')).run([...line]),
  },
  ledger: {
    summary: 'Harness: judge whether everything acknowledged arrived once and unchanged.',
    run: async (line) => (await import('./ledger.ts')).run([...line]),
  },
};

export type Found =
  | { readonly kind: 'command'; readonly command: Command; readonly rest: readonly string[] }
  | { readonly kind: 'group'; readonly group: string; readonly commands: Group }
  | { readonly kind: 'outside'; readonly command: OutsideCommand }
  | { readonly kind: 'none'; readonly names: readonly string[] };

export async function findCommand(line: readonly string[]): Promise<Found> {
  const [first = ''] = line;
  if (Object.hasOwn(outsideCommands, first)) {
    return { kind: 'outside', command: outsideCommands[first]! };
  }
  const loadGroup = Object.hasOwn(groups, first) ? groups[first] : undefined;
  if (loadGroup === undefined)
    return { kind: 'none', names: [...Object.keys(groups), ...Object.keys(outsideCommands)] };
  const commands = await loadGroup();
  const alone = commands.find((command) => command.name === first);
  if (alone !== undefined) return { kind: 'command', command: alone, rest: line.slice(1) };
  for (const words of [3, 2]) {
    const name = line.slice(0, words).join(' ');
    const command = commands.find((each) => each.name === name);
    if (command !== undefined) return { kind: 'command', command, rest: line.slice(words) };
  }
  return { kind: 'group', group: first, commands };
}

export async function loadAll(): Promise<Group> {
  const loaded = await Promise.all(Object.values(groups).map((loadGroup) => loadGroup()));
  return loaded.flat();
}
