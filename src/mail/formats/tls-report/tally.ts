/**
 * Adds up outcomes of sessions by policy and by kind of failure.
 *
 * Runs in:   anywhere; pure.
 * Limits:    `policiesMax` policies of a domain, `failureKindsMax` kinds of failure of each: past them a session still
 *            counts, without its details, or under the last policy.
 */

import type { TlsFailureFacts, TlsPolicyFacts } from './outcomes.ts';
import type { CountedFailure, PolicyOutcomes } from './write.ts';

export const policiesMax = 20;
export const failureKindsMax = 100;

interface Counts {
  policy: TlsPolicyFacts;
  successes: number;
  readonly failures: Map<string, CountedFailure>;
}

/** One domain's. */
export class TlsTally {
  readonly #policies = new Map<string, Counts>();

  success(policy: TlsPolicyFacts, count = 1): void {
    this.#of(policy).successes += count;
  }

  failure(policy: TlsPolicyFacts, failure: TlsFailureFacts, count = 1): void {
    const { failures } = this.#of(policy);
    let kept = failure;
    let key = keyOf(kept);
    if (!failures.has(key) && failures.size >= failureKindsMax - resultTypesMax) {
      const { resultType } = failure;
      kept = { resultType, sendingAddress: '', host: '', address: '', reason: '' };
      key = keyOf(kept);
    }
    const before = failures.get(key)?.count ?? 0;
    failures.set(key, { ...kept, count: before + count });
  }

  add({ policy, successes, failures }: PolicyOutcomes): void {
    this.success(policy, successes);
    for (const { count, ...failure } of failures) this.failure(policy, failure, count);
  }

  get outcomes(): readonly PolicyOutcomes[] {
    return [...this.#policies.values()].map(({ policy, successes, failures }) => ({
      ...{ policy, successes, failures: [...failures.values()] },
    }));
  }

  /** A policy that changed in the day is one, as it was last. */
  #of(policy: TlsPolicyFacts): Counts {
    const key = `${policy.type} ${policy.domain}`;
    let counts = this.#policies.get(key);
    if (counts === undefined && this.#policies.size >= policiesMax) {
      return [...this.#policies.values()].at(-1)!;
    }
    if (counts === undefined) {
      counts = { policy, successes: 0, failures: new Map() };
      this.#policies.set(key, counts);
    }
    // One that could not be fetched says nothing of what it is.
    if (policy.strings.length > 0) counts.policy = policy;
    return counts;
  }
}

/** Room that is kept for failures without details. */
const resultTypesMax = 10;

function keyOf({ resultType, sendingAddress, host, address, reason }: TlsFailureFacts): string {
  return [resultType, sendingAddress, host, address, reason].join('\0');
}
