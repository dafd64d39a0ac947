/**
 * EHLO, HELO and LMTP's LHLO: the client's name, our list of extensions, a fresh start.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 5321 §4.1.1.1, §4.1.4 (any of them resets); RFC 2033 §4.1 (LHLO alone in LMTP).
 */

import { encodeReply } from '../../../../mail/wire/smtp/reply.ts';
import { parseGreetingName } from '../../../../mail/wire/smtp/session-commands.ts';
import type { CommandSession, GreetingVerb, SmtpCommand } from '../command.ts';
import { replies } from '../replies.ts';
import { askStage } from '../stages.ts';

function greet(verb: GreetingVerb): SmtpCommand['run'] {
  return (session: CommandSession, line: Buffer, from: number, to: number) => {
    const name = parseGreetingName(line, from, to);
    if (name === undefined) return session.refuse(replies.badSyntax);
    session.resetTransaction();
    session.greetingVerb = '';
    session.heloName = name;
    const asked = askStage(session, 'helo');
    if (asked === undefined) return answer(session, verb);
    return asked.then((goesOn) => {
      if (goesOn) answer(session, verb);
    });
  };
}

function answer(session: CommandSession, verb: GreetingVerb): void {
  session.greetingVerb = verb;
  session.reply(
    verb === 'HELO'
      ? encodeReply(`250 ${session.service.policy.hostname}`)
      : session.service.greeting(session),
  );
}

export const ehloCommand = {
  name: 'EHLO',
  only: 'smtp',
  isEarly: true,
  help: 'EHLO name',
  run: greet('EHLO'),
} as const satisfies SmtpCommand;

export const heloCommand = {
  name: 'HELO',
  only: 'smtp',
  isEarly: true,
  help: 'HELO name',
  run: greet('HELO'),
} as const satisfies SmtpCommand;

export const lhloCommand = {
  name: 'LHLO',
  only: 'lmtp',
  isEarly: true,
  help: 'LHLO name',
  run: greet('LHLO'),
} as const satisfies SmtpCommand;
