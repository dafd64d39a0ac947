/**
 * Who uses what a file offers: exports and methods that nobody needs, or that only tests need.
 *
 * Limits:    names are compared as words, not resolved as a compiler would: what is found is dead, not
 *            all that is dead is found.
 */

import { posix } from 'node:path';
import type { SourceFile } from './rules.ts';
import { withoutComments } from './rules.ts';

/** Values that only tests import, by the reason they may be: `path name`. */
export const valuesForTests: Readonly<Record<string, readonly string[]>> = {
  'a table whose every row a test tries': ['src/mail/trust/spam/rules.ts rules'],
  'implements a port in memory': [
    'src/adapters/memory/memory-audit-log.ts MemoryAuditLog',
    'src/adapters/memory/memory-directory.ts createMemoryDirectory',
    'src/adapters/memory/memory-directory.ts createMemoryIdentity',
    'src/adapters/memory/memory-disk.ts MemoryDisk',
    'src/adapters/memory/memory-log-in-source.ts MemoryLogInSource',
  ],
  'a limit that a test goes up to': [
    'src/mail/trust/spam/reading.ts readingLimits',
    'src/mail/sieve/message/address-list.ts addressListMax',
    'src/engine/mailbox/spam/lesson-budget.ts lessonsPerDay',
    'src/actors/moves.ts moveLimitsDefault',
    'src/app/kept-rows.ts bytesMaxDefault',
    'src/app/log-in/password-jobs.ts passwordJobsWaitingMax',
    'src/app/log-in/password-jobs.ts strangersWaitingMax',
    'src/adapters/audit/chain.ts detailsMax',
    'src/adapters/audit/chain.ts textLengthMax',
    'src/adapters/files/audit-log.ts batchMax',
    'src/adapters/files/audit-log.ts waitingMax',
    'src/adapters/files/audit-verify.ts findingsMax',
    'src/adapters/ldap/connection.ts answerBytesMax',
    'src/adapters/ldap/servers.ts pauseMsFirst',
    'src/adapters/ldap/servers.ts pauseMsMax',
    'src/adapters/scanning/carried-desk.ts slackMs',
    'src/adapters/scanning/circuit-breaker.ts failuresMax',
    'src/adapters/scanning/circuit-breaker.ts pauseMsFirst',
    'src/adapters/scanning/circuit-breaker.ts pauseMsMax',
    'src/adapters/scanning/stage-scanner.ts sessionsPerConnection',
    'src/app/audit/audit-desk.ts notesMax',
    'src/app/audit/audited-acts.ts itemsMax',
    'src/app/batches/batch-run.ts atOnce',
    'src/app/batches/batch-run.ts makingMsMax',
    'src/app/batches/batches.ts keptMax',
    'src/app/batches/batches.ts listedMax',
    'src/app/batches/batches.ts runningMax',
    'src/app/batches/batches.ts tenantWaitingMax',
    'src/app/batches/batches.ts waitingMax',
    'src/app/source-book.ts blockMax',
    'src/settings/filters.ts pointsMax',
    'src/app/source-book.ts daysMax',
    'src/app/source-book.ts othersName',
    'src/app/source-book.ts pairsMax',
    'src/app/source-book.ts suspensionsMax',
    'src/edge/guard/bans.ts bansMax',
    'src/edge/guard/credential-cache.ts entriesMax',
    'src/edge/guard/issuer-calls.ts callsMax',
    'src/edge/guard/issuer-calls.ts callsPerPeerMax',
    'src/edge/guard/issuer-calls.ts failuresMax',
    'src/edge/guard/issuer-calls.ts pauseMs',
    'src/edge/guard/issuer-keys.ts freshMs',
    'src/edge/guard/issuer-keys.ts keysMax',
    'src/edge/guard/issuer-keys.ts staleMsMax',
    'src/edge/guard/issuer-keys.ts unknownPauseMs',
    'src/edge/guard/issuer-log-in.ts callbackCharsMax',
    'src/edge/guard/log-in-codes.ts codeMs',
    'src/edge/guard/log-in-codes.ts codesMax',
    'src/edge/guard/log-in-codes.ts codesPerAccountMax',
    'src/edge/guard/opaque-tokens.ts rememberedMs',
    'src/edge/guard/opaque-tokens.ts tokensMax',
    'src/edge/guard/token-issuer.ts skewMs',
    'src/edge/guard/token-issuer.ts untoldLifeMs',
    'src/edge/guard/request-rates.ts askersMax',
    'src/edge/guard/sessions.ts idleMs',
    'src/edge/guard/sessions.ts wholeMs',
    'src/edge/guard/token-keys.ts keptMs',
    'src/edge/guard/token-keys.ts signMs',
    'src/edge/guard/credential-cache.ts keptMsDefault',
    'src/edge/guard/passkey-challenges.ts spentMax',
    'src/edge/guard/passkey-challenges.ts spentPerAccountMax',
    'src/adapters/audit/syslog.ts datagramBytesMax',
    'src/app/audit/audit-sender.ts batchCountMax',
    'src/app/audit/audit-sender.ts pollMs',
    'src/app/audit/audit-sender.ts retryMsMax',
    'src/app/audit/open-senders.ts cursorFile',
    'src/app/log-in/reset-desk.ts linkMs',
    'src/app/log-in/reset-desk.ts linksPerHourMax',
    'src/app/log-in/reset-desk.ts underWayMax',
    'src/app/log-in/place-notices.ts noticesPerDayMax',
    'src/app/log-in/place-notices.ts placeOf',
    'src/app/log-in/place-notices.ts underWayMax',
    'src/edge/protocols/imap/append-intake.ts messagesMax',
    'src/edge/protocols/imap/list-matching.ts matchStepsMax',
    'src/engine/delivery/sources/allowances.ts pairsMax',
    'src/engine/delivery/sources/allowances.ts waitingMax',
    'src/engine/delivery/sources/source-states.ts suspensionsMax',
    'src/engine/delivery/tls-sessions.ts sessionDomainsMax',
    'src/engine/delivery/tls-sessions.ts talliesMax',
    'src/engine/delivery/tls-sessions.ts tellMs',
    'src/engine/events/record-events.ts recipientsPerEvent',
    'src/engine/mailbox/imap/fetch-rows.ts sectionsBytes',
    'src/engine/mailbox/imap/leases.ts leaseMsMax',
    'src/engine/mailbox/imap/leases.ts readerLeasesMax',
    'src/engine/mailbox/imap/plain-texts.ts hasPlainTexts',
    'src/engine/mailbox/imap/text-column.ts textBytesMax',
    'src/engine/mailbox/pop3/retrieve.ts windowBytes',
    'src/harness/ledger/history.ts entriesMax',
    'src/mail/formats/address/parse.ts addressesMax',
    'src/edge/protocols/http/acme-proofs.ts proofsMax',
    'src/mail/trust/scram.ts scramIterations',
    'src/mail/trust/spam/personal.ts examplePlacesMax',
    'src/mail/formats/dmarc-report/parse.ts recordsMax',
    'src/mail/formats/dmarc-report/read.ts attachmentsMax',
    'src/mail/formats/dmarc-report/unpack.ts entriesMax',
    'src/mail/formats/dmarc-report/xml.ts nestingMax',
    'src/mail/formats/dsn/report.ts fullBytesMax',
    'src/mail/formats/dsn/returned.ts headerBytesMax',
    'src/mail/trust/password.ts passwordBytesMax',
    'src/app/tls-outcomes.ts domainsPerDayMax',
    'src/app/dmarc-outcomes.ts reportsPerDayMax',
    'src/app/dmarc-pending.ts pendingMax',
    'src/app/dmarc-received.ts keptMs',
    'src/app/dmarc-received.ts mailBytesMax',
    'src/app/dmarc-received.ts perMinuteMax',
    'src/app/dmarc-received.ts provenLimits',
    'src/app/dmarc-received.ts unprovenLimits',
    'src/app/dmarc-received.ts waitingMax',
    'src/app/dmarc-outcomes.ts rowsPerDomainMax',
    'src/engine/pipeline/dmarc-tally.ts rowsMax',
    'src/engine/pipeline/dmarc-tally.ts tellMs',
    'src/engine/pipeline/scan-envelope.ts recipientsAddedMax',
    'src/mail/trust/dmarc-report-record.ts destinationsMax',
    'src/mail/trust/bimi.ts lookUpBimi',
    'src/mail/trust/bimi.ts readBimiRecord',
    'src/mail/trust/dmarc-report-record.ts ruaOf',
    'src/app/daily-reports.ts settlingMs',
    'src/app/daily-reports.ts spreadMs',
    'src/app/daily-reports.ts triedMs',
    'src/app/tls-reports.ts keptMs',
    'src/app/mass-acts.ts keptMax',
    'src/app/mass-acts.ts runningMax',
    'src/app/tls-reports.ts keptPerDomainMax',
    'src/app/tls-reports.ts perMinuteMax',
    'src/app/tls-reports.ts perNetworkMax',
    'src/mail/formats/tls-report/parse.ts failuresMax',
    'src/mail/formats/tls-report/parse.ts policiesMax',
    'src/mail/formats/tls-report/tally.ts failureKindsMax',
    'src/mail/formats/tls-report/tally.ts policiesMax',
    'src/mail/trust/tls-report-record.ts destinationsMax',
    'src/mail/trust/dkim/rotation.ts keysPerDomainMax',
    'src/mail/trust/mta-sts.ts maxAgeSecondsMax',
    'src/mail/wire/deflate/inflater.ts pieceCodesMax',
    'src/mail/wire/smtp/reply-reader.ts lineBytesMax',
    'src/mail/wire/smtp/reply-reader.ts linesMax',
    'src/mail/wire/smtp/reply-reader.ts replyBytesMax',
    'src/settings/tables.ts rowsMax',
  ],
  'what a grammar can say; the command that asks for it is not served yet': [
    'src/mail/wire/imap/response-fetch.ts fetchBinary',
    'src/mail/wire/imap/response-fetch.ts fetchSection',
    'src/mail/wire/imap/response-fetch.ts fetchSectionHandle',
  ],
  'a pure part with more cases than its callers can be led through': [
    'src/actors/shaping-board.ts learnedMsMax',
    'src/actors/shares.ts fairShares',
    'src/actors/moves.ts bestMove',
    'src/actors/moves.ts hotAndCool',
    'src/adapters/node/egress.ts proxyV2Header',
    'src/adapters/table/write-turns.ts waitingMax',
    'src/app/certificates/self-signed.ts makeSelfSigned',
    'src/cli/commands/send.ts withCrlf',
    'src/edge/protocols/smtp/handover.ts protocolWord',
    'src/engine/mailbox/imap/newest.ts batchesOf',
    'src/engine/mailbox/imap/newest.ts newestIn',
    'src/harness/sink/model-file.ts parseModel',
    'src/mail/formats/headers/thread-ids.ts textHash',
    'src/mail/formats/mime/sort-keys.ts baseSubject',
    'src/mail/trust/resolver.ts addressOfReverseName',
    'src/mail/wire/smtp/envelope-commands.ts parseNotify',
    'src/settings/networks.ts readRoute',
    'src/settings/networks.ts writeNetwork',
  ],
  'what a test compares with or draws from': [
    'src/mail/trust/verify.ts verifyByReference',
    'src/edge/protocols/smtp/replies.ts replyWords',
    'src/engine/mailbox/rows/change-row.ts changeOps',
    'src/engine/store/keys.ts dateMsOf',
    'src/mail/wire/smtp/reply.ts isReplyLine',
    'src/settings/generate.ts generatedFiles',
  ],
};

/** Methods that only tests call, by the reason they may be. */
export const methodsForTests: Readonly<Record<string, readonly string[]>> = {
  'a count that a test watches for leaks': ['src/actors/site-borrower.ts siteCount'],
  'what a grammar can say; the command that asks for it is not served yet': [
    'src/mail/wire/imap/list-match.ts mayMatchBelow',
  ],
};

export interface Export {
  readonly path: string;
  readonly name: string;
  readonly isType: boolean;
}

const exportPattern =
  /^export (?:abstract )?(?:async )?(function\*?|const|class|interface|type) ([A-Za-z_$][\w$]*)/gm;
const namedImportPattern = /\b(?:import|export)\s+(?:type\s+)?\{([^}]*)\}\s+from\s+'(\.[^']+)'/g;
const wholeImportPattern = /(?:\*\s+as\s+\w+\s+from\s+|\bimport\(\s*)'(\.[^']+)'/g;
const methodPattern = /^ {2}(?:static |async |get |set |\*)*([a-z]\w*)(?:<[^>\n]*>)?\(/gm;
const wordPattern = /(?<![\w$#])[A-Za-z_$][\w$]*/g;

export function exportsOf(file: SourceFile): Export[] {
  return [...withoutComments(file.text).matchAll(exportPattern)].map(([, kind, name]) => ({
    path: file.path,
    name: name!,
    isType: kind === 'interface' || kind === 'type',
  }));
}

/** `path name` → the files that import it. A file that imports a whole module uses of it what it names. */
function usersOf(files: readonly SourceFile[]): ReadonlyMap<string, readonly string[]> {
  const users = new Map<string, string[]>();
  const use = (path: string, name: string, by: string) => {
    const key = `${path} ${name}`;
    users.set(key, [...(users.get(key) ?? []), by]);
  };
  for (const { path, text } of files) {
    const at = (target: string) => posix.join(posix.dirname(path), target);
    for (const [, names, target] of text.matchAll(namedImportPattern)) {
      for (const each of names!.split(',')) {
        const name = /^(?:type\s+)?([\w$]+)/.exec(each.trim())?.[1];
        if (name !== undefined) use(at(target!), name, path);
      }
    }
    const whole = [...text.matchAll(wholeImportPattern)];
    const words = whole.length === 0 ? [] : new Set(text.match(wordPattern));
    for (const [, target] of whole) for (const word of words) use(at(target!), word, path);
  }
  return users;
}

function wordCounts(files: readonly SourceFile[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { text } of files) {
    for (const [word] of withoutComments(text).matchAll(wordPattern)) {
      counts.set(word, (counts.get(word) ?? 0) + 1);
    }
  }
  return counts;
}

function isTest(path: string): boolean {
  return path.startsWith('test/');
}

export interface ExportFaults {
  /** Nobody imports it; of types: not even its own file names it again. */
  readonly unused: readonly string[];
  /** Values that only tests import. */
  readonly forTests: readonly string[];
}

export function exportFaults(files: readonly SourceFile[]): ExportFaults {
  const users = usersOf(files);
  const unused: string[] = [];
  const forTests: string[] = [];
  for (const file of files) {
    if (!file.path.startsWith('src/')) continue;
    const words = wordCounts([file]);
    for (const { path, name, isType } of exportsOf(file)) {
      const by = users.get(`${path} ${name}`) ?? [];
      const key = `${path} ${name}`;
      // A type may be exported for the signatures of its own file: it is what they are called by.
      if (by.length === 0 && !(isType && words.get(name)! > 1)) unused.push(key);
      if (by.length > 0 && by.every(isTest) && !isType) forTests.push(key);
    }
  }
  return { unused, forTests };
}

/** Methods and accessors of `src` whose name stands nowhere else but in tests. */
export function uncalledMethods(files: readonly SourceFile[]): string[] {
  const words = wordCounts(files.filter(({ path }) => !isTest(path)));
  return files
    .filter(({ path }) => path.startsWith('src/'))
    .flatMap(({ path, text }) =>
      [...withoutComments(text).matchAll(methodPattern)]
        .filter(([, name]) => words.get(name!) === 1 && name !== 'constructor')
        .map(([, name]) => `${path} ${name}`),
    );
}
