/**
 * THREAD=ORDEREDSUBJECT.
 *
 * Runs in:   engine threads; pure; a step at a time.
 * Specs:     RFC 5256 §3.
 */

import type { ThreadNode } from '../../../mail/wire/imap/response-thread.ts';
import { compareSent, type ThreadMessages } from './thread-messages.ts';

/** Steps between two looks at the time. */
const stepsMax = 1_000;

/** Nodes by place of the message, from 1 on. */
export function* threadsBySubject(
  messages: ThreadMessages,
): Generator<void, readonly ThreadNode[], void> {
  const bySubject = new Map<number, number[]>();
  for (let index = 0; index < messages.count; index++) {
    const subject = messages.subjects[index]!;
    const thread = bySubject.get(subject);
    if (thread === undefined) bySubject.set(subject, [index]);
    else thread.push(index);
    if (index % stepsMax === 0) yield;
  }
  const threads: number[][] = [];
  for (const thread of bySubject.values()) {
    thread.sort((a, b) => compareSent(messages, a, b));
    threads.push(thread);
    if (threads.length % stepsMax === 0) yield;
  }
  threads.sort(([a], [b]) => compareSent(messages, a!, b!));
  yield;
  return threads.map(([first, ...rest]) => ({
    number: first! + 1,
    children: rest.map((index) => ({ number: index + 1, children: [] })),
  }));
}
