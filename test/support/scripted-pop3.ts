/**
 * A POP3 server of three messages that says what a test tells it to: one answer a command.
 */

import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { testCertificate } from './certificate.ts';

/** Gives the whole answer to a command; `undefined` for what a plain server would say. */
export type Pop3Script = (command: string, socket: Socket) => string | undefined;

function plainAnswer(command: string): string {
  switch (command.split(' ')[0]) {
    case 'UIDL':
      return '+OK\r\n1 a\r\n2 b\r\n3 c\r\n.\r\n';
    case 'LIST':
      return '+OK\r\n1 10\r\n2 20\r\n3 30\r\n.\r\n';
    case 'RETR':
      return '+OK here\r\nSubject: x\r\n\r\n..\r\n-ERR no\r\n\r\n.\r\n';
    default:
      return '+OK\r\n';
  }
}

export async function startScriptedPop3(
  context: TestContext,
  script: Pop3Script = () => undefined,
  isSecure = false,
) {
  const heard: string[] = [];
  const sockets = new Set<Socket>();
  const serve = (socket: Socket) => {
    sockets.add(socket.on('error', () => {}));
    let rest = '';
    socket.write('+OK hello\r\n');
    socket.on('data', (chunk) => {
      const lines = (rest + chunk.toString()).split('\r\n');
      rest = lines.pop()!;
      for (const line of lines) {
        heard.push(line);
        socket.write(script(line, socket) ?? plainAnswer(line));
        if (line === 'QUIT') socket.end();
      }
    });
  };
  const server: Server = isSecure ? createTlsServer(testCertificate(), serve) : createServer(serve);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port, heard };
}
