/**
 * How each feature of IMAP and POP3 in docs/rfc.tsv is taken out: a command out of its table, a word out of a parser,
 * or what it does. Names of capabilities are left as they are: a test that looks at names alone proves nothing.
 *
 * Runs in: proofs by hand, and the test that they still fit.
 */

import type { Mutation } from './mutation.ts';

const imapFolder = 'src/edge/protocols/imap';
const pop3Folder = 'src/edge/protocols/pop3';
const wire = 'src/mail/wire/imap';
const engine = 'src/engine/mailbox';

type Change = Pick<Mutation, 'file' | 'from' | 'to'>;
type Features = Readonly<Record<string, Change>>;

/** A word that nobody says in place of one that somebody does. */
function unsaid(file: string, from: string, word: string): Change {
  return { file, from, to: from.replace(`'${word}'`, `'-${word}'`) };
}

function without(file: string, from: string): Change {
  return { file, from, to: '' };
}

function instead(file: string, from: string, to: string): Change {
  return { file, from, to };
}

function noCommand(folder: string, name: string): Change {
  const from = 'all.map((command) => [command.name';
  const kept = `all.filter(({ name }) => name !== '${name}' && name !== 'UID ${name}')`;
  return { file: `${folder}/commands/table.ts`, from, to: from.replace('all', kept) };
}

const imapCommand = (name: string) => noCommand(imapFolder, name);
const pop3Command = (name: string) => noCommand(pop3Folder, name);

/** By RFC, and section where the row has one. */
const pop3: Features = {
  '1939 §3': without('src/mail/wire/pop3/message-text.ts', '        this.#pieces.push(oneDot);\n'),
  '1939 §4': instead(
    `${engine}/pop3/maildrop.ts`,
    'return views.view({ account, mailbox: inboxMailbox, modseq, uidNext });',
    'return views.view({ account, mailbox: inboxMailbox, modseq: modseq + 1e6, uidNext });',
  ),
  '1939 §5': pop3Command('STAT'),
  '1939 §6': instead(`${engine}/pop3/remove.ts`, '    if (count === 0) return;', '    return;'),
  '1939 §7': pop3Command('TOP'),
  '2449 §5': pop3Command('CAPA'),
  '2449 §6.6': instead(
    'src/edge/protocols/session/serial-session.ts',
    '    this.say(isLast ? this.#lastWords.tooManyErrors : end);',
    '    this.forget();\n    this.say(isLast ? this.#lastWords.tooManyErrors : end);',
  ),
  '2595 §4': pop3Command('STLS'),
  '3206 §4': instead(
    `${pop3Folder}/replies.ts`,
    "'credentials-invalid': no('Log-in failed', 'AUTH')",
    "'credentials-invalid': no('Log-in failed')",
  ),
  '5034 §4': pop3Command('AUTH'),
  '6856 §2': pop3Command('UTF8'),
};

const session: Features = {
  '2177': imapCommand('IDLE'),
  '2342': imapCommand('NAMESPACE'),
  '2971': imapCommand('ID'),
  '4959': instead(
    `${wire}/parse-session.ts`,
    'initial: undefined };\n  if (!expectSpace(cursor)) return undefined;',
    "initial: undefined };\n  return fail(cursor, 'No response yet');",
  ),
  '4978': imapCommand('COMPRESS'),
  '5161': imapCommand('ENABLE'),
  '5464': imapCommand('SETMETADATA'),
  '5465': imapCommand('NOTIFY'),
  '6855 §3,§4': without(
    `${imapFolder}/commands/session-state.ts`,
    "    session.isUtf8Accepted ||= names.includes('UTF8=ACCEPT');\n",
  ),
  '7888': instead(
    `${wire}/command-reader.ts`,
    'const isWaiting = i < start || bytes[i] !== plus;',
    'const isWaiting = true;',
  ),
  '8437': imapCommand('UNAUTHENTICATE'),
  '9051 §6': without(
    `${imapFolder}/commands/session-state.ts`,
    "    session.isRev2 ||= names.includes('IMAP4REV2');\n",
  ),
  '9208': imapCommand('GETQUOTA'),
  '9586': without(
    `${imapFolder}/commands/session-state.ts`,
    "    session.isUidOnly ||= names.includes('UIDONLY');\n",
  ),
};

const mailboxes: Features = {
  '3348': without(
    `${imapFolder}/listing.ts`,
    String.raw`  attributes.push(names.parents.has(name) ? '\\HasChildren' : '\\HasNoChildren');` +
      '\n',
  ),
  '4314': imapCommand('SETACL'),
  '5258': instead(
    `${wire}/parse-list.ts`,
    'if (cursor.peek() === parenOpen) {\n    const options',
    'if (cursor.isAtEnd()) {\n    const options',
  ),
  '5819': unsaid(`${wire}/parse-list.ts`, "else if (name === 'STATUS')", 'STATUS'),
  '6154 §2': without(
    `${imapFolder}/listing.ts`,
    '  if (use !== undefined) attributes.push(use);\n',
  ),
  '6154 §3': unsaid(`${wire}/parse-mailbox.ts`, "(cursor, 'A parameter') !== 'USE'", 'USE'),
  '8438': unsaid(`${wire}/parse-status.ts`, "  'SIZE',\n", 'SIZE'),
  '8440': unsaid(`${wire}/parse-list.ts`, "name === 'MYRIGHTS'", 'MYRIGHTS'),
  '9051 §6.3.6': without(
    `${engine}/tree.ts`,
    '    await this.#mailboxes.copy(account, tenant, from, target, true, { id });\n',
  ),
  '9590': unsaid(`${wire}/parse-list.ts`, "name === 'METADATA'", 'METADATA'),
};

const messages: Features = {
  '3501 §2.3.2': instead(
    `${imapFolder}/recent.ts`,
    '  if (session.isRev2) return;\n  const ranges',
    '  if (from >= 0) return;\n  const ranges',
  ),
  '3501 §6.3.1': instead(
    `${imapFolder}/commands/select.ts`,
    'if (firstUnseen !== undefined) {',
    'if (firstUnseen === -1) {',
  ),
  '3501 §6': unsaid(`${wire}/parse-fetch.ts`, "    'RFC822.HEADER',\n", 'RFC822.HEADER'),
  '3502': instead(
    `${wire}/parse-append.ts`,
    'if (this.#isAtLiteral) return this.#message();',
    "if (this.#isAtLiteral) return fail(this.#cursor, 'One message');",
  ),
  '3516': unsaid(`${wire}/parse-fetch.ts`, "    case 'BINARY':\n", 'BINARY'),
  '3691': imapCommand('UNSELECT'),
  '4315': imapCommand('EXPUNGE'),
  '4469 §3': instead(`${wire}/parse-append.ts`, "!isUtf8 && takeWord(cursor, 'CATENATE')", 'false'),
  '4469 §4.2': instead(
    `${imapFolder}/answers.ts`,
    "no('The message is too large', 'TOOBIG')",
    "no('The message is too large')",
  ),
  '5092 §5': instead(
    `${wire}/parse-url.ts`,
    'export function parseImapUrl(text: string): ImapUrl | undefined {\n',
    'export function parseImapUrl(text: string): ImapUrl | undefined {\n  if (text) return;\n',
  ),
  '6851': imapCommand('MOVE'),
  '7889': unsaid(`${wire}/parse-status.ts`, "  'APPENDLIMIT',\n", 'APPENDLIMIT'),
  '8474': without(`${wire}/parse-fetch.ts`, "  'EMAILID',\n"),
  '8508': unsaid(`${imapFolder}/append-intake.ts`, "  ['REPLACE', ", 'REPLACE'),
  '8514': without(`${wire}/parse-fetch.ts`, "  'SAVEDATE',\n"),
  '8970': instead('src/mail/formats/mime/preview.ts', "if (text !== '') return text;", ''),
  '9051 §6.4.7': without(
    `${engine}/mailboxes.ts`,
    '      if (!isMove) await this.#takeBack(account, tenant, target, targets);\n',
  ),
  '9051 §7.5.2': instead(
    'src/mail/formats/mime/envelope.ts',
    'fields.replyTo.length === 0 ? from : addressList',
    'addressList',
  ),
};

const search: Features = {
  '4731': unsaid(`${wire}/parse-window.ts`, "takeWord(cursor, 'RETURN')", 'RETURN'),
  '4731 §3.2': instead(
    `${imapFolder}/commands/search.ts`,
    'return Math.max(min ? first : 0, max ? last : 0);',
    'return highest;',
  ),
  '5032': without(`${wire}/parse-search.ts`, "  ['OLDER', ageKey('older')],\n"),
  '5182': instead(`${wire}/parse-window.ts`, 'options.save = true;', 'options.save = false;'),
  '5255 §4.3': instead(
    'src/mail/formats/text/casemap.ts',
    "return streamSafe(titled(text)).normalize('NFKD');",
    'return titled(text);',
  ),
  '5256': imapCommand('SORT'),
  '5256 §2.1': without(
    'src/mail/formats/mime/sort-keys.ts',
    '    if (/\\(fwd\\)/i.test(text.slice(trimmed.length))) isReplyOrForward = true;\n    text = trimmed;\n',
  ),
  '5267 §3': instead(
    `${wire}/parse-sort.ts`,
    "const returns = parseReturn(cursor);\n  if (cursor.fault !== '') return undefined;\n  const order",
    'const returns = undefined;\n  const order',
  ),
  '5267 §4': instead(
    `${wire}/parse-window.ts`,
    'options.update = true;',
    'options.update = false;',
  ),
  '5957': unsaid(`${wire}/parse-sort.ts`, "  'DISPLAYFROM',\n", 'DISPLAYFROM'),
  '7377': imapCommand('ESEARCH'),
  '9051 §6.4.4': instead(
    `${wire}/parse-search.ts`,
    "dateKey('sent', test)",
    "dateKey('saved', test)",
  ),
  '9394': unsaid(`${wire}/parse-window.ts`, "case 'PARTIAL':", 'PARTIAL'),
  '9738 §3': instead(
    `${imapFolder}/commands/message-limit.ts`,
    'return messagesPerCommandMax > 0 ? messagesPerCommandMax : savedMessagesPerCommandMax;',
    'return savedMessagesPerCommandMax > 0 ? 0 : messagesPerCommandMax;',
  ),
  '9738 §3.1': instead(
    `${imapFolder}/commands/message-limit.ts`,
    'return service.policy.limits.messagesPerCommandMax;',
    'return 0 * service.policy.limits.messagesPerCommandMax;',
  ),
  '9738 §3.2': unsaid(`${wire}/parse-search.ts`, "  ['UIDAFTER', ", 'UIDAFTER'),
  '10022': imapCommand('UIDBATCHES'),
  '10022 §3.1.1': instead(
    `${imapFolder}/commands/uid-batches.ts`,
    'if (2 * came < size && 2 * went < size) return false;',
    '',
  ),
  '9585': instead(
    `${imapFolder}/commands/search-run.ts`,
    'if (nowMs - this.#toldMs < progressMs) return;',
    'return;',
  ),
};

const changes: Features = {
  '7162 §3.1': unsaid(`${wire}/parse-store.ts`, "(cursor, 'UNCHANGEDSINCE')", 'UNCHANGEDSINCE'),
  '7162 §3.2': without(
    `${imapFolder}/commands/session-state.ts`,
    "    session.isQresync ||= names.includes('QRESYNC');\n",
  ),
  '7162 §3.2.5.1': without(
    `${engine}/imap/sync.ts`,
    '  if (since < floor) return notIn(view, wanted);\n',
  ),
};

export const mutations: readonly Mutation[] = [
  ...[pop3, session, mailboxes, messages, search, changes].flatMap((features) =>
    Object.entries(features).map(([row, change]): Mutation => {
      const [rfc = '', section = ''] = row.split(' ');
      return { rfc, section, ...change };
    }),
  ),
];
