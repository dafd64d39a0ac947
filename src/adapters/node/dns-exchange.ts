/**
 * One question to one resolver: over UDP, and over TCP where the answer does not fit.
 *
 * Runs in:   every thread.
 * Specs:     RFC 1035 §4.2, RFC 5452 (a fresh port and id each time; the answer must match), RFC 6891 (EDNS),
 *            RFC 6840 §5.7 (AD in a query asks for AD in the answer), RFC 7766 (TCP).
 * Limits:    answers of 65,535 bytes; `timeoutMs` for all of it.
 */

import { Buffer } from 'node:buffer';
import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import type { DecodedPacket, RecordType } from 'dns-packet';
import * as packet from 'dns-packet';

export interface Resolver {
  readonly address: string;
  readonly port: number;
}

export interface Question {
  readonly name: string;
  readonly type: RecordType;
}

/** DNS Flag Day 2020: what passes everywhere without fragments. */
const udpPayloadBytes = 1_232;

/** Undefined when no matching and whole answer came in time; never rejects. */
export async function exchange(
  resolver: Resolver,
  question: Question,
  id: number,
  timeoutMs: number,
): Promise<DecodedPacket | undefined> {
  const query = encodeQuery(question, id);
  const deadline = Date.now() + timeoutMs;
  const answer = await overUdp(resolver, question, id, query, timeoutMs);
  if (answer === undefined || !answer.flag_tc) return answer;
  const whole = await overTcp(resolver, question, id, query, Math.max(1, deadline - Date.now()));
  // Cut off even there: taken for an answer it would say that there are no records, and mail would bounce.
  return whole?.flag_tc === true ? undefined : whole;
}

function encodeQuery({ name, type }: Question, id: number): Buffer {
  return packet.encode({
    type: 'query',
    id,
    flags: packet.RECURSION_DESIRED | packet.AUTHENTIC_DATA,
    questions: [{ name, type }],
    additionals: [
      {
        type: 'OPT',
        name: '.',
        udpPayloadSize: udpPayloadBytes,
        extendedRcode: 0,
        ednsVersion: 0,
        flags: 0,
        flag_do: false,
        options: [],
      },
    ],
  });
}

function overUdp(
  { address, port }: Resolver,
  question: Question,
  id: number,
  query: Buffer,
  timeoutMs: number,
): Promise<DecodedPacket | undefined> {
  const { promise, resolve } = Promise.withResolvers<DecodedPacket | undefined>();
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  const finish = (answer: DecodedPacket | undefined) => {
    clearTimeout(timer);
    socket.removeAllListeners();
    // A late ICMP error must not surface as an uncaught one.
    socket.on('error', () => {});
    socket.close();
    resolve(answer);
  };
  const timer = setTimeout(finish, timeoutMs, undefined);
  socket.on('error', () => finish(undefined));
  socket.on('message', (bytes) => {
    // What does not match is somebody else's try (RFC 5452 §9.1): the real answer may still come.
    const answer = decodeMatching(bytes, question, id);
    if (answer !== undefined) finish(answer);
  });
  // A connected socket takes datagrams of this peer only.
  socket.connect(port, address, () => socket.send(query));
  return promise;
}

function overTcp(
  { address, port }: Resolver,
  question: Question,
  id: number,
  query: Buffer,
  timeoutMs: number,
): Promise<DecodedPacket | undefined> {
  const { promise, resolve } = Promise.withResolvers<DecodedPacket | undefined>();
  const socket = connect({ host: address, port, noDelay: true });
  const finish = (answer: DecodedPacket | undefined) => {
    clearTimeout(timer);
    socket.destroy();
    resolve(answer);
  };
  const timer = setTimeout(finish, timeoutMs, undefined);
  let received: Buffer = Buffer.alloc(0);
  socket.on('error', () => finish(undefined));
  socket.on('close', () => finish(undefined));
  socket.on('connect', () => {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(query.length);
    socket.write(Buffer.concat([length, query]));
  });
  socket.on('data', (bytes) => {
    received = Buffer.concat([received, bytes]);
    if (received.length < 2) return;
    const end = 2 + received.readUInt16BE(0);
    if (received.length >= end) finish(decodeMatching(received.subarray(2, end), question, id));
  });
  return promise;
}

function decodeMatching(bytes: Buffer, question: Question, id: number): DecodedPacket | undefined {
  let answer: DecodedPacket;
  try {
    answer = packet.decode(bytes);
  } catch {
    return undefined;
  }
  const asked = answer.questions?.[0];
  const isMatching =
    answer.type === 'response' &&
    answer.id === id &&
    asked?.type === question.type &&
    asked.name.toLowerCase() === question.name;
  return isMatching ? answer : undefined;
}
