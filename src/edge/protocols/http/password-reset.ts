/**
 * `/reset/TOKEN`: the page that a link to a new password leads to.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 9110 §9.2.1: to look at it changes nothing, so whatever follows links in mail spends none.
 * Limits:    `requestsPerMinuteMax` of an address; a body of `bodyBytesMax`.
 * Invariant: the page asks nobody else for anything and is kept nowhere; the link is not shown in it.
 */

import { peerNetwork } from '../../../base/networks.ts';
import { kibibyte } from '../../../base/units.ts';
import type { Clock } from '../../../ports/clock.ts';
import { RequestRates } from '../../guard/request-rates.ts';
import type { Resets } from './admin/reset-routes.ts';
import { type HttpAnswer, type HttpRequest, plain, type Routes } from './server.ts';

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
  const rates = new RequestRates(requestsPerMinuteMax);
  const bounded =
    (answer: (request: HttpRequest) => Promise<HttpAnswer>) => async (request: HttpRequest) => {
      const seconds = rates.take(peerNetwork(request.address), clock.monotonicMs());
      if (seconds === 0) return await answer(request);
      return { ...plain(429, 'too many requests'), retryAfterSeconds: seconds };
    };
  return {
    [`${resetPath}*`]: {
      bodyBytesMax,
      isHostOurs: (given) => given === host,
      methods: {
        GET: bounded(async ({ rest }) =>
          (await resets.isGood(rest)) ? page(200, question, form) : page(404, notGood),
        ),
        POST: bounded(async ({ rest, body, address }) => {
          const given = new URLSearchParams(body);
          const password = given.get('password') ?? '';
          if (password === '') return page(400, question, form);
          if (password !== given.get('again')) return page(400, 'They are not the same.', form);
          const answer = await resets.set(rest, password, address);
          if (answer.ok) return page(200, done);
          if (answer.code === 'argument-invalid') return page(400, answer.detail, form);
          if (answer.code === 'credentials-invalid') return page(404, notGood);
          return page(503, 'This is not possible now. Try again in a moment.', form);
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

function page(status: number, text: string, more = ''): HttpAnswer {
  const head =
    '<meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="referrer" content="no-referrer"><meta name="robots" content="noindex">';
  const body = `<!doctype html><html lang="en"><head>${head}<title>New password</title></head><body><p>${escaped(text)}</p>${more}</body></html>\n`;
  return { status, type: 'text/html; charset=utf-8', body };
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
