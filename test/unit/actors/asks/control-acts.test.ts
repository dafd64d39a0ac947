/**
 * Aim: each act has a place in the REST API or is named here with those that have none, and nothing passes that its
 * schema does not say. Method: the table of acts is walked; some acts are asked wrongly.
 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TObject } from 'typebox';
import { faultOfParams } from '../../../../src/actors/asks/check-params.ts';
import type { ControlMethod } from '../../../../src/actors/asks/control.ts';
import { controlActs } from '../../../../src/actors/asks/control-acts.ts';

/** Files, streams, and what takes hours: the CLI's alone. Each says why in its `cliOnly`. */
const cliOnly: readonly ControlMethod[] = [
  'ldap.people',
  'mailbox.export',
  'mailbox.import',
  'message.send',
  'queue.follow',
  'store.compact',
  'store.rebuild',
  'store.verify',
];

const acts = Object.entries(controlActs);

describe('the table of acts', () => {
  test('each act is reached by REST, or is one of those that are not', () => {
    const unplaced = acts.filter(([, act]) => !('rest' in act)).map(([name]) => name);
    assert.deepEqual(unplaced.sort(), [...cliOnly].sort());
    for (const [name, act] of acts) {
      if ('cliOnly' in act) assert.ok(act.cliOnly.length > 10, `${name} says why`);
    }
  });

  test('no two acts stand at one place, and what a path names is a parameter that is needed', () => {
    const places = new Set<string>();
    for (const [name, act] of acts) {
      if (!('rest' in act)) continue;
      const place = act.rest.replace(/\{\w+\}/g, '{}');
      assert.ok(!places.has(place), `${name}: ${place} is taken`);
      places.add(place);
      const { properties, required = [] } = act.params as TObject;
      for (const [, part] of act.rest.matchAll(/\{(\w+)\}/g)) {
        assert.ok(Object.hasOwn(properties, part!), `${name} has no ${part}`);
      }
      for (const field of Object.keys(act.defaults ?? {})) {
        assert.ok((required as readonly string[]).includes(field), `${name}: ${field} is needed`);
      }
    }
  });

  test('no act takes a field that its schema does not name, and each text and list has an end', () => {
    for (const [name, act] of acts) {
      const { additionalProperties, properties } = act.params as TObject & {
        readonly additionalProperties?: unknown;
      };
      assert.equal(additionalProperties, false, name);
      for (const [field, schema] of Object.entries(properties)) {
        const { type, maxLength, maxItems, items } = schema as {
          readonly type?: string;
          readonly maxLength?: number;
          readonly maxItems?: number;
          readonly items?: { readonly enum?: unknown };
        };
        if (type === 'string') assert.ok(maxLength! > 0, `${name}: ${field}`);
        if (type === 'array') assert.ok(maxItems! > 0 || items?.enum, `${name}: ${field}`);
      }
    }
  });
});

describe('parameters', () => {
  const faults: readonly (readonly [ControlMethod, unknown, string])[] = [
    ['domain.show', {}, '/name'],
    ['domain.show', { name: 'a.test', tenantId: 1 }, '/tenantId'],
    ['domain.show', { name: 7 }, '/name'],
    ['domain.create', { name: 'a.test', signWith: ['md5'] }, '/signWith/0'],
    ['queue.retry', { all: true, tenantId: 3 }, '/tenantId'],
    ['queue.retry', { all: false }, '/all'],
    ['account.create', { address: 'a@a.test', quotaMessages: 1.5 }, '/quotaMessages'],
    ['account.create', { address: 'a'.repeat(1_001) }, '/address'],
    ['tenant.list', { x: 1 }, '/x'],
    ['tenant.list', [], ''],
    ['tenant.list', null, ''],
  ];
  for (const [act, params, path] of faults) {
    test(`${act} of ${JSON.stringify(params).slice(0, 50)} is refused at ${path || 'all'}`, () => {
      const fault = faultOfParams(act, params);
      assert.equal(fault?.path, path);
      assert.ok(fault.message.length > 3);
    });
  }

  test('what a client leaves undefined is as if it were not there', () => {
    assert.equal(faultOfParams('account.list', { domain: undefined }), undefined);
    assert.equal(faultOfParams('account.list', { domain: 'a.test' }), undefined);
  });
});
