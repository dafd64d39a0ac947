/** A command run on one handler that notes what it was asked. */

import type { ControlHandlers, ControlMethod } from '../../../src/actors/asks/control.ts';
import { type CliOptions, runCli } from './run-cli.ts';

/** Runs a line on one handler that notes its params and answers. */
export async function asked(
  line: readonly string[],
  method: ControlMethod,
  answer: unknown,
  options: CliOptions = {},
) {
  let params: unknown;
  const handlers = {
    [method]: (given: unknown) => {
      params = given;
      return answer;
    },
  } as ControlHandlers;
  const run = await runCli(line, { ...options, handlers });
  return { ...run, params };
}
