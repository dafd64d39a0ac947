/**
 * Names of messages in a Maildir: flags behind `:2,`, sizes before.
 *
 * Runs in:   anywhere; pure.
 * Specs:     Maildir (D. J. Bernstein) and Maildir++ (`S=` bytes of the file, `W=` bytes with CRLF line ends);
 *            letters a to z are keywords by a list beside the messages, as Dovecot keeps it.
 * Limits:    `lettersMax` keywords.
 */

export const lettersMax = 26;
/** Dovecot's list: `0 $Label1`, a line a letter. */
export const keywordListName = 'dovecot-keywords';

const flagOfLetter: Readonly<Record<string, string>> = {
  D: '\\Draft',
  F: '\\Flagged',
  P: '$Forwarded',
  R: '\\Answered',
  S: '\\Seen',
  T: '\\Deleted',
};
const letterOfFlag = new Map(Object.entries(flagOfLetter).map(([letter, flag]) => [flag, letter]));
const firstLetter = 'a'.charCodeAt(0);

export interface MaildirName {
  readonly flags: readonly string[];
  /** The file holds the message as it is on the wire: no line ends are to be changed. */
  readonly isExact: boolean;
}

/** `fileBytes` is how long the file is. */
export function readMaildirName(
  name: string,
  keywords: readonly string[],
  fileBytes: number,
): MaildirName {
  // Some systems cannot have ":" in a name, and take ";" or "!".
  const info = /[:;!]2,([A-Za-z]*)$/.exec(name);
  const base = info === null ? name : name.slice(0, info.index);
  const flags: string[] = [];
  for (const letter of info?.[1] ?? '') {
    const flag = flagOfLetter[letter] ?? keywords[letter.charCodeAt(0) - firstLetter];
    if (flag !== undefined && !flags.includes(flag)) flags.push(flag);
  }
  const size = Number(/,S=(\d{1,15})(?:,|$)/.exec(base)?.[1] ?? -1);
  const wireSize = Number(/,W=(\d{1,15})(?:,|$)/.exec(base)?.[1] ?? -2);
  return { flags, isExact: size === wireSize && size === fileBytes };
}

export interface MaildirFile {
  readonly internalMs: number;
  readonly uidValidity: number;
  readonly uid: number;
  /** Of the file, and of the message. */
  readonly fileBytes: number;
  readonly wireBytes: number;
}

/** The part before the flags: the same for the same message, whatever its flags. */
export function maildirBase(file: MaildirFile): string {
  const { internalMs, uidValidity, uid, fileBytes, wireBytes } = file;
  const seconds = Math.max(0, Math.floor(internalMs / 1_000));
  return `${seconds}.V${uidValidity}U${uid}.chaski,S=${fileBytes},W=${wireBytes}`;
}

/** Letters in order of the alphabet, as the format wants; keywords that `keywords` has not are left out. */
export function maildirFlags(flags: readonly string[], keywords: readonly string[]): string {
  const letters: string[] = [];
  for (const flag of flags) {
    const letter = letterOfFlag.get(flag);
    const place = letter === undefined ? keywords.indexOf(flag) : -1;
    if (letter !== undefined) letters.push(letter);
    else if (place >= 0 && place < lettersMax)
      letters.push(String.fromCharCode(firstLetter + place));
  }
  return `:2,${letters.sort().join('')}`;
}

/** Keywords by letter; a number without a line stays empty. */
export function readKeywordList(text: string): string[] {
  const keywords: string[] = [];
  for (const line of text.split(/\r?\n/)) {
    const match = /^(\d{1,2}) (\S+)$/.exec(line);
    if (match !== null && Number(match[1]) < lettersMax) keywords[Number(match[1])] = match[2]!;
  }
  return keywords;
}

export function writeKeywordList(keywords: readonly string[]): string {
  return keywords.map((keyword, place) => `${place} ${keyword}\n`).join('');
}

/** A flag with a letter of its own needs none of the list. */
export function needsLetter(flag: string): boolean {
  return !flag.startsWith('\\') && !letterOfFlag.has(flag);
}

/** By when they came, as their names begin with seconds. */
export function byArrival(a: string, b: string): number {
  return Number.parseInt(a, 10) - Number.parseInt(b, 10) || (a < b ? -1 : a > b ? 1 : 0);
}
