/** What a path is made with: see `site.ts`. */

import type { SiteLeases } from '../../actors/site-lease.ts';
import type { TenantId } from '../../base/ids.ts';
import type { Reply } from '../../mail/wire/smtp/reply-reader.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Dialer } from '../../ports/dialer.ts';
import type { Random } from '../../ports/random.ts';
import type { HandshakeOptions } from './handshake.ts';
import type { PhaseTimeouts, SiteLimits } from './limits.ts';
import type { PathShape } from './shaping/path-shape.ts';
import type { Source } from './sources/source.ts';
import type { PathTls } from './tls-sessions.ts';

/** Told when there is room after a message was sent away, of any tenant or of one; answers whether more may wait. */
export type OnRoom = (site: string, count: number, tenant?: TenantId) => boolean;

export interface SiteOptions {
  /** What its slots are asked for by. */
  readonly name: string;
  /** Its name, and what TLS with its hosts must be. */
  readonly key: string;
  /** What its mail leaves by. */
  readonly source: Source;
  /** Whom its hosts belong to. */
  readonly provider: string;
  /** The source itself failed: what waits is the caller's, by `takeAll`. */
  readonly onSourceFault: (reply: Reply) => void;
  /** It works. */
  readonly onSourceWorked: () => void;
  readonly handshake: HandshakeOptions;
  readonly timeouts: PhaseTimeouts;
  readonly limits: SiteLimits;
  readonly clock: Clock;
  readonly random: Random;
  readonly dialer: Dialer;
  readonly leases: SiteLeases;
  /** What holds for the path beyond `limits`. */
  readonly shape: PathShape;
  /** Absent: how TLS goes is not counted. */
  readonly tls?: PathTls | undefined;
  readonly coarse: { readonly nowMs: number };
  readonly onRoom: OnRoom;
}
