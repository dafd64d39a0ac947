/**
 * smtp-server (npm) with the same directory and policy: what our session is compared with.
 */

import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { decideRecipient } from '../../src/edge/guard/recipient-policy.ts';
import { replyWords } from '../../src/edge/protocols/smtp/replies.ts';
import { parsePath } from '../../src/mail/wire/smtp/path.ts';
import { fakeDirectory } from './smtp-fakes.ts';

export interface ReferenceMessage {
  readonly sender: string;
  readonly recipients: readonly string[];
  readonly body: Buffer;
}

export interface ReferenceServer {
  readonly port: number;
  readonly messages: ReferenceMessage[];
  close(): void;
}

export interface ReferenceOptions {
  readonly isLmtp: boolean;
  readonly isTrusted: boolean;
  readonly messageBytesMax: number;
  readonly recipientsMax: number;
  readonly tls: { readonly cert: string; readonly key: string };
}

function refusal(words: string): Error {
  return Object.assign(new Error(words.slice(10)), { responseCode: Number(words.slice(0, 3)) });
}

export async function startReferenceServer(options: ReferenceOptions): Promise<ReferenceServer> {
  const messages: ReferenceMessage[] = [];
  const server = new SMTPServer({
    ...options.tls,
    name: 'mx.test',
    lmtp: options.isLmtp,
    authOptional: true,
    disabledCommands: ['AUTH'],
    disableReverseLookup: true,
    hideENHANCEDSTATUSCODES: false,
    hideDSN: false,
    rejectOversized: true,
    logger: false,
    size: options.messageBytesMax,
    maxRecipients: options.recipientsMax,
    async onRcptTo({ address }, _session, callback) {
      const octets = Buffer.from(`<${address.includes('@') ? address : 'postmaster'}>`);
      const path = parsePath(octets, 0, octets.length)!;
      const decision = await decideRecipient(fakeDirectory, path, options.isTrusted);
      callback(typeof decision === 'string' ? refusal(replyWords[decision]) : null);
    },
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        if (!stream.sizeExceeded) {
          messages.push({
            sender: mailFrom === false ? '' : mailFrom.address,
            recipients: rcptTo.map(({ address }) => address),
            body: Buffer.concat(chunks),
          });
        }
        callback(null);
      });
    },
  });
  server.on('error', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.server.address() as AddressInfo;
  return { port, messages, close: () => server.close(() => {}) };
}
