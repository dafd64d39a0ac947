/**
 * A small authoritative name server for domains right and wrong.
 *
 * Runs in:   sink.
 * Specs:     RFC 1035 §4 (messages), RFC 6891 (EDNS), RFC 6840 §5.8 (AD).
 * Limits:    `udpBytesMax` an answer over UDP (else the TC bit); those of its listener. What is no question is not
 *            answered.
 */

import type { Buffer } from 'node:buffer';
import * as packet from 'dns-packet';
import type { Clock } from '../../ports/clock.ts';
import type { HostPort } from '../addresses.ts';
import { DnsListener, type DnsResponse, type DnsWay } from './dns-listener.ts';
import type { DnsZone, ZoneAnswer } from './dns-zone.ts';

const udpBytesMax = 1_232;
const rcodes = { NOERROR: 0, SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 } as const;

export class NameServer {
  readonly #zone: DnsZone;
  readonly #listener: DnsListener;
  /** Questions so far. */
  questions = 0;
  /** Of those, the ones no answer could be made for. */
  unanswered = 0;

  constructor(zone: DnsZone, clock: Clock, isIpv6: boolean) {
    this.#zone = zone;
    this.#listener = new DnsListener((query, way) => this.#respond(query, way), clock, isIpv6);
  }

  async start(address: HostPort): Promise<HostPort> {
    return await this.#listener.start(address);
  }

  async stop(): Promise<void> {
    await this.#listener.stop();
  }

  async #respond(bytes: Buffer, way: DnsWay): Promise<DnsResponse | undefined> {
    try {
      return await this.#answer(bytes, way);
    } catch {
      // A question that cannot be answered, as one with a name that no reply holds, must not end the sink.
      this.unanswered++;
      return undefined;
    }
  }

  async #answer(bytes: Buffer, way: DnsWay): Promise<DnsResponse | undefined> {
    const query = decodeQuery(bytes);
    const question = query?.questions?.[0];
    if (query === undefined || question === undefined) return undefined;
    this.questions++;
    const answer = await this.#zone.answer(question.name, question.type);
    if (answer.isSilent) return undefined;
    return { bytes: encodeReply(query, question, answer, way), delayMs: answer.delayMs };
  }
}

export function decodeQuery(bytes: Buffer): packet.Packet | undefined {
  try {
    const query = packet.decode(bytes);
    return query.type === 'query' ? query : undefined;
  } catch {
    return undefined;
  }
}

function encodeReply(
  query: packet.Packet,
  question: packet.Question,
  answer: ZoneAnswer,
  way: DnsWay,
): Buffer {
  // It plays the resolver a client trusts as well as the owner of the zone: RA, and AD where the variant says so.
  let flags = packet.RECURSION_DESIRED | packet.RECURSION_AVAILABLE | rcodes[answer.rcode];
  if (!answer.isLame) flags |= packet.AUTHORITATIVE_ANSWER;
  if (answer.isSecure) flags |= packet.AUTHENTIC_DATA;
  const base: packet.Packet = { type: 'response', id: query.id ?? 0, questions: [question] };
  const truncated = () => packet.encode({ ...base, flags: flags | packet.TRUNCATED_RESPONSE });
  if (answer.truncated === 'always' || (answer.truncated === 'udp' && way === 'udp')) {
    return truncated();
  }
  const { answers, authorities } = answer;
  const reply = packet.encode({
    ...{ ...base, flags },
    ...{ answers: [...answers], authorities: [...authorities] },
  });
  return way === 'udp' && reply.length > udpBytesMax ? truncated() : reply;
}
