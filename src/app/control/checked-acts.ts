/**
 * Acts that are held to their schemas before anything is done, whoever asks and by whichever way.
 *
 * Runs in: main thread.
 */

import { faultOfParams, isControlMethod } from '../../actors/asks/check-params.ts';
import type { ControlCall, ControlHandlers } from '../../actors/asks/control.ts';
import { MailError } from '../../base/errors.ts';

export type AnyHandler = (params: unknown, call: ControlCall<unknown>) => unknown;

export function checkedActs(handlers: ControlHandlers): ControlHandlers {
  const checked = Object.entries(handlers).map(([method, handler]) => [
    method,
    checkedAct(method, handler as AnyHandler),
  ]);
  return Object.fromEntries(checked) as ControlHandlers;
}

function checkedAct(method: string, handler: AnyHandler): AnyHandler {
  return async (params, call) => {
    const fault = isControlMethod(method) ? faultOfParams(method, params) : undefined;
    if (fault === undefined) return await handler(params, call);
    throw new MailError('argument-invalid', `${fault.path} ${fault.message}`.trim());
  };
}
