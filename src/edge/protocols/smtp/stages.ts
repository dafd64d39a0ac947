/**
 * Where scanners come into a session before DATA: as it begins, at EHLO, MAIL and RCPT.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 5321 §3.1 (a server may refuse with its greeting), §7.9 (refusing by policy).
 * Invariant: a refusal answers its own command and nothing else; no promise, and no call, where nobody asks.
 */

import type { Buffer } from 'node:buffer';
import { encodeReply } from '../../../mail/wire/smtp/reply.ts';
import type {
  ScannedSession,
  SessionStage,
  StageAnswer,
  StageFacts,
} from '../../../ports/session-scanners.ts';
import type { CommandSession } from './command.ts';
import { openingWaitMs } from './filters.ts';

interface StageWords {
  readonly sender?: string;
  readonly recipient?: string;
}

/** Undefined: go on, at once. Else whether to; where not, the command was answered. */
export function askStage(
  session: CommandSession,
  stage: SessionStage,
  words: StageWords = {},
): Promise<boolean> | undefined {
  const { scans, peer } = session;
  if (scans?.isAskedAt(stage, peer.isTrusted) !== true) return undefined;
  return scans.ask(stage, factsOf(session, words)).then((answer) => {
    if (session.isEnded) return false;
    if (answer.kind === 'go-on') return true;
    const reply = encodeReply(answer.text);
    // RFC 5321 §3.8: whoever says 421 hangs up.
    if (answer.text.startsWith('421')) session.end(reply);
    else if (answer.text.startsWith('4')) session.reply(reply);
    else session.refuse(reply);
    return false;
  });
}

/** Of the client as it stands; the one before it is gone. */
export function scansOf({ scans, service }: CommandSession): ScannedSession | undefined {
  scans?.end();
  return service.scanners?.begin();
}

/**
 * What a client waits for before it is greeted; undefined: nothing. Resolves with what it is refused with in place of
 * the greeting.
 */
export function openingOf(session: CommandSession): Promise<Buffer | undefined> | undefined {
  const { scans, peer, filters, service } = session;
  const waitMs = openingWaitMs(filters);
  const isAsked = scans?.isAskedAt('connect', peer.isTrusted) === true;
  if (waitMs === 0 && !isAsked) return undefined;
  if (filters?.policy.settings.early.teaser === true) session.reply(service.teaser);
  const waited = new Promise<void>((resolve) => {
    if (waitMs === 0) resolve();
    else service.clock.setTimer(waitMs, resolve);
  });
  if (!isAsked) return waited.then(() => undefined);
  return Promise.all([askConnect(session), waited]).then(([refusal]) => refusal);
}

/** What the client is refused with; undefined at once: nobody asks, later: nobody refuses it. */
export function askConnect(session: CommandSession): Promise<Buffer | undefined> | undefined {
  const { scans, peer } = session;
  if (scans?.isAskedAt('connect', peer.isTrusted) !== true) return undefined;
  return scans.ask('connect', factsOf(session, {})).then(refusalOf);
}

/** RFC 5321 §4.3.2: a connection is refused by 554, or by 421 for now. */
function refusalOf(answer: StageAnswer): Buffer | undefined {
  if (answer.kind === 'go-on') return undefined;
  const [, code, text] = /^(\d)\d\d \S+ (.*)$/.exec(answer.text) ?? ['', '5', 'Refused'];
  return encodeReply(code === '4' ? `421 4.7.0 ${text}` : `554 5.7.1 ${text}`);
}

function factsOf(session: CommandSession, words: StageWords): StageFacts {
  const { peer, heloName, account, tls, service } = session;
  const { sender = '', recipient = '' } = words;
  return {
    ...{ peerAddress: peer.address, peerPort: peer.port, hostname: service.policy.hostname },
    ...{ helo: heloName, user: account?.address ?? '', isTrusted: peer.isTrusted },
    ...(tls === undefined ? {} : { tls: { version: tls.version, cipher: tls.cipher } }),
    ...{ sender, recipient },
  };
}
