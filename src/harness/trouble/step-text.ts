/**
 * A step of trouble in words, as reports tell it.
 *
 * Runs in: load generator; pure.
 */

import type { TroubleKind } from './trouble-plan.ts';

export function describeStep(what: TroubleKind): string {
  switch (what.kind) {
    case 'signal':
      return `${what.signal} to ${what.processes}`;
    case 'fill':
      return `fill ${what.folder}, leave ${what.leaveBytes} bytes`;
    case 'link':
      return what.fault.kind === 'slow'
        ? `slow ${what.name}, ${what.fault.bytesPerSecond} bytes a second`
        : `${what.fault.kind} ${what.name}`;
    case 'dns':
      return what.fault.kind === 'delay'
        ? `delay ${what.name} by ${what.fault.delayMs} ms`
        : `${what.fault.kind} ${what.name}`;
  }
}
