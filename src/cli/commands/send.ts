/** `chaski send`: injects a message from a file or standard input. */

import { readFile } from 'node:fs/promises';
import { utf8, view } from '../../base/bytes.ts';
import { MailError } from '../../base/errors.ts';
import { type Command, UsageError } from '../command.ts';

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** The same message with every line ended by CRLF, the last one too (RFC 5321 §2.3.8). */
export function withCrlf(message: Uint8Array): Uint8Array {
  const bytes = view(message);
  const parts: Uint8Array[] = [];
  const end = utf8('\r\n');
  let start = 0;
  while (start < bytes.length) {
    const feed = bytes.indexOf(lineFeed, start);
    const stop = feed < 0 ? bytes.length : feed;
    const hasReturn = feed > start && bytes[feed - 1] === carriageReturn;
    parts.push(bytes.subarray(start, hasReturn ? stop - 1 : stop), end);
    start = stop + 1;
  }
  return Buffer.concat(parts);
}

const send: Command = {
  name: 'send',
  summary: 'Send a message from a file or standard input through the running server.',
  arguments: '[FILE]',
  argumentCount: [0, 1],
  options: {
    from: { type: 'string', value: 'ADDRESS', doc: 'Envelope sender; "" is the null sender.' },
    to: {
      type: 'string',
      multiple: true,
      value: 'ADDRESS',
      doc: 'Envelope recipient. May stand more than once.',
    },
  },
  examples: [
    'send message.eml --from ann@example.org --to bob@example.net',
    "|printf 'Subject: hello\\n\\nHi!\\n' | chaski send --from ann@example.org --to bob@example.net",
  ],
  async run({ arguments: [file = '-'], options, output, control, input }) {
    const sender = options.text('from');
    const recipients = options.texts('to');
    if (sender === undefined) throw new UsageError('--from is missing');
    if (recipients.length === 0) throw new UsageError('--to is missing');
    const message = file === '-' ? await input() : await readMessage(file);
    if (message.byteLength === 0) throw new MailError('message-invalid', 'the message is empty');
    const connection = await control();
    const answer = await connection.call(
      'message.send',
      { sender, recipients },
      { body: withCrlf(message) },
    );
    output.result(
      answer,
      (shown) => `Accepted as ${shown.id}. Follow it with: chaski trace ${shown.id}`,
    );
    return undefined;
  },
};

async function readMessage(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new MailError('not-found', `${file} cannot be read: ${code}`, { cause });
  }
}

export const sendCommands: readonly Command[] = [send];
