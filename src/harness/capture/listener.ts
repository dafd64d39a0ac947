/**
 * The listener of the capture mode: takes what any client sends, with STARTTLS and any AUTH.
 *
 * Runs in:   sink. On smtp-server, whose job it is to get along with every client; models that disturb need a session
 *            of our own (`sink/sink-session.ts`), which can cut and stall.
 * Specs:     RFC 5321, RFC 3207, RFC 4954, RFC 2033 (LMTP).
 * Limits:    `messageBytesMax` a message; `clientsMax` connections; `idleMsMax` of silence.
 */

import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import {
  SMTPServer,
  type SMTPServerDataStream,
  type SMTPServerOptions,
  type SMTPServerSession,
} from 'smtp-server';
import { mebibyte, minuteMs } from '../../base/units.ts';
import type { HostPort } from '../addresses.ts';
import type { ServerCertificate } from '../sink/certificates.ts';

const messageBytesMax = 64 * mebibyte;
const clientsMax = 500;
const idleMsMax = 5 * minuteMs;

export interface ListenerOptions {
  readonly hostName: string;
  readonly lmtp: boolean;
  readonly certificate: ServerCertificate;
  /** Keeps the message, or throws: then the client is told to try again. */
  take(message: TakenMessage): void;
  connected(): void;
  closed(): void;
}

export interface TakenMessage {
  readonly sender: string;
  readonly recipients: readonly string[];
  readonly bytes: Buffer;
  readonly via: string;
  readonly client: string;
  readonly isEncrypted: boolean;
  readonly user: string | undefined;
}

export class CaptureListener {
  readonly #options: ListenerOptions;
  readonly #servers: SMTPServer[] = [];

  constructor(options: ListenerOptions) {
    this.#options = options;
  }

  async listen(address: HostPort, isImplicit: boolean): Promise<HostPort> {
    const server = new SMTPServer(this.#serverOptions(isImplicit));
    server.on('error', () => {});
    const listening = server.listen(address.port, address.host);
    await once(listening, 'listening');
    this.#servers.push(server);
    return { host: address.host, port: (listening.address() as { port: number }).port };
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.#servers.map((server) => new Promise<void>((done) => server.close(() => done()))),
    );
  }

  #serverOptions(isImplicit: boolean): SMTPServerOptions {
    const { hostName, lmtp, certificate, connected, closed } = this.#options;
    return {
      ...{ name: hostName, banner: 'sink', lmtp, secure: isImplicit, size: messageBytesMax },
      ...{ key: certificate.key, cert: certificate.cert },
      ...{ authMethods: ['PLAIN', 'LOGIN', 'CRAM-MD5', 'XOAUTH2'], authOptional: true },
      ...{ allowInsecureAuth: true, disableReverseLookup: true, logger: false },
      ...{ maxClients: clientsMax, socketTimeout: idleMsMax, closeTimeout: 100 },
      maxAllowedUnauthenticatedCommands: false,
      onAuth: (auth, _session, done) => done(null, { user: auth.username ?? 'somebody' }),
      onConnect: (_session, done) => {
        connected();
        done();
      },
      onClose: () => closed(),
      onData: (stream, session, done) => {
        this.#read(stream, session).then((taken) => answer(taken, session, lmtp, done), done);
      },
    };
  }

  /** Undefined once the message was kept, else what to tell the client. */
  async #read(
    stream: SMTPServerDataStream,
    session: SMTPServerSession,
  ): Promise<Error | undefined> {
    const chunks: Buffer[] = [];
    for await (const chunk of stream) {
      if (stream.sizeExceeded) chunks.length = 0;
      else chunks.push(chunk as Buffer);
    }
    if (stream.sizeExceeded) return refusal(552, '5.3.4 Message too large');
    const { mailFrom, rcptTo } = session.envelope;
    const { localAddress, localPort } = session;
    try {
      this.#options.take({
        sender: mailFrom === false ? '' : mailFrom.address,
        recipients: rcptTo.map(({ address }) => address),
        bytes: Buffer.concat(chunks),
        via: `${localAddress}:${localPort}`,
        client: session.remoteAddress,
        isEncrypted: session.secure,
        user: typeof session.user === 'string' ? session.user : undefined,
      });
      return undefined;
    } catch (error) {
      return refusal(452, `4.3.1 Cannot keep it: ${(error as Error).message}`);
    }
  }
}

type Done = (error?: Error | null, message?: string | (string | Error)[]) => void;

function answer(
  refused: Error | undefined,
  session: SMTPServerSession,
  lmtp: boolean,
  done: Done,
): void {
  // RFC 2033 §4.2: a reply for each recipient.
  if (lmtp)
    done(
      null,
      session.envelope.rcptTo.map(() => refused ?? 'Captured'),
    );
  else if (refused === undefined) done(null, 'Captured');
  else done(refused);
}

function refusal(responseCode: number, text: string): Error {
  return Object.assign(new Error(text), { responseCode });
}
