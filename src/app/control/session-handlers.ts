/**
 * Sessions of accounts, as they and those who help them see and end them.
 *
 * Runs in:   main thread.
 * Invariant: nothing of a session's tokens is in an answer.
 */

import type { ControlHandlers } from '../../actors/asks/control.ts';
import type { AskedBy } from '../../actors/asks/principal.ts';
import type { SessionView } from '../../actors/asks/session-control.ts';
import type { Session } from '../../ports/credentials.ts';
import { accountNamed } from './account-asks.ts';
import type { ControlParts } from './parts.ts';

export function sessionHandlers(
  parts: Pick<ControlParts, 'directory' | 'identity' | 'clock'>,
): ControlHandlers {
  const { credentials } = parts.identity;
  return {
    'session.list': async ({ account: address }, { by }) => {
      const account = await accountNamed(parts, address);
      const nowMs = parts.clock.nowMs();
      const open = (await credentials.sessions(account)).filter((each) => each.expiresMs > nowMs);
      const asking = askingOf(by, account.id);
      return { sessions: open.map((each) => viewOf(each, asking)) };
    },
    'session.end': async ({ account: address, id }) => {
      await credentials.deleteSession(await accountNamed(parts, address), id);
      return {};
    },
    'session.clear': async ({ account: address, exceptAsking = false }, { by }) => {
      const account = await accountNamed(parts, address);
      const kept = exceptAsking ? askingOf(by, account.id) : undefined;
      if (kept === undefined) await credentials.deleteSessions(account);
      else {
        for (const { id } of await credentials.sessions(account)) {
          if (id !== kept) await credentials.deleteSession(account, id);
        }
      }
      return {};
    },
  };
}

/** The session that asks, where it is one of the account's. */
function askingOf(by: AskedBy, account: number): number | undefined {
  const { principal } = by;
  return principal.kind === 'account' && principal.account === account
    ? principal.session
    : undefined;
}

function viewOf(session: Session, asking: number | undefined): SessionView {
  const { id, device, address, createdMs, expiresMs, secondFactorMs, lastUse } = session;
  return {
    ...{ id, device, address, createdMs, expiresMs, secondFactorMs, isAsking: id === asking },
    ...(lastUse === undefined ? {} : { lastUseMs: lastUse.atMs, lastAddress: lastUse.address }),
  };
}
