/**
 * Opens sessions that begin a message, send some of it and then say nothing more, until it is killed.
 *
 * Runs in: a process of its own: `node stopped-sessions.ts PORT COUNT`; prints `stopped COUNT` when all stand.
 */

import { createConnection } from 'node:net';

const openingMax = 200;
const bodyLine = `${'x'.repeat(76)}\r\n`;
/** Of each message, before it stops. */
const bodyLines = 50;

const [port, count] = process.argv.slice(2).map(Number) as [number, number];
const steps = [
  'EHLO stopped.example.net\r\n',
  'MAIL FROM:<stopped@example.net>\r\n',
  'RCPT TO:<sink@example.com>\r\n',
  'DATA\r\n',
  `Subject: to be continued\r\n\r\n${bodyLine.repeat(bodyLines)}`,
];
let opened = 0;
let stopped = 0;

for (let i = 0; i < Math.min(openingMax, count); i++) open();

function open(): void {
  if (opened === count) return;
  opened++;
  let step = 0;
  const socket = createConnection({ host: '127.0.0.1', port, noDelay: true });
  socket.setEncoding('latin1');
  socket.on('error', (error) => process.stderr.write(`${error.message}\n`));
  socket.on('data', (text: string) => {
    if (!/^[23]\d\d (.*)\r\n$/m.test(text)) {
      if (!/^[23]/.test(text)) process.stderr.write(text);
      return;
    }
    socket.write(steps[step++]!, 'latin1');
    if (step < steps.length) return;
    socket.removeAllListeners('data');
    socket.resume();
    stopped++;
    if (stopped === count) process.stdout.write(`stopped ${stopped}\n`);
    open();
  });
}
