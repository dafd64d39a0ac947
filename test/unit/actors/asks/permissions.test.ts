/**
 * Aim: each act that is answered stands under exactly one rule, and a rule says enough to find what it is about.
 * Method: the table of acts is made over parts that are never used, and its names are compared.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type ActRule,
  actRules,
  tenantPermissions,
} from '../../../../src/actors/asks/permissions.ts';
import { controlHandlers } from '../../../../src/app/control/handlers.ts';
import type { ControlParts } from '../../../../src/app/control/parts.ts';

const rules: Readonly<Record<string, ActRule>> = actRules;

/** Whatever is asked of it, it is there. */
const anything: unknown = new Proxy(() => anything, { get: () => anything });

test('each act has a rule, and each rule an act', () => {
  const acts = Object.keys(controlHandlers(anything as ControlParts)).sort();
  assert.ok(acts.length > 60, `${acts.length} acts`);
  assert.deepEqual(acts, Object.keys(rules).sort());
});

test('a rule names what its act is done to, or says what no name means', () => {
  for (const [act, rule] of Object.entries(rules)) {
    assert.match(rule.permission, /^[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*$/, act);
    const isNamed = rule.at !== undefined || rule.absent !== undefined;
    assert.equal(isNamed, rule.resource !== 'server', act);
    if (rule.takesOver === true) assert.equal(rule.resource, 'account', act);
  }
});

test('no permission is both operators’ and tenants’', () => {
  const ofOperators = Object.values(rules)
    .filter(({ resource }) => resource === 'server')
    .map(({ permission }) => permission);
  const both = ofOperators.filter((each) =>
    (tenantPermissions as readonly string[]).includes(each),
  );
  assert.deepEqual(both, []);
});

test('what lets somebody in, or mail out, wants a second factor again', () => {
  const sensitive = Object.keys(rules).filter((act) => rules[act]!.isSensitive === true);
  for (const act of [
    ...['account.password', 'account.delete', 'recovery.set', 'recovery.link'],
    ...['mfa.enable', 'mfa.disable', 'passkey.options', 'passkey.add', 'factor.remove'],
    ...['app-password.create', 'key.create', 'key.delete', 'dkim.rotate', 'policy.set'],
    ...['role.grant', 'alias.set', 'mailbox.export'],
  ]) {
    assert.ok(sensitive.includes(act), act);
  }
});
