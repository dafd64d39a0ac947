/**
 * Small mail handed to a test's server, as an operator does and as an SMTP client does.
 *
 * Runs in: tests.
 */

import { callOn, type TestServer } from './test-server.ts';
import { WireClient } from './wire-client.ts';

const smallText = 'Subject: x\r\n\r\nx\r\n';

/** From ann@here.test, by `message.send`; answers the message's id. */
export async function sendSmall(
  { server }: Pick<TestServer, 'server'>,
  to: string,
  text = smallText,
): Promise<string> {
  const params = { sender: 'ann@here.test', recipients: [to] };
  return (await callOn(server.handlers, 'message.send', params, Buffer.from(text))).id;
}

/** Last lines of the replies to the lines, each sent after the reply to the one before; EHLO comes first. */
export async function smtpReplies(
  { ports }: Pick<TestServer, 'ports'>,
  lines: readonly string[],
): Promise<string[]> {
  const client = await WireClient.connect(ports.smtp!);
  await client.line();
  const replies: string[] = [];
  for (const line of ['EHLO me.test', ...lines]) {
    client.send(Buffer.from(`${line}\r\n`));
    let reply = (await client.line())!;
    while (reply[3] === '-') reply = (await client.line())!;
    replies.push(reply);
  }
  return replies.slice(1);
}
