/**
 * The words of `chaski sink --help`.
 *
 * Runs in: the CLI's process; data.
 */

import { dnsVariants } from '../harness/sink/dns-variants.ts';
import { certificateKinds, faultPoints, tlsFaults } from '../harness/sink/model.ts';
import { sinkModels } from '../harness/sink/shipped-models.ts';

const columnsMax = 100;

/** Words in lines of a help text, all but the first indented. */
function wrapped(words: readonly string[], indent: number): string {
  const lines: string[] = [];
  let line = '';
  for (const [at, word] of words.entries()) {
    const item = at < words.length - 1 ? `${word}, ` : word;
    if (line !== '' && indent + line.length + item.length > columnsMax) {
      lines.push(line.trimEnd());
      line = '';
    }
    line += item;
  }
  return [...lines, line].join(`\n${' '.repeat(indent)}`);
}

const column = 24;
const variants = Object.entries(dnsVariants)
  .map(([name, { summary }]) => `  ${name.padEnd(column - 2)}${summary}`)
  .join('\n');

export const sinkHelp = `Usage: chaski sink --listen HOST:PORT[,HOST:PORT…] [options]

Takes mail: as fast as it comes, as a difficult receiver would, or to look at it.

A difficult receiver
  --model NAME|FILE     ${wrapped(Object.keys(sinkModels), column)};
                        or a file of YAML, TOML or JSON: see docs/sink.md
  --fault P=ACT:X       one more rule, before the model's: at step P, with chance X, ACT is a reply,
                        "drop", "close", "200 ms" or "tls FAULT"; repeatable. Steps:
                        ${wrapped(faultPoints, column)}
                        TLS faults: ${wrapped(tlsFaults, column)}
  --seed N              the same seed plays the same faults (default 1)
  --print-schema        print the JSON Schema of model files

Protocol and TLS
  --lmtp                speak LMTP
  --chunking on|off     offer CHUNKING and BINARYMIME (default on)
  --auth                offer AUTH; any name and password will do
  --starttls            offer STARTTLS
  --listen-tls H:P      listen with TLS from the first byte
  --certificate KIND    ${wrapped(certificateKinds, column)}
  --tls-files DIR       write ca.pem, which a client may trust, and crl.pem there

DNS (UDP and TCP) and MTA-STS
  --dns HOST:PORT       answer for domains right and wrong: VARIANT.sink.test is one of each kind,
                        every other domain leads to this sink
  --dns-address IP      where domains lead (default: where --listen listens)
  --domain NAME=VARIANT make that domain, or with * all others, of a kind; repeatable
  --mta-sts HOST:PORT   serve the policies of domains over HTTPS

Looking at what came
  --capture             keep messages, with a page and an API; takes any AUTH, offers STARTTLS
  --http HOST:PORT      where page and API are
  --http-name NAME      a host name browsers may use for it besides addresses; repeatable
  --keep DIR            keep messages in a folder, over restarts
  --keep-count N        at most so many messages (default 5000), the oldest go first
  --keep-mb N           at most so many MiB (default 256)
  --follow-links        let readers have links followed

Counting
  --count N             end after N messages
  --ledger DIR          write what arrives to a ledger
  --json                lines of JSON: one when ready, one with the counts at the end

Variants of --domain
${variants}

Examples
  chaski sink --listen 127.0.0.1:2525 --capture --http 127.0.0.1:8025
  chaski sink --listen 127.0.0.1:2525 --model gmail-like --seed 7 --ledger /tmp/ledger
  chaski sink --listen 127.0.0.1:2525 --fault "rcpt=451 4.3.0 Busy:0.1" --fault "body=drop:0.01"
  chaski sink --listen 127.0.0.1:2525 --certificate expired --tls-files /tmp/tls
  chaski sink --listen 127.0.0.1:2525 --dns 127.0.0.1:5353 --domain example.com=servfail
  curl 'http://127.0.0.1:8025/api/v1/wait?to=ann@example.com&timeout=30'
`;
