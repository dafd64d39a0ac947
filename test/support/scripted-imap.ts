/**
 * An IMAP server that says what a test tells it to: one answer a command, by the command's name.
 */

import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { testCertificate } from './certificate.ts';

/** Gives the whole answer to a command; `undefined` for what a plain server would say. */
export type ImapScript = (command: string, tag: string, socket: Socket) => string | undefined;

export interface ScriptedImap {
  readonly target: { readonly host: string; readonly port: number };
  /** Commands without tags, as they came, of all connections. */
  readonly heard: string[];
}

const body = 'Subject: x\r\n\r\na9 OK not an answer\r\n* 9 EXISTS\r\n';

function plainAnswer(command: string, tag: string): string {
  const name = command.replace(/^UID /, '').split(' ')[0]!;
  const ok = `${tag} OK done\r\n`;
  switch (name) {
    case 'SELECT':
      return `* 3 EXISTS\r\n* FLAGS (\\Seen)\r\n* OK [UIDVALIDITY 1] x\r\n${ok}`;
    case 'FETCH':
      return `* 1 FETCH (UID 7 BODY[] {${body.length}}\r\n${body} FLAGS ())\r\n${ok}`;
    case 'IDLE':
      return '+ idling\r\n';
    case 'LOGOUT':
      return `* BYE bye\r\n${ok}`;
    default:
      return ok;
  }
}

export async function startScriptedImap(
  context: TestContext,
  script: ImapScript = () => undefined,
  { isSecure = false, greeting = '* OK hello\r\n' } = {},
): Promise<ScriptedImap> {
  const heard: string[] = [];
  const sockets = new Set<Socket>();
  const serve = (socket: Socket) => {
    sockets.add(socket.on('error', () => {}));
    let rest = '';
    let idleTag = '';
    socket.write(greeting);
    socket.on('data', (chunk) => {
      const lines = (rest + chunk.toString()).split('\r\n');
      rest = lines.pop()!;
      for (const line of lines) {
        if (line === 'DONE') {
          heard.push(line);
          socket.write(`${idleTag} OK idled\r\n`);
          continue;
        }
        const [tag = ''] = line.split(' ');
        const command = line.slice(tag.length + 1);
        heard.push(command);
        if (command === 'IDLE') idleTag = tag;
        socket.write(script(command, tag, socket) ?? plainAnswer(command, tag));
        if (command === 'LOGOUT') socket.end();
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
  return { target: { host: '127.0.0.1', port: (server.address() as AddressInfo).port }, heard };
}
