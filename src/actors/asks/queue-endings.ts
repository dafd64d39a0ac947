/**
 * How what is taken out of the queue by hand is told: replies of our own, and the words for why.
 *
 * Runs in: both sides; plain data.
 */

import { classOfLine, type ResponseClass } from '../../mail/wire/smtp/response-class.ts';

export const removedText = 'Removed from the queue by an operator';
export const cancelledText = 'Cancelled by its sender';

export const endingWords = ['removed', 'cancelled'] as const;
type EndingWord = (typeof endingWords)[number];

const byReply: ReadonlyMap<string, EndingWord> = new Map([
  [endingReply(removedText), 'removed'],
  [endingReply(cancelledText), 'cancelled'],
]);

export function endingReply(text: string): string {
  return `554 5.7.0 ${text}`;
}

/** Why a recipient was not delivered, from its last reply: nobody's policy where somebody took it out. */
export function whyOfLine(reply: string): ResponseClass | EndingWord {
  return byReply.get(reply) ?? classOfLine(reply);
}
