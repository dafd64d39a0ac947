/** Settings of programs that look at mail before it is taken. */

import { section } from '../field.ts';
import { scannerRows } from '../scanners.ts';

export const scannersSection = section(
  'Virus scanners, spam filters, milters and hooks (docs/scanners.md).',
  {
    list: scannerRows({
      reload: 'restart',
      doc: 'Asked one after the other; the first that refuses ends it. `kind`: clamd, spamd, rspamd, milter (HOST:PORT or unix:/PATH) or http (a URL); or own, the spam score of Chaski itself (the file of a model that `chaski spam train` made, or "rules" for none), with `points` from which mail is spam. `when`: "untrusted" (neither logged in nor from `relay.networks`) or "all". `fail`, without a verdict: "open" takes mail, "closed" asks for it later (451). `discard`, of mail that it would throw away: "refuse" (554), or "drop" takes it and lets it vanish, with a line in the log. `infected`, of mail in which clamd or http finds a virus: "refuse" (554), or "quarantine" keeps it apart in the accounts it is for, and refuses what is to leave the server. `stages` of milter and http, when it is asked: "connect", "helo", "mail", "rcpt", "data". Above `bytesMax` bytes, `oversize`: "head" shows the beginning, "skip" nothing. `msMax`, `connectMsMax`: milliseconds for all of it, and for connecting. `connectionsMax`: of each engine thread. `secretFile`: the password of rspamd, the secret that requests of http are signed with. `user` of spamd: "{recipient}" for the only recipient.',
    }),
  },
);
