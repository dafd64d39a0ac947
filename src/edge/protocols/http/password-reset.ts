/**
 * `/reset/TOKEN`: the page that a link to a new password leads to.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 9110 §9.2.1: to look at it changes nothing, so whatever follows links in mail spends none.
 * Limits:    `requestsPerMinuteMax` of an address; a body of `bodyBytesMax`.
 * Invariant: the page asks nobody else for anything and is kept nowhere; the link is not shown in it.
 */

import { kibibyte } from '../../../base/units.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { Resets } from './admin/reset-routes.ts';
import { boundedBy } from './bounded.ts';
import { page } from './page.ts';
import type { HttpAnswer, Routes } from './server.ts';

const bodyBytesMax = 16 * kibibyte;
const requestsPerMinuteMax = 30;
export const resetPath = '/reset/';

export interface ResetPageParts {
  readonly resets: Resets;
  /** Of `public.url`. */
  readonly host: string;
  readonly clock: Clock;
}

export function resetPageRoutes({ resets, host, clock }: ResetPageParts): Routes {
  const bounded = boundedBy(requestsPerMinuteMax, clock);
  return {
    [`${resetPath}*`]: {
      bodyBytesMax,
      isHostOurs: (given) => given === host,
      methods: {
        GET: bounded(async ({ rest }) =>
          (await resets.isGood(rest)) ? answer(200, question, form) : answer(404, notGood),
        ),
        POST: bounded(async ({ rest, body, address }) => {
          const given = new URLSearchParams(body);
          const password = given.get('password') ?? '';
          if (password === '') return answer(400, question, form);
          if (password !== given.get('again')) return answer(400, 'They are not the same.', form);
          const set = await resets.set(rest, password, address);
          if (set.ok) return answer(200, done);
          if (set.code === 'argument-invalid') return answer(400, set.detail, form);
          if (set.code === 'credentials-invalid') return answer(404, notGood);
          return answer(503, 'This is not possible now. Try again in a moment.', form);
        }),
      },
    },
  };
}

const question = 'Choose a new password.';
const notGood = 'This link is not valid, or not any more.';
const done = 'The password is set. All sessions were ended: log in with the new one.';
const field = (name: string, label: string) =>
  `<p><label>${label} <input type="password" name="${name}" autocomplete="new-password" required></label></p>`;
const form = `<form method="post">${field('password', 'New password')}${field('again', 'Once more')}<button>Set it</button></form>`;

function answer(status: number, text: string, more = ''): HttpAnswer {
  return page({ status, title: 'New password', text, more });
}
