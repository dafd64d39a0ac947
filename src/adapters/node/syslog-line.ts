/**
 * Brings messages to a syslog receiver, by TCP, TLS or UDP.
 *
 * Runs in:   main thread.
 * Specs:     RFC 6587 §3.4.1, RFC 5425, RFC 5426.
 * Limits:    `connectMsMax` to connect, `sendMsMax` for all of it, `closeMsMax` for the receiver's end.
 * Invariant: syslog has no answer, so a batch is a connection of its own: it counts as sent once the receiver ended it
 *            after ours, or took all of it and kept silent for `closeMsMax`. One that was reset, or not taken in time, is
 *            sent again. By UDP a message is sent and forgotten.
 */

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createConnection, isIP, isIPv6, type Socket } from 'node:net';
import { connect as connectTls, getCACertificates } from 'node:tls';
import type { SyslogReceiver } from '../../settings/schema/audit.ts';
import { asDatagram, framed } from '../audit/syslog.ts';

export interface SyslogLineOptions {
  readonly receiver: SyslogReceiver;
  /** PEM of authorities trusted besides the system's; "": none. */
  readonly roots: string;
  readonly closeMsMax?: number;
}

const connectMsMax = 10_000;
const sendMsMax = 30_000;
const closeMsMaxDefault = 2_000;

/** Rejects where it did not arrive. */
export async function sendSyslog(
  options: SyslogLineOptions,
  messages: readonly Buffer[],
  signal: AbortSignal,
): Promise<void> {
  if (options.receiver.transport === 'udp') return await sendDatagrams(options.receiver, messages);
  const socket = open(options);
  // What goes wrong ends the connection: it is told where it is waited for.
  let fault: Error | undefined;
  socket.on('error', (error) => {
    fault ??= error;
  });
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const stop = () => socket.destroy(new Error('stopped'));
  signal.addEventListener('abort', stop);
  let isTaken = false;
  socket.setTimeout(connectMsMax);
  // Silence before it was taken is a failure, after that an end.
  socket.on('timeout', () => {
    socket.destroy(isTaken ? undefined : new Error('no connection in time'));
  });
  const whole = setTimeout(() => socket.destroy(new Error('not taken in time')), sendMsMax);
  try {
    const ready = options.receiver.transport === 'tls' ? 'secureConnect' : 'connect';
    await Promise.race([once(socket, ready), closed]);
    if (fault !== undefined) throw fault;
    socket.setTimeout(0);
    socket.resume();
    socket.end(Buffer.concat(messages.map(framed)), () => {
      isTaken = true;
      socket.setTimeout(options.closeMsMax ?? closeMsMaxDefault);
    });
    await closed;
    if (fault !== undefined) throw fault;
    if (!isTaken) throw new Error('the receiver ended the connection');
  } finally {
    clearTimeout(whole);
    signal.removeEventListener('abort', stop);
    socket.destroy();
  }
}

function open({ receiver, roots }: SyslogLineOptions): Socket {
  const { transport, host, port } = receiver;
  if (transport === 'tcp') return createConnection({ host, port });
  const ca = roots === '' ? undefined : [...getCACertificates('default'), roots];
  return connectTls({
    ...{ host, port, minVersion: 'TLSv1.2' },
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(ca === undefined ? {} : { ca }),
  });
}

async function sendDatagrams(
  { host, port }: SyslogReceiver,
  messages: readonly Buffer[],
): Promise<void> {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  try {
    for (const message of messages) {
      await new Promise<void>((resolve, reject) => {
        socket.send(asDatagram(message), port, host, (error) =>
          error === null ? resolve() : reject(error),
        );
      });
    }
  } finally {
    socket.close();
  }
}
