/** Hands one message in by LMTP, and waits until it is accepted. */

import { connect } from 'node:net';

export function deliverByLmtp(port: number, recipient: string, message: string): Promise<void> {
  const lines = ['LHLO c', 'MAIL FROM:<s@far.test>', `RCPT TO:<${recipient}>`, 'DATA'];
  lines.push(`${message.replace(/^\./gm, '..')}\r\n.`, 'QUIT');
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let heard = '';
    socket.on('data', (chunk) => {
      heard += chunk.toString();
      if (!/^(?:\d{3}-.*\r\n)*\d{3} .*\r\n$/.test(heard)) return;
      if (/^[45]/m.test(heard)) reject(new Error(heard));
      heard = '';
      const line = lines.shift();
      if (line === undefined) socket.end();
      else socket.write(`${line}\r\n`);
    });
    socket.on('close', () => resolve());
    socket.on('error', reject);
  });
}
