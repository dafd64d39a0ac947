/**
 * Sends one message, line by line as given, and answers the last reply.
 *
 * Runs in: bench.
 */

import { createConnection } from 'node:net';

const replyMsMax = 60_000;

export function sendOne(port: number, to: string, lines: readonly string[]): Promise<string> {
  const steps = [
    'EHLO bench.example.net\r\n',
    'MAIL FROM:<bench@example.net>\r\n',
    `RCPT TO:<${to}>\r\n`,
    'DATA\r\n',
    `${lines.join('\r\n')}\r\n.\r\n`,
  ];
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: '127.0.0.1', port, noDelay: true });
    let input = '';
    let step = 0;
    let last = '';
    socket.setTimeout(replyMsMax, () => socket.destroy(new Error('no reply in time')));
    socket.setEncoding('latin1');
    socket.on('error', reject);
    socket.on('close', () => resolve(last === '' ? 'closed without a reply' : last));
    socket.on('data', (text: string) => {
      input += text;
      const reply = /^(?:\d{3}-.*\r\n)*(\d{3} .*)\r\n/.exec(input);
      if (reply === null) return;
      input = input.slice(reply[0].length);
      last = reply[1]!;
      if (step === steps.length || !/^[23]/.test(last)) socket.destroy();
      else socket.write(steps[step++]!, 'latin1');
    });
  });
}
