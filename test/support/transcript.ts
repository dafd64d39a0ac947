/**
 * Reads and plays session transcripts (`test/sessions/*.session`): what a client says and what it must hear.
 *
 * A file is a row of cases. A line `# text` begins one and names it; `@ word …` lines under it say what server it
 * wants. Then:
 *   C: text    a line to send, CRLF added. Lines in a row leave in one write. `\r \n \t \\ \xHH` stand for octets,
 *              `{64*a}` for 64 times `a`.
 *   C- text    octets to send as they are, in a write of their own.
 *   S: text    a line of a reply, in which `…` stands for anything.
 *   M: text    a fact of the next message accepted, as `sender=…`, `rcpt=…`, `body=…` (escaped like C).
 *   ! tls      TLS is negotiated now.     ! closed   the server ends the connection, saying nothing more.
 *   ! pause    what came before is sent, and the next chunk is a packet of its own.
 *   ! compress IMAP: what is said and heard from here on is compressed.
 *   ! arrival  IMAP: somebody else's mail arrives in INBOX.
 */

import { readFileSync } from 'node:fs';

/** What happens beside what is said. */
type Event = 'arrival' | 'closed' | 'compress' | 'pause' | 'tls';

export type Step =
  | { readonly kind: 'send'; readonly octets: Buffer; readonly line: number }
  | { readonly kind: 'expect'; readonly pattern: string; readonly line: number }
  | {
      readonly kind: 'message';
      readonly facts: Readonly<Record<string, string>>;
      readonly line: number;
    }
  | { readonly kind: Event; readonly line: number };

export interface Transcript {
  readonly name: string;
  readonly options: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
}

export function readTranscripts(path: string): Transcript[] {
  const transcripts: { name: string; options: Record<string, string>; steps: Step[] }[] = [];
  const lines = readFileSync(path, 'utf8').split('\n');
  let canJoin = false;
  for (const [index, text] of lines.entries()) {
    const line = index + 1;
    if (text.trim() === '') continue;
    if (text.startsWith('# ')) {
      transcripts.push({ name: text.slice(2).trim(), options: {}, steps: [] });
      canJoin = false;
      continue;
    }
    const current = transcripts.at(-1);
    if (current === undefined) throw new Error(`${path}:${line}: no case begun`);
    if (text.startsWith('@ ')) {
      const [name = '', ...rest] = text.slice(2).trim().split(' ');
      current.options[name] = rest.join(' ');
      continue;
    }
    const step = readStep(text, line, path);
    const last = current.steps.at(-1);
    if (step.kind === 'send' && canJoin && last?.kind === 'send' && text.startsWith('C:')) {
      current.steps[current.steps.length - 1] = {
        ...last,
        octets: Buffer.concat([last.octets, step.octets]),
      };
    } else {
      current.steps.push(step);
    }
    canJoin = text.startsWith('C:');
  }
  return transcripts;
}

function readStep(text: string, line: number, path: string): Step {
  const mark = text.slice(0, 2);
  const rest = text.slice(2).replace(/^ /, '');
  switch (mark) {
    case 'C:':
      return { kind: 'send', octets: Buffer.concat([octetsOf(rest), Buffer.from('\r\n')]), line };
    case 'C-':
      return { kind: 'send', octets: octetsOf(rest), line };
    case 'S:':
      return { kind: 'expect', pattern: rest, line };
    case 'M:':
      return { kind: 'message', facts: readFacts(rest), line };
    default:
      if (/^! (arrival|closed|compress|pause|tls)$/.test(text)) {
        return { kind: text.slice(2) as Event, line };
      }
      throw new Error(`${path}:${line}: not a step: ${text}`);
  }
}

function readFacts(text: string): Record<string, string> {
  const facts: Record<string, string> = {};
  for (const match of text.matchAll(/(\w+)=(.*?)(?=\s+\w+=|$)/g)) facts[match[1]!] = match[2]!;
  return facts;
}

/** Text is UTF-8; escapes are octets. */
export function octetsOf(text: string): Buffer {
  const parts: Buffer[] = [];
  const pattern = /\\x([0-9a-f]{2})|\\([rnt\\])|\{(\d+)\*([^}]+)\}|[^\\{]+|[\s\S]/gi;
  for (const match of text.matchAll(pattern)) {
    const [whole, hex, letter, count, repeated] = match;
    if (hex !== undefined) parts.push(Buffer.from(hex, 'hex'));
    else if (letter !== undefined) {
      parts.push(Buffer.from({ r: '\r', n: '\n', t: '\t', '\\': '\\' }[letter] ?? letter));
    } else if (repeated !== undefined)
      parts.push(Buffer.alloc(Number(count) * Buffer.byteLength(repeated), repeated));
    else parts.push(Buffer.from(whole));
  }
  return Buffer.concat(parts);
}

export function matches(pattern: string, line: string): boolean {
  const source = pattern
    .split('…')
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*');
  return new RegExp(`^${source}$`, 's').test(line);
}
