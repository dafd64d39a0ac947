/**
 * Models after what large providers say in public about how they answer: their kind of codes and texts, at rates a test
 * can reach. The numbers are ours: none of them publishes its own, and they are no statement about these services.
 *
 * Runs in:   sink; data.
 * Specs:     RFC 5321 §4.2.3, RFC 3463, RFC 7372 §3 (enhanced codes of authentication).
 */

import type { SinkModel } from './model.ts';

const hourSeconds = 3_600;

export const gmailLike: SinkModel = {
  name: 'gmail-like',
  greeting: 'ESMTP {id} - gsmtp',
  accepted: '250 2.0.0 OK {second} {id} - gsmtp',
  reputation: {
    ...{ start: 50, perAccepted: 0.02, perInvalid: -1, perLimited: -0.05, perComplaint: -8 },
    ...{ perHour: 6, complaintShare: 0.0005, complainers: 'complain*' },
  },
  rules: [
    {
      at: 'connect',
      limit: { per: 'address', countMax: 20 },
      reply: '421 4.7.0 Try again later, closing connection. (too many connections) {id} - gsmtp',
    },
    {
      at: 'connect',
      limit: { per: 'network', countMax: 60, seconds: 1 },
      reply: '421 4.7.0 Try again later, closing connection. {id} - gsmtp',
    },
    {
      at: 'mail',
      limit: { per: 'connection', countMax: 100 },
      reply: '421 4.7.0 Too many messages for this session, closing connection. {id} - gsmtp',
    },
    {
      at: 'rcpt',
      recipient: 'nobody*',
      counts: 'invalid',
      reply:
        '550 5.1.1 The email account that you tried to reach does not exist. Please try\n' +
        "double-checking the recipient's email address for typos or\n" +
        'unnecessary spaces. {id} - gsmtp',
    },
    {
      at: 'rcpt',
      recipientShare: 0.01,
      counts: 'invalid',
      reply:
        '550 5.1.1 The email account that you tried to reach does not exist. Please try\n' +
        "double-checking the recipient's email address for typos or\n" +
        'unnecessary spaces. {id} - gsmtp',
    },
    {
      at: 'rcpt',
      quota: { messagesMax: 2_000, emptiedSeconds: hourSeconds },
      reply:
        "452 4.2.2 The recipient's inbox is out of storage space and inactive. Please\n" +
        'direct the recipient to free some space. {id} - gsmtp',
    },
    {
      at: 'rcpt',
      limit: { per: 'recipient', countMax: 60, seconds: 60 },
      counts: 'limited',
      reply:
        '450 4.2.1 The user you are trying to contact is receiving mail at a rate that\n' +
        'prevents additional messages from being delivered. Please resend your\n' +
        'message at a later time. {id} - gsmtp',
    },
    {
      at: 'message',
      reputation: { below: 10, until: 25 },
      reply:
        '550 5.7.1 [{address}] Our system has detected that this message is likely\n' +
        'unsolicited mail. To reduce the amount of spam, this message has been\n' +
        'blocked. {id} - gsmtp',
    },
    {
      at: 'message',
      reputation: { below: 30 },
      limit: { per: 'network', countMax: 5, seconds: 60 },
      reply:
        '421 4.7.28 [{address}] Our system has detected an unusual rate of unsolicited\n' +
        'mail originating from your IP address. To protect our users from spam,\n' +
        'mail sent from your IP address has been temporarily rate limited. {id} - gsmtp',
    },
    {
      at: 'message',
      limit: { per: 'network', countMax: 400, seconds: 1, isScaled: true },
      reply:
        '421 4.7.28 [{address}] Our system has detected an unusual rate of mail\n' +
        'originating from your IP address. To protect our users from spam, mail sent\n' +
        'from your IP address has been temporarily rate limited. {id} - gsmtp',
    },
    {
      at: 'message',
      probability: 0.001,
      reply: '451 4.3.0 Mail server temporarily rejected message. {id} - gsmtp',
    },
  ],
};

export const outlookLike: SinkModel = {
  name: 'outlook-like',
  greeting: 'Microsoft-like ESMTP MAIL Service ready {id}',
  accepted: '250 2.6.0 <{id}@sink> [InternalId={second}] Queued mail for delivery',
  reputation: {
    ...{ start: 40, perAccepted: 0.02, perInvalid: -2, perLimited: -0.1, perComplaint: -12 },
    ...{ perHour: 4, complaintShare: 0.001, complainers: 'complain*' },
  },
  rules: [
    {
      at: 'connect',
      reputation: { below: 8, until: 20 },
      reply:
        "550 5.7.1 Unfortunately, messages from [{address}] weren't sent. Please contact your\n" +
        'Internet service provider since part of their network is on our block list (S3140).',
    },
    {
      at: 'connect',
      limit: { per: 'address', countMax: 10 },
      reply:
        '421 4.3.2 The maximum number of concurrent connections has exceeded a limit, ' +
        'closing transmission channel [{id}]',
    },
    {
      at: 'mail',
      reputation: { below: 25, until: 30 },
      limit: { per: 'network', countMax: 3, seconds: 60 },
      reply:
        '451 4.7.650 The mail server [{address}] has been temporarily rate limited due to IP ' +
        'reputation. (S775) [{id}]',
    },
    {
      at: 'mail',
      limit: { per: 'network', countMax: 300, seconds: 1, isScaled: true },
      reply:
        "421 RP-001 Unfortunately, some messages from {address} weren't sent. Please try again. " +
        'We have limits for how many messages can be sent per hour and per day. [{id}]',
    },
    {
      at: 'rcpt',
      recipient: 'nobody*',
      counts: 'invalid',
      reply: '550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302). [{id}]',
    },
    {
      at: 'rcpt',
      recipientShare: 0.02,
      counts: 'invalid',
      reply: '550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302). [{id}]',
    },
    {
      at: 'rcpt',
      quota: { messagesMax: 1_500, emptiedSeconds: hourSeconds },
      reply: '452 4.2.2 The recipient mailbox is over its quota [{id}]',
    },
    {
      at: 'rcpt',
      limit: { per: 'recipient', countMax: 100, seconds: 60 },
      reply: "432 4.2.1 RESOLVER.ADR.RecipientLimit; the recipient's rate limit is exceeded [{id}]",
    },
    { at: 'message', probability: 0.01, delayMs: 1_500 },
    {
      at: 'message',
      probability: 0.001,
      reply: '451 4.7.500 Server busy. Please try again later from [{address}]. (S77719) [{id}]',
    },
  ],
};

export const yahooLike: SinkModel = {
  name: 'yahoo-like',
  greeting: 'ESMTP ready {id}',
  accepted: '250 ok dirdel {second}',
  reputation: {
    ...{ start: 45, perAccepted: 0.02, perInvalid: -1.5, perLimited: -0.1, perComplaint: -10 },
    ...{ perHour: 5, complaintShare: 0.001, complainers: 'complain*' },
  },
  rules: [
    {
      at: 'connect',
      reputation: { below: 8, until: 20 },
      reply: '553 5.7.1 [BL21] Connections will not be accepted from {address} for policy reasons',
    },
    {
      at: 'connect',
      reputation: { below: 20, until: 25 },
      reply:
        '421 4.7.1 [TSS03] All messages from {address} will be permanently deferred; ' +
        'Retrying will NOT succeed.',
    },
    {
      at: 'connect',
      limit: { per: 'address', countMax: 15 },
      reply: '421 4.7.0 [TSS09] Too many connections from {address}',
    },
    {
      at: 'mail',
      limit: { per: 'connection', countMax: 20 },
      reply: '421 4.4.2 Max message per connection reached, closing transmission channel',
    },
    {
      at: 'mail',
      limit: { per: 'network', countMax: 200, seconds: 1, isScaled: true },
      reply:
        '421 4.7.0 [TSS04] Messages from {address} temporarily deferred due to unexpected volume ' +
        'or user complaints - 4.16.55.1',
    },
    {
      at: 'rcpt',
      recipient: 'nobody*',
      counts: 'invalid',
      reply: '554 5.1.1 delivery error: dd Not a valid recipient - {id}',
    },
    {
      at: 'rcpt',
      recipientShare: 0.015,
      counts: 'invalid',
      reply: '554 5.1.1 delivery error: dd Not a valid recipient - {id}',
    },
    {
      at: 'rcpt',
      quota: { messagesMax: 1_000, emptiedSeconds: hourSeconds },
      reply: '452 4.2.2 delivery error: dd Mailbox full - {id}',
    },
    {
      at: 'rcpt',
      limit: { per: 'network', countMax: 20, seconds: 60 },
      recipient: 'unknown*',
      counts: 'invalid',
      reply: '451 4.7.1 VS1-MF Excessive unknown recipients - possible Open Relay',
    },
    {
      at: 'message',
      probability: 0.001,
      reply: '451 4.3.2 Internal error reading data [{id}]',
    },
  ],
};
