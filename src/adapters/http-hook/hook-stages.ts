/**
 * Asks a program of the operator's over HTTP at a stage of a session.
 *
 * Runs in:   edge (main thread).
 * Limits:    those of `HttpCalls`.
 */

import type { SessionStage, StageFacts } from '../../ports/session-scanners.ts';
import type { ScanTime } from '../scanning/guarded-scanner.ts';
import { ScanError } from '../scanning/scan-error.ts';
import type { StageConversation, StageDecision, StageTalk } from '../scanning/stage-scanner.ts';
import { hookAnswer } from './hook-answer.ts';
import { type HookOptions, HookPosts } from './hook-posts.ts';

export class HookStages implements StageTalk {
  readonly #posts: HookPosts;

  constructor(options: HookOptions) {
    this.#posts = new HookPosts(options);
  }

  /** A hook is told all of it each time. */
  begin(): StageConversation {
    const ask = (stage: SessionStage, facts: StageFacts, time: ScanTime) =>
      this.#ask(stage, facts, time);
    return { ask, reset() {}, end() {} };
  }

  close(): Promise<void> {
    return this.#posts.close();
  }

  async #ask(stage: SessionStage, facts: StageFacts, time: ScanTime): Promise<StageDecision> {
    const answer = await this.#posts.post({ stage, ...facts }, time);
    const { action, text, infected } = hookAnswer(answer);
    if (infected.length > 0) return { action: 'reject', text: '' };
    if (action === 'accept') return undefined;
    if (action === 'reject' || action === 'defer') return { action, text };
    if (action === 'discard') return { action, text: '' };
    throw new ScanError('broken', `an action that is of messages: ${action}`);
  }
}
