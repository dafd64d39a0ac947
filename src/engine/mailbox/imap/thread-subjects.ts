/**
 * THREAD=ORDEREDSUBJECT.
 *
 * Runs in:   engine threads; pure; a step at a time.
 * Specs:     RFC 5256 §3.
 */

import type { ThreadNode } from '../../../mail/wire/imap/response-thread.ts';
import { sortSteps } from './sort-steps.ts';
import { compareSent, type ThreadMessages } from './thread-messages.ts';

/** Steps between two looks at the time. */
const stepsMax = 1_000;

/** Nodes by place of the message, from 1 on. */
export function* threadsBySubject(
  messages: ThreadMessages,
): Generator<void, readonly ThreadNode[], void> {
  const threads: number[][] = [];
  // By subject, the place of its thread and one; 0: none.
  const places = new Uint32Array(messages.subjectCount);
  for (let index = 0; index < messages.count; index++) {
    const subject = messages.subjects[index]!;
    const place = places[subject]!;
    if (place === 0) places[subject] = threads.push([index]);
    else threads[place - 1]!.push(index);
    if (index % stepsMax === 0) yield;
  }
  for (const [step, thread] of threads.entries()) {
    if (thread.length > 1) yield* sortSteps(thread, (a, b) => compareSent(messages, a, b));
    if (step % stepsMax === 0) yield;
  }
  yield* sortSteps(threads, ([a], [b]) => compareSent(messages, a!, b!));
  const nodes: ThreadNode[] = [];
  for (const thread of threads) {
    const children: ThreadNode[] = [];
    nodes.push({ number: thread[0]! + 1, children });
    if (nodes.length % stepsMax === 0) yield;
    for (let i = 1; i < thread.length; i++) {
      children.push({ number: thread[i]! + 1, children: [] });
      if (i % stepsMax === 0) yield;
    }
  }
  return nodes;
}
