/**
 * `/release/TOKEN`: the page that a link of a digest leads to; its button releases the message.
 *
 * Runs in:   edge (main thread).
 * Limits:    `requestsPerMinuteMax` of a network; a body of `bodyBytesMax`.
 * Invariant: nothing happens by GET: programs that look at links in mail release nothing. 200 to the button comes after
 *            the message is in INBOX, on disk.
 */

import type { ReleaseFacts } from '../../../mail/trust/feedback/release-tokens.ts';
import type { Clock } from '../../../ports/clock.ts';
import { boundedBy } from './bounded.ts';
import { confirmForm, page } from './page.ts';
import type { HttpAnswer, Routes } from './server.ts';

export const releasePath = '/release/';
const bodyBytesMax = 256;
const requestsPerMinuteMax = 60;

export interface ReleasePageParts {
  readonly clock: Clock;
  /** Of `public.url`. */
  readonly host: string;
  /** Undefined: not signed by us, or its time is over. */
  readonly read: (token: string) => ReleaseFacts | undefined;
  /** Whether it was there. */
  readonly release: (facts: ReleaseFacts) => Promise<boolean>;
}

export function releasePageRoutes({ clock, host, read, release }: ReleasePageParts): Routes {
  const bounded = boundedBy(requestsPerMinuteMax, clock);
  return {
    [`${releasePath}*`]: {
      bodyBytesMax,
      isHostOurs: (given) => given === host,
      methods: {
        GET: bounded(async ({ rest }) =>
          read(rest) === undefined ? answer(404, notGood) : answer(200, question, form),
        ),
        POST: bounded(async ({ rest, body }) => {
          const facts = read(rest);
          if (facts === undefined) return answer(404, notGood);
          if (body.trim() !== 'confirm=yes') return answer(400, question, form);
          try {
            return answer(200, (await release(facts)) ? done : gone);
          } catch {
            return answer(503, 'This is not possible now. Try again in a moment.', form);
          }
        }),
      },
    },
  };
}

const question = 'Put this message into your inbox?';
const notGood = 'This link is not valid, or not any more.';
const done = 'The message is in your inbox.';
const gone = 'The message is not in quarantine any more.';
const form = confirmForm('Release it');

function answer(status: number, text: string, more = ''): HttpAnswer {
  return page({ status, title: 'Quarantine', text, more });
}
