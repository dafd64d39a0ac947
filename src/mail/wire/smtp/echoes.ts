/**
 * What a server's reply repeats of what it was told: senders choose those words, so they say nothing of the server.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 5321 §4.1.2 (quoted local parts: any words may stand in an address), §4.1.3 (address literals).
 * Limits:    what is longer than an address may be (RFC 5321 §4.5.3.1) is no echo of one; so no pattern takes long.
 */

/** In its place, so that words on both sides make no phrase. */
const gap = '·';
const quoted = /"(?:[^"\\]|\\.){0,320}"/g;
const bracketed = /<[^<>]{0,320}>/g;
const address = /[^\s<>()[\],;:"\\]{1,320}@(?:\[[^\]]{0,80}\]|[^\s<>()[\],;:"\\]{1,255})/g;

/** Without addresses and quoted strings; a reply that is one quoted string is what the server says. */
export function withoutEchoes(words: string): string {
  const text = words.trim();
  if (!text.includes('@') && !text.includes('"') && !text.includes('<')) return text;
  const unquoted = text.replace(quoted, (found) => (found === text ? found : gap));
  return unquoted.replace(bracketed, unlessSaid).replace(address, gap);
}

/** `<a@b.example>` and `<postmaster>`, but not `<https://list.example/why>` and `<too many connections>`. */
function unlessSaid(found: string): string {
  if (found.includes('@')) return gap;
  return found.includes(' ') || found.startsWith('<http') ? found : gap;
}

/** What senders choose of a message, and servers repeat in their replies. */
export interface Repeated {
  readonly sender: string;
  readonly recipients: readonly { readonly address: string }[];
}

/** Whether an address of the message has these words (in lower case): said in a reply to it, they may be an echo. */
export function isInAddress(words: string, { sender, recipients }: Repeated): boolean {
  const has = (of: string) =>
    of.normalize('NFKC').toLowerCase().replaceAll('\\', '').includes(words);
  return has(sender) || recipients.some((recipient) => has(recipient.address));
}
