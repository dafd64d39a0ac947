/** What each way to log in must show: it opens for what is right, and for nothing else that was shown. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { checkMatrix } from './sasl-matrix.ts';
import { SaslPlace, type Way } from './sasl-place.ts';

export function saslSuite(
  suite: 'flows' | 'interop',
  title: string,
  ways: readonly Way[],
  optionsOf: (way: Way) => { readonly skip?: string } = () => ({}),
): void {
  describe(title, () => {
    let open: SaslPlace;
    let strict: SaslPlace;
    before(async () => {
      open = await SaslPlace.open(false);
      strict = await SaslPlace.open(true);
    });
    after(async () => {
      await open[Symbol.asyncDispose]();
      await strict[Symbol.asyncDispose]();
    });
    test('the table of docs/sasl.md tells of these ways and no others', () => {
      checkMatrix(
        suite,
        ways.map(({ name }) => name),
      );
    });
    for (const way of ways) {
      const { name, shows, isMainOnly, logIn } = way;
      const options = optionsOf(way);
      test(`${name} opens for what is right alone`, options, async () => {
        const { main, app, token } = open.secrets;
        await logIn(open, shows === 'token' ? token : main);
        if (shows === 'password' && isMainOnly === undefined) await logIn(open, app);
        await assert.rejects(async () => await logIn(open, 'not the secret at all'));
      });
      test(`${name}, with a second factor demanded`, options, async () => {
        const { main, app, token } = strict.secrets;
        if (shows === 'token') {
          await logIn(strict, token);
          return;
        }
        await assert.rejects(async () => await logIn(strict, main), 'a main password alone');
        if (isMainOnly === undefined) await logIn(strict, app);
      });
    }
  });
}
