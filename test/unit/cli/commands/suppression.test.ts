/** Aim: a file of addresses becomes suppressions, line by line. Method: the command on a list in memory. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { ControlHandlers } from '../../../../src/actors/asks/control.ts';
import type { SuppressionInput } from '../../../../src/actors/asks/suppression-control.ts';
import { runCli } from '../run-cli.ts';

function keptBy(given: SuppressionInput[], calls: number[] = []): ControlHandlers {
  return {
    'suppression.add': ({ entries }) => {
      given.push(...entries);
      calls.push(entries.length);
      const invalid = entries.flatMap(({ address }, place) =>
        address.includes('@') ? [] : [place],
      );
      return { added: entries.length - invalid.length, unchanged: 0, invalid };
    },
  };
}

it('imports one address a line, with what the options say, and names what is none', async () => {
  const given: SuppressionInput[] = [];
  const line = ['suppression', 'import', '-', '--reason', 'unsubscribe', '--stream', 'news'];
  const input = 'a@far.test\r\n\n# comment\nnobody\n"b"@far.test';
  const { code, out, error } = await runCli(line, { handlers: keptBy(given), input });
  assert.equal(code, 1);
  assert.match(error, /line 4: nobody/);
  assert.match(out, /Suppressed 2 addresses, 1 line could not be read \(5 lines\)\./);
  const terms = { stream: 'news', reason: 'unsubscribe' };
  assert.deepEqual(given[0], { ...terms, address: 'a@far.test' });
});

it('imports CSV by the names of its columns, which go before options', async () => {
  const given: SuppressionInput[] = [];
  const input = [
    '\ufeffReason,Email,ignored,note,until,stream',
    'hard-bounce,a@far.test,x,"said ""no"", twice",2030-01-01T00:00:00Z,',
    ',b@far.test,,,,news',
    'odd,c@far.test,,,,',
    'complaint,d@far.test,,,someday,',
    'complaint,"e@far.test,,,,',
  ].join('\n');
  const line = ['suppression', 'import', '-', '--reason', 'complaint', '--json'];
  const { code, out, error } = await runCli(line, { handlers: keptBy(given), input });
  assert.equal(code, 1);
  assert.deepEqual(JSON.parse(out), { added: 2, unchanged: 0, invalid: 3, lines: 6 });
  assert.deepEqual(error.match(/line \d/g), ['line 4', 'line 5', 'line 6']);
  assert.deepEqual(given, [
    {
      ...{ reason: 'hard-bounce', address: 'a@far.test', note: 'said "no", twice' },
      untilMs: Date.UTC(2030, 0, 1),
    },
    { reason: 'complaint', address: 'b@far.test', stream: 'news' },
  ]);
});

it('hands in a thousand lines at a time, and goes on from a line', async () => {
  const given: SuppressionInput[] = [];
  const calls: number[] = [];
  const input = Array.from({ length: 2_500 }, (_, i) => `u${i + 1}@far.test`).join('\n');
  const line = ['suppression', 'import', '-', '--from-line', '501'];
  const { code } = await runCli(line, { handlers: keptBy(given, calls), input });
  assert.equal(code, 0);
  assert.deepEqual(calls, [1_000, 1_000]);
  assert.deepEqual([given[0]!.address, given.at(-1)!.address], ['u501@far.test', 'u2500@far.test']);
});

it('says of a file that is not there that it is not', async () => {
  const { code, error } = await runCli(['suppression', 'import', '/no/such'], { handlers: {} });
  assert.equal(code, 1);
  assert.match(error, /\/no\/such: ENOENT/);
});
