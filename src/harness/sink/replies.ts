/**
 * Replies as a model writes them: words in braces filled in, several lines as SMTP wants them.
 *
 * Runs in:   sink; pure.
 * Specs:     RFC 5321 §4.2.1 (lines of a reply).
 */

const replyWords = ['address', 'sender', 'recipient', 'id', 'second'] as const;
export type ReplyWord = (typeof replyWords)[number];

const wordPattern = new RegExp(`\\{(${replyWords.join('|')})\\}`, 'g');

/** The text with its words filled in; each line of it after the first gets the code of the first. */
export function fillReply(text: string, word: (name: ReplyWord) => string): string {
  const filled = text.includes('{')
    ? text.replaceAll(wordPattern, (_, name: ReplyWord) => word(name))
    : text;
  if (!filled.includes('\n')) return filled;
  const lines = filled.split('\n');
  const [, code = '250', enhanced = ''] =
    /^(\d{3}) ((?:\d\.\d{1,3}\.\d{1,3} )?)/.exec(lines[0]!) ?? [];
  const bare = lines.map((line, at) => (at === 0 ? line.slice(4) : `${enhanced}${line}`));
  return bare.map((line, at) => `${code}${at < bare.length - 1 ? '-' : ' '}${line}`).join('\r\n');
}
