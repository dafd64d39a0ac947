/**
 * A server with a known fault: it takes any mail at once, but says nothing in the first `stallMs` of each second.
 *
 * Runs in: a process of its own; `node bench/accuracy/stalling-server.ts STALL_MS`. Prints its port.
 */

import { type AddressInfo, createServer, type Socket } from 'node:net';

const stallMs = Number(process.argv[2] ?? 200);
const beganMs = performance.now();
/** What is not said during a stall, in order. */
let held: [Socket, string][] = [];

function say(socket: Socket, text: string): void {
  const inSecond = (performance.now() - beganMs) % 1_000;
  if (inSecond >= stallMs && held.length === 0) {
    socket.write(text);
    return;
  }
  held.push([socket, text]);
  if (held.length > 1) return;
  const wait = () => {
    const leftMs = stallMs - ((performance.now() - beganMs) % 1_000);
    if (leftMs > 0) {
      setTimeout(wait, Math.ceil(leftMs));
      return;
    }
    const all = held;
    held = [];
    for (const [to, each] of all) to.write(each);
  };
  wait();
}

const server = createServer({ noDelay: true }, (socket) => {
  let isData = false;
  let input = '';
  socket.on('error', () => socket.destroy());
  socket.write('220 stalling ESMTP\r\n');
  socket.on('data', (chunk) => {
    input += chunk.toString('latin1');
    for (;;) {
      const end = isData ? input.indexOf('\r\n.\r\n') : input.indexOf('\r\n');
      if (end === -1) return;
      const line = input.slice(0, end);
      input = input.slice(end + (isData ? 5 : 2));
      if (isData) {
        isData = false;
        say(socket, '250 Ok\r\n');
      } else if (line === 'DATA') {
        isData = true;
        socket.write('354 Go\r\n');
      } else if (line.startsWith('EHLO')) {
        socket.write('250-stalling\r\n250 PIPELINING\r\n');
      } else if (line === 'QUIT') {
        socket.end('221 Bye\r\n');
      } else {
        socket.write('250 Ok\r\n');
      }
    }
  });
});

server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`port ${(server.address() as AddressInfo).port}\n`);
});
