/**
 * The spam score as the server's own scanner asks for it, with a model that may be exchanged.
 *
 * Runs in:   engine threads.
 */

import { domainOf } from '../../../base/address-parts.ts';
import type { FoundScore, ScanSubject, SpamScorer } from '../../../ports/content-scanner.ts';
import { judge, spamPoints } from './judge.ts';
import type { SpamModel } from './model.ts';
import { modelBytesMax, readModel } from './model-bytes.ts';
import { phishingWords } from './phishing.ts';

export const newScorer = (): SpamScorer => new ModelScorer();

class ModelScorer implements SpamScorer {
  readonly modelBytesMax = modelBytesMax;
  #model: SpamModel | undefined;

  load(bytes: Uint8Array): void {
    this.#model = readModel(bytes);
  }

  score({ message, verdicts, recipients, receivedMs }: ScanSubject): FoundScore {
    // Who pretends to be one of us pretends it to us.
    const ownDomains = [...new Set(recipients.map((each) => domainOf(each).toLowerCase()))];
    const own = { ownDomains, nowMs: receivedMs };
    const around = verdicts === undefined ? own : { ...own, verdicts };
    const found = judge(message, { global: this.#model }, around, spamPoints, false);
    const { points, hits, modelPoints, classification } = found;
    const learnt = classification === undefined ? [] : [{ name: 'LEARNT', score: modelPoints }];
    const rules = [...hits.map((hit) => ({ name: hit.rule, score: hit.points })), ...learnt];
    return { points, rules, hostsToAsk: found.hostsToAsk, phishing: phishingWords(hits) };
  }
}
