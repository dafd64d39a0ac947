/**
 * Holds what is asked to the schema of its act.
 *
 * Runs in:   the main thread.
 * Limits:    a schema is compiled once, when its act is first asked for.
 */

import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import type { ControlMethod } from './control.ts';
import { controlActs } from './control-acts.ts';

export interface ParamsFault {
  /** JSON pointer to what is wrong. */
  readonly path: string;
  readonly message: string;
}

type Check = (value: unknown) => ParamsFault | undefined;

const checks = new Map<string, Check>();

export function isControlMethod(name: string): name is ControlMethod {
  return Object.hasOwn(controlActs, name);
}

/** Undefined: they are as they should be. */
export function faultOfParams(method: ControlMethod, params: unknown): ParamsFault | undefined {
  let check = checks.get(method);
  if (check === undefined) {
    check = checkOf(controlActs[method].params);
    checks.set(method, check);
  }
  return check(params);
}

/** What is wrong with a value, of a schema that is asked of often. */
export function checkOf(schema: TSchema): Check {
  const compiled = Compile(schema);
  return (value) => {
    if (compiled.Check(value)) return undefined;
    const faults = compiled.Errors(value);
    // Of a field too many two things are told, and this one says nothing.
    const fault = faults.find(({ keyword }) => keyword !== 'boolean') ?? faults[0]!;
    const { requiredProperties, additionalProperties } = fault.params as {
      readonly requiredProperties?: readonly string[];
      readonly additionalProperties?: readonly string[];
    };
    const name = requiredProperties?.[0] ?? additionalProperties?.[0];
    const path = name === undefined ? fault.instancePath : `${fault.instancePath}/${name}`;
    return { path, message: fault.message };
  };
}
