/**
 * What may be asked of accounts' Sieve scripts.
 *
 * Runs in: both sides of the control socket; plain data only.
 */

import { Type } from 'typebox';
import {
  type Act,
  addressText,
  count,
  flag,
  listOf,
  type MethodsOf,
  nothing,
  only,
} from './act.ts';

const name = Type.String({
  minLength: 1,
  maxLength: 256,
  description: 'What the script is called.',
});
const source = Type.String({ maxLength: 262_144, description: 'Its text.' });

const script = Type.Object({ name: Type.String(), isActive: flag, bytes: count });

const fault = Type.Object({
  line: Type.Integer({ minimum: 1 }),
  column: Type.Integer({ minimum: 1 }),
  message: Type.String(),
});

export const scriptActs = {
  'script.list': {
    rest: 'GET /api/v1/accounts/{account}/scripts',
    summary: 'Sieve scripts of an account, and which one is active.',
    params: only({ account: addressText }),
    result: Type.Object({ scripts: listOf(script) }),
  },
  'script.show': {
    rest: 'GET /api/v1/accounts/{account}/scripts/{name}',
    summary: 'The text of a script.',
    params: only({ account: addressText, name }),
    result: Type.Object({ source: Type.String() }),
  },
  'script.put': {
    rest: 'PUT /api/v1/accounts/{account}/scripts/{name}',
    summary:
      'Keeps a script, in the place of one of that name. One with faults is not kept: they are the answer. `warnings`: what it may not have been meant to say. `activate`: it is the active one from then on.',
    params: only({ account: addressText, name, source, activate: flag }),
    defaults: { activate: false },
    result: Type.Object({ isKept: flag, faults: listOf(fault), warnings: listOf(fault) }),
  },
  'script.activate': {
    rest: 'POST /api/v1/accounts/{account}/scripts/{name}/activate',
    summary: 'Makes a script the active one: it is run on mail that comes.',
    params: only({ account: addressText, name }),
    result: nothing,
  },
  'script.deactivate': {
    rest: 'DELETE /api/v1/accounts/{account}/active-script',
    summary: 'No script of the account is run from then on.',
    params: only({ account: addressText }),
    result: nothing,
  },
  'script.delete': {
    rest: 'DELETE /api/v1/accounts/{account}/scripts/{name}',
    summary: 'Deletes a script that is not the active one.',
    params: only({ account: addressText, name }),
    result: nothing,
  },
} satisfies Record<string, Act>;

export type ScriptMethods = MethodsOf<typeof scriptActs>;
