/**
 * THREAD=ORDEREDSUBJECT.
 *
 * Runs in:   engine threads; pure; a step at a time.
 * Specs:     RFC 5256 §3.
 */

import { noNode, type ThreadForest } from '../../../mail/wire/imap/response-thread.ts';
import { sortSteps } from './sort-steps.ts';
import { compareSent, type ThreadMessages } from './thread-messages.ts';

/** Steps between two looks at the time. */
const stepsMax = 1_000;

/** Nodes are places of messages. */
export function* threadsBySubject(messages: ThreadMessages): Generator<void, ThreadForest, void> {
  const { count } = messages;
  const threads: number[][] = [];
  // By subject, the place of its thread and one; 0: none.
  const places = new Uint32Array(messages.subjectCount);
  for (let index = 0; index < count; index++) {
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
  const below = new Int32Array(count).fill(noNode);
  const beside = new Int32Array(count).fill(noNode);
  const roots: number[] = [];
  for (const [step, thread] of threads.entries()) {
    if (step % stepsMax === 0) yield;
    roots.push(thread[0]!);
    if (thread.length > 1) below[thread[0]!] = thread[1]!;
    for (let i = 2; i < thread.length; i++) {
      beside[thread[i - 1]!] = thread[i]!;
      if (i % stepsMax === 0) yield;
    }
  }
  return { roots, below, beside, dummies: count };
}
