/**
 * Joins the HTTP API to the directory, the reception and the jobs.
 *
 * Runs in:   main thread.
 * Invariant: without a listener of its own it is served on loopback addresses only: keys travel in clear, and a proxy
 *            that has a certificate comes before it.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { composeJob } from '../actors/asks/compose-job.ts';
import { nodeClock } from '../adapters/node/clock.ts';
import { failure } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { isLoopback } from '../base/networks.ts';
import { minuteMs } from '../base/units.ts';
import type { IssuerLogIn } from '../edge/guard/issuer-log-in.ts';
import type { LogIn } from '../edge/guard/log-in.ts';
import { secondFactorCheck } from '../edge/guard/second-factor.ts';
import type { Sessions } from '../edge/guard/sessions.ts';
import { TokenLogIn } from '../edge/guard/token-log-in.ts';
import type { DoAct } from '../edge/protocols/http/admin/routes.ts';
import type { TokenRouteParts } from '../edge/protocols/http/admin/token-routes.ts';
import { generateBy } from '../edge/protocols/http/api/batches.ts';
import type { ComposeMessage } from '../edge/protocols/http/api/drafted.ts';
import { apiPolicy } from '../edge/protocols/http/api/limits.ts';
import { createApi } from '../edge/protocols/http/api/server.ts';
import type { Mounted } from '../edge/protocols/http/server.ts';
import type { Settings } from '../settings/schema.ts';
import type { Core } from './core.ts';
import { eventFeed } from './events/event-feed.ts';
import { webhookDesk } from './events/webhook-desk.ts';
import { messageLookUp } from './message-look-up.ts';

const composeMsMax = minuteMs;

export interface HttpApi extends Mounted {
  /** Of one who came by the control socket. */
  handleOperator(request: IncomingMessage, response: ServerResponse): void;
  reload(settings: Settings): void;
}

export interface HttpApiRequest {
  readonly settings: Settings;
  readonly log: Log;
  readonly logIn: LogIn;
  readonly byIssuer: IssuerLogIn;
  readonly sessions: Sessions;
  readonly act: DoAct;
}

export async function createHttpApi(
  core: Core,
  { settings, log, act, ...given }: HttpApiRequest,
): Promise<HttpApi> {
  const { directory, engine, feedback, folder, reception, streams, witness } = core;
  let policy = apiPolicy(settings);
  const { jobs, router } = engine.runtime;
  const compose: ComposeMessage = async (meta) => {
    const deadlineMs = nodeClock.nowMs() + composeMsMax;
    const answer = await jobs.run({ name: composeJob, meta, deadlineMs });
    if (!answer.ok) return answer;
    return answer.body === undefined
      ? failure('message-invalid', 'no message came of it')
      : { ok: true, body: answer.body };
  };
  const policyNow = () => policy;
  const suppression = feedback.guard;
  const making = {
    directory,
    reception,
    compose,
    suppression,
    sendRates: core.sendRates,
    clock: nodeClock,
    policy: policyNow,
  };
  const api = await createApi({
    ...making,
    batches: core.batches,
    witness,
    bans: core.bans,
    suppressions: feedback.list,
    note: streams.note,
    events: eventFeed(streams.reader, folder.shards),
    webhooks: webhookDesk(streams.webhooks),
    lookUp: messageLookUp({ router, clock: nodeClock, shards: folder.shards }),
    tokens: tokenParts(core, log, given),
    resets: core.resets,
    act,
    log,
  });
  core.batches.start(generateBy(making));
  const isOwn = settings.api.listen.length > 0;
  return {
    prefix: '/api/',
    isServedAt: ({ host }) => isOwn || isLoopback(host),
    handle: api.handle,
    handleOperator: api.handleOperator,
    reload(next) {
      policy = apiPolicy(next);
    },
  };
}

function tokenParts(
  { identity, passkeys, placeNotices, factorThrottle }: Core,
  log: Log,
  { logIn, byIssuer: issuers, sessions }: Pick<HttpApiRequest, 'logIn' | 'byIssuer' | 'sessions'>,
): TokenRouteParts {
  const { directory, credentials, secondFactors } = identity;
  const checkSecondFactor = secondFactorCheck(secondFactors, nodeClock, passkeys);
  const stores = { factorThrottle, secondFactors, credentials, directory };
  const parts = { logIn, checkSecondFactor, passkeys, issuers, sessions, ...stores };
  const tokens = new TokenLogIn({
    ...{ ...parts, clock: nodeClock, log },
    loggedIn: (account, from) => placeNotices?.loggedIn(account, from),
  });
  return { logIn: tokens, sessions, passkeys, issuers };
}
