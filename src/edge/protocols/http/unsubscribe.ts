/**
 * `/u/TOKEN`: one-click unsubscription, and the page for readers who follow the link.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 8058 §3.2 (a POST with the one pair, no cookies, no redirect), §5 (nothing happens by GET).
 * Limits:    `requestsPerSecondMax` of all together; a body of `bodyBytesMax`.
 * Invariant: 200 comes after the unsubscription is on disk. What was never signed by us says nothing of who is known.
 */

import { minuteMs, secondMs } from '../../../base/units.ts';
import type { UnsubscribeFacts } from '../../../mail/trust/feedback/tokens.ts';
import type { Clock } from '../../../ports/clock.ts';
import { confirmForm, page } from './page.ts';
import { plain, type Route } from './server.ts';

export const unsubscribePrefix = '/u/';
const bodyBytesMax = 4_096;
/** Providers send them as readers click: far more than that is somebody who guesses. */
const requestsPerSecondMax = 200;
const burstMs = 5 * secondMs;

export interface UnsubscribeParts {
  readonly clock: Clock;
  /** Undefined: not signed by us. */
  readonly read: (token: string) => UnsubscribeFacts | undefined;
  readonly unsubscribe: (facts: UnsubscribeFacts, way: 'one-click' | 'page') => Promise<void>;
  /** Of the URL that mail names. */
  readonly isHostOurs: (host: string) => boolean;
}

export function unsubscribeRoute(parts: UnsubscribeParts): Route {
  let dueMs = 0;
  const isTooFast = () => {
    const nowMs = parts.clock.nowMs();
    // The clock was set back.
    if (dueMs - nowMs > minuteMs) dueMs = nowMs;
    if (dueMs - nowMs > burstMs) return true;
    dueMs = Math.max(dueMs, nowMs) + secondMs / requestsPerSecondMax;
    return false;
  };
  const tooFast = { ...plain(429, 'too many requests'), retryAfterSeconds: 5 };
  const unknown = answer(404, 'This link is not valid.');
  return {
    bodyBytesMax,
    isHostOurs: parts.isHostOurs,
    methods: {
      GET: ({ rest }) => {
        if (isTooFast()) return tooFast;
        return parts.read(rest) === undefined ? unknown : answer(200, question, form);
      },
      POST: async ({ rest, body }) => {
        if (isTooFast()) return tooFast;
        const facts = parts.read(rest);
        if (facts === undefined) return unknown;
        const way = wayOf(body);
        if (way === undefined)
          return plain(400, 'List-Unsubscribe=One-Click is what is taken here');
        await parts.unsubscribe(facts, way);
        return way === 'page' ? answer(200, done) : plain(200, 'unsubscribed');
      },
    },
  };
}

/** RFC 8058 §3.2: as a form, in either of its encodings. */
function wayOf(body: string): 'one-click' | 'page' | undefined {
  const words = body.trim();
  if (words === 'confirm=yes') return 'page';
  if (/^list-unsubscribe=one-click$/i.test(words)) return 'one-click';
  return /name="?list-unsubscribe"?\r?\n\r?\none-click\r?\n/i.test(words) ? 'one-click' : undefined;
}

const question = 'Do you want no more of these messages?';
const done = 'You will get no more of these messages.';
const form = confirmForm('Unsubscribe');

/** The token is not shown. */
const answer = (status: number, text: string, more = '') =>
  page({ status, title: 'Unsubscribe', text, more });
