/**
 * The models that come with the sink: plain troubles here, the large providers in `provider-models.ts`.
 *
 * Runs in:   sink; data.
 * Specs:     RFC 3463 (enhanced codes).
 */

import type { SinkModel } from './model.ts';
import { gmailLike, outlookLike, yahooLike } from './provider-models.ts';

export const sinkModels: Readonly<Record<string, SinkModel>> = {
  fast: { name: 'fast', rules: [] },
  flaky: {
    name: 'flaky',
    rules: [
      { at: 'rcpt', probability: 0.02, reply: '451 4.3.0 Try again later' },
      { at: 'message', probability: 0.05, reply: '451 4.3.0 Try again later' },
    ],
  },
  busy: {
    name: 'busy',
    rules: [
      { at: 'connect', probability: 0.2, reply: '421 4.3.2 Too busy' },
      { at: 'mail', probability: 0.05, reply: '421 4.3.2 Too busy' },
    ],
  },
  refusing: { name: 'refusing', rules: [{ at: 'rcpt', reply: '550 5.1.1 No such user' }] },
  slow: { name: 'slow', rules: [{ at: 'message', delayMs: 200 }] },
  dropping: { name: 'dropping', rules: [{ at: 'body', probability: 0.1, drop: 'reset' }] },
  greylisting: {
    name: 'greylisting',
    rules: [
      {
        at: 'rcpt',
        greylist: { afterSeconds: 5 },
        reply: '451 4.7.1 Greylisted, try again later',
      },
    ],
  },
  quota: {
    name: 'quota',
    rules: [
      { at: 'rcpt', recipientShare: 0.05, reply: '452 4.2.2 Mailbox full' },
      {
        at: 'rcpt',
        quota: { messagesMax: 100, emptiedSeconds: 600 },
        reply: '452 4.2.2 Mailbox full',
      },
    ],
  },
  tarpit: {
    name: 'tarpit',
    rules: [
      { at: 'rcpt', tarpit: { perRefusalMs: 1_000, delayMsMax: 30_000 } },
      { at: 'rcpt', recipientShare: 0.2, reply: '550 5.1.1 No such user' },
    ],
  },
  'slow-reader': { name: 'slow-reader', rules: [{ at: 'connect', readBytesPerSecond: 10_000 }] },
  'gmail-like': gmailLike,
  'outlook-like': outlookLike,
  'yahoo-like': yahooLike,
};
