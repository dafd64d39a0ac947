/** Hands one message in over SMTP with TLS from the first octet, as somebody who logged in, and tells the replies. */

import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { connect } from 'node:tls';

export interface Submitted {
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly from: string;
  readonly to: readonly string[];
  readonly data?: string;
}

const text = 'From: <FROM>\r\nSubject: hi\r\n\r\ntext\r\n';

/** The reply to each RCPT, then that to the end of the message, where one was taken. */
export async function submit(one: Submitted): Promise<readonly string[]> {
  const { port, user, password, from, to, data = text.replace('FROM', from) } = one;
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  const read = async () => {
    let line = (await lines.next()).value as string;
    while (/^\d{3}-/.test(line)) line = (await lines.next()).value as string;
    return line;
  };
  const say = async (words: string) => {
    socket.write(`${words}\r\n`);
    return await read();
  };
  const replies: string[] = [];
  try {
    await read();
    await say('EHLO client.test');
    const plain = Buffer.from(`\0${user}\0${password}`).toString('base64');
    const loggedIn = await say(`AUTH PLAIN ${plain}`);
    if (!loggedIn.startsWith('235')) return [loggedIn];
    const sender = await say(`MAIL FROM:<${from}>`);
    if (!sender.startsWith('250')) return [sender];
    for (const each of to) replies.push(await say(`RCPT TO:<${each}>`));
    if (!replies.some((reply) => reply.startsWith('250'))) return replies;
    await say('DATA');
    replies.push(await say(`${data}.`));
    return replies;
  } finally {
    socket.destroy();
  }
}
