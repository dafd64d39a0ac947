/**
 * Makes the scanners that settings name.
 *
 * Runs in:   engine threads. Implements `ports/content-scanner.ts`.
 */

import type {
  AttachmentsSetting,
  ContentScanner,
  ScannerSurroundings,
} from '../../ports/content-scanner.ts';
import type { ListSetting } from '../../settings/filters.ts';
import type { ScannerSetting } from '../../settings/scanners.ts';
import { AttachmentsTalk } from '../attachments/attachments-talk.ts';
import { ClamdTalk } from '../clamd/clamd-talk.ts';
import { HookTalk } from '../http-hook/hook-talk.ts';
import { MilterTalk } from '../milter/milter-talk.ts';
import { HostLists } from '../own-score/host-lists.ts';
import { OwnTalk } from '../own-score/own-talk.ts';
import { RspamdTalk } from '../rspamd/rspamd-talk.ts';
import { SpamdTalk } from '../spamd/spamd-talk.ts';
import { GuardedScanner, ScanMeters, type ScanTalk } from './guarded-scanner.ts';
import { placeOf, secretOf } from './places.ts';

export interface OpenScanner {
  readonly setting: ScannerSetting;
  readonly scanner: ContentScanner;
}

export interface ScanSettings {
  readonly scanners: { readonly list: readonly ScannerSetting[] };
  readonly attachments: AttachmentsSetting;
  readonly spam: { readonly urlLists: readonly ListSetting[] };
}

interface Surroundings extends ScannerSurroundings {
  readonly attachments: AttachmentsSetting;
  readonly urlLists: readonly ListSetting[];
}

/**
 * Those that are shown messages, in their order. Nothing is connected to before the first message.
 * @throws Error where a secret cannot be read.
 */
export function openScanners(
  { scanners, attachments, spam }: ScanSettings,
  around: ScannerSurroundings,
): readonly OpenScanner[] {
  const atData = scanners.list.filter(({ stages }) => stages.includes('data'));
  if (atData.length === 0) return [];
  const surroundings = { ...around, attachments, urlLists: spam.urlLists };
  const meters = new ScanMeters(surroundings);
  return atData.map((setting) => {
    const talk = talkOf(setting, surroundings);
    const scanner = new GuardedScanner(setting.name, talk, setting, { ...surroundings, meters });
    return { setting, scanner };
  });
}

function talkOf(setting: ScannerSetting, surroundings: Surroundings): ScanTalk {
  const { clock, newScorer } = surroundings;
  const { kind, address, connectionsMax, connectMsMax, user, points } = setting;
  const limits = { connectionsMax, connectMsMax, clock };
  if (kind === 'http') return new HookTalk({ ...limits, url: address, secret: secretOf(setting) });
  if (kind === 'own') {
    const lists = new HostLists(surroundings.urlLists, surroundings.dns, clock);
    const file = address === 'rules' ? '' : address;
    return new OwnTalk(file, points, clock, newScorer(), lists);
  }
  if (kind === 'attachments') {
    return new AttachmentsTalk(surroundings.attachments, surroundings.checkAttachments);
  }
  const place = placeOf(setting);
  switch (kind) {
    case 'clamd':
      return new ClamdTalk(place, clock);
    case 'spamd':
      return new SpamdTalk(place, clock, user);
    case 'rspamd':
      return new RspamdTalk({ ...limits, at: place }, secretOf(setting));
    case 'milter':
      return new MilterTalk(place, clock, surroundings.carried);
  }
}
