/**
 * Aim: a model is read from JSON, YAML and TOML alike, and who wrote it wrong is told where and what to write.
 * Method: the same model in three forms; each kind of mistake with its sentence.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseModel, readModel } from '../../../../src/harness/sink/model-file.ts';
import {
  checkModel,
  modelJsonSchema,
  parseFault,
} from '../../../../src/harness/sink/model-schema.ts';
import { sinkModels } from '../../../../src/harness/sink/shipped-models.ts';

const json = `{"name": "mine", "reputation": {"start": 60},
  "rules": [{"at": "rcpt", "probability": 0.1, "reply": "451 4.3.0 Busy"},
            {"at": "mail", "limit": {"per": "address", "countMax": 5, "seconds": 1}, "reply": "421 4.7.0 No"}]}`;
const yaml = `name: mine
reputation: {start: 60}
rules:
  - {at: rcpt, probability: 0.1, reply: 451 4.3.0 Busy}
  - at: mail
    limit: {per: address, countMax: 5, seconds: 1}
    reply: 421 4.7.0 No
`;
const toml = `name = "mine"
[reputation]
start = 60
[[rules]]
at = "rcpt"
probability = 0.1
reply = "451 4.3.0 Busy"
[[rules]]
at = "mail"
limit = { per = "address", countMax = 5, seconds = 1 }
reply = "421 4.7.0 No"
`;

test('JSON, YAML and TOML say the same', () => {
  const model = parseModel(json, 'm.json');
  assert.equal(model.reputation?.start, 60);
  assert.equal(model.reputation?.perComplaint, -10, 'what is not named has its default');
  assert.deepEqual(parseModel(yaml, 'm.yaml'), model);
  assert.deepEqual(parseModel(toml, 'm.toml'), model);
  assert.deepEqual(parseModel(json, 'without-ending'), model);
});

test('each shipped model could have been written in a file', () => {
  for (const [name, model] of Object.entries(sinkModels)) {
    assert.deepEqual(checkModel(JSON.parse(JSON.stringify(model)), name), model);
    assert.equal(readModel(name), model);
  }
});

test('a mistake is told with its place and what to write', () => {
  const cases: readonly (readonly [values: unknown, sentence: RegExp])[] = [
    [{}, /the model lacks "rules": write a list/],
    [[], /the model is \[\]; write keys of rules, name, /],
    [{ rules: 3 }, /rules is 3; write a list/],
    [{ rules: [{}] }, /rules\[0\] lacks "at": write one of connect, handshake/],
    [{ rules: [{ at: 'rctp', reply: '451 x' }] }, /rules\[0\]\.at is "rctp"; write one of connect/],
    [
      { rules: [{ at: 'rcpt', probabilty: 1 }] },
      /probabilty is not a key here; did you mean "probability"/,
    ],
    [
      { rules: [{ at: 'rcpt', chance: 1 }] },
      /rules\[0\]\.chance is not a key here; there are at, /,
    ],
    [{ rules: [{ at: 'rcpt', probability: 2, drop: 'reset' }] }, /from 0 to 1, as 0\.1/],
    [
      { rules: [{ at: 'rcpt', reply: 'busy' }] },
      /write a code of three digits, a space and a text/,
    ],
    [{ rules: [{ at: 'rcpt' }] }, /rules\[0\] does nothing: add reply, delayMs/],
    [{ rules: [{ at: 'rcpt', reply: '250 Ok' }] }, /must refuse: begin it with 4 or 5/],
    [{ rules: [{ at: 'rcpt', tls: 'stall' }] }, /tls acts at a handshake: write "at": "handshake"/],
    [{ rules: [{ at: 'body', reply: '451 x' }] }, /write "at": "message"/],
    [{ rules: [{ at: 'mail', drop: 'reset', afterBytes: 3 }] }, /add "at": "body" and "drop"/],
    [
      { rules: [{ at: 'mail', reputation: { below: 9 }, drop: 'reset' }] },
      /add "reputation": \{\}/,
    ],
    [{ rules: [{ at: 'mail', client: 'x', drop: 'reset' }] }, /an address or a network, as 192/],
    [
      { rules: [{ at: 'mail', limit: { per: 'planet', countMax: 1 }, drop: 'reset' }] },
      /limit\.per is "planet"; write one of address, network/,
    ],
    [
      { rules: [], dns: { domains: { 'a.test': 'gone' } } },
      /domains\["a\.test"\] is "gone"; write/,
    ],
    [{ rules: [], certificate: 'old' }, /certificate is "old"; write one of valid, expired/],
  ];
  for (const [values, sentence] of cases) {
    assert.throws(() => checkModel(values, 'm.json'), sentence, JSON.stringify(values));
  }
});

test('all mistakes are told at once, each on its line, with the name of the file', () => {
  const values = {
    rules: [
      { at: 'x', drop: 'reset' },
      { at: 'mail', nth: 0, drop: 'reset' },
    ],
  };
  assert.throws(
    () => checkModel(values, 'm.yaml'),
    (error: Error) => {
      const lines = error.message.split('\n');
      assert.equal(lines.length, 2);
      return lines.every((line) => line.startsWith('m.yaml: rules['));
    },
  );
});

test('a file that is none of these, or not there, is said to be so', () => {
  assert.throws(() => parseModel('{"rules": [', 'm.json'), /^Error: m\.json: /);
  assert.throws(() => parseModel('rules: [', 'm.yaml'), /m\.yaml: .*line 1/s);
  assert.throws(() => readModel('gmial-like'), /no model of that name \(fast, .*gmail-like/);
});

test('a fault on the command line is a rule in short', () => {
  assert.deepEqual(parseFault('rcpt=451 4.3.0 Busy:0.1'), {
    ...{ at: 'rcpt', probability: 0.1, reply: '451 4.3.0 Busy' },
  });
  assert.deepEqual(parseFault('body=drop'), { at: 'body', probability: 1, drop: 'reset' });
  assert.deepEqual(parseFault('data=close:0.5'), { at: 'data', probability: 0.5, drop: 'close' });
  assert.deepEqual(parseFault('mail=250 ms'), { at: 'mail', probability: 1, delayMs: 250 });
  assert.deepEqual(parseFault('handshake=tls stall'), {
    ...{ at: 'handshake', probability: 1, tls: 'stall' },
  });
  assert.throws(() => parseFault('nowhere=451 x'), /fault\.at is "nowhere"; write one of/);
  assert.throws(() => parseFault('rcpt=maybe'), /write a code of three digits/);
  assert.throws(() => parseFault('nonsense'), /POINT=REPLY:PROBABILITY/);
});

test('the schema for editors names every field a rule has', () => {
  const { properties } = modelJsonSchema() as { properties: Record<string, { items?: unknown }> };
  const rule = properties.rules!.items as { properties: object; required: string[] };
  assert.deepEqual(rule.required, ['at']);
  assert.ok(Object.keys(rule.properties).length > 15);
});
