/**
 * What `chaski load` takes: its options and its help.
 *
 * Runs in: load generator; data, and the reading of option values.
 */

import { parseArgs } from 'node:util';

export const usage = `usage: chaski load smtp|lmtp|imap|pop3|http --target HOST:PORT LOAD END [options]
       chaski load run SCENARIO [--target HOST:PORT] [--threshold TEXT] [--json] [--report FILE]
       chaski load search smtp|lmtp|imap|pop3|http --target HOST:PORT [options] [--json]
       chaski load search SCENARIO [--threshold TEXT] [--json]
       chaski load compare smtp|lmtp|imap|pop3|http|SCENARIO --against NAME=HOST:PORT --against ... [--rounds N]
       chaski load merge FILE... [--threshold TEXT] [--json] [--report FILE]

LOAD: --sessions N    closed loop: N sessions, each sends when it is free
      --rate R        open loop: R messages a second, whatever the server does; latency counts
                      from the intended start; --sessions bounds connections (default 1000)
      --trace FILE    open loop: a message at each instant of FILE (seconds or dates, one a line)
END:  --duration S, or --count N messages

  --arrival KIND      poisson (default) or constant
  --size BYTES        of a message (default 1024)
  --corpus DIR|FILE   messages from a folder of .eml files, or from an mbox
  --mime KIND         newsletter, receipt, attachment or calendar
  --from A            envelope sender (default load@example.net)
  --to A|FILE         recipient, template as user{1-100}@example.com, or a file of them
                      (default sink@example.com)
  --recipients N      recipients of each message, dealt out in turn (default 1)
  --per-connection N  messages on one connection (default: no bound)
  --pipeline          send MAIL, RCPT and DATA in one go (RFC 2920)
  --chunking          send messages by BDAT (RFC 3030)
  --tls KIND          starttls or implicit; --verify looks at the certificate, for --tls-name
  --user U --password-stdin
                      authenticate; the password is the first line of standard input
  --auth KIND         plain, login or scram-sha-256 (default: what is offered)
  --profile KIND      of IMAP users: sync (default), idle, search or triage; --user may be a
                      template as user{1-100}@example.com; --mailbox NAME (default INBOX),
                      --hold S how long an IDLE is held (default 5)
  --retrieve N        newest messages fetched in a POP3 visit (default 5); --delete them
  --path PATH         of an HTTP request (default /); --body FILE, --method M (default GET, with
                      a body POST), --type MEDIA-TYPE (of JSON application/json)
  --header 'NAME: VALUE'
                      of each request; may be given again
  --token-stdin       of HTTP: a bearer token is the first line of standard input;
                      --user with --password-stdin is sent by Basic
  --client NAME       of HTTP: autocannon (default, for --sessions and for a constant rate) or
                      undici (for all else): see docs/load.md
  --patience S        how long the server may refuse connections (default 30)
  --seed N            the same seed makes the same messages and arrivals (default 1)
  --threads N         threads to send from (default 1)
  --ledger DIR        write what is injected and acknowledged to a ledger
  --recount S         count it after the run, waiting up to S seconds for what is on its way;
                      the exit code is its verdict; then thresholds may be of it, as
                      "lost = 0" or "p99-end-to-end < 500ms"
  --prometheus HOST:PORT
                      tell the run's figures at http://HOST:PORT/metrics while it lasts
  --watch PID|FILE|UNIT
                      CPU and memory of the server, once a second: its PID, PID file or unit
  --metrics URL --metric NAME
                      series of its Prometheus endpoint beside them; --metric may be given again
  --json              the report as JSON
  --report FILE       write it to a file too: .html (charts), .md or .json

run plays a scenario: a YAML file, or a TypeScript module (docs/load.md). --target, --count, --duration,
  --seed, --ledger and --recount stand in for what it says. It may have steps of trouble: processes killed
  or stopped, disks filled, connections cut, stalled, slowed down or refused, DNS answers late or missing.
search finds the highest rate at which the thresholds hold and nothing is lost:
  --threshold TEXT    as "p99 < 20ms" (default p99 < 50ms); may be given again
  --probe S           seconds at each rate (default 10); --rate-first R, --rate-max R
compare plays the load against each server in turn, --rounds N times (default 5), and tells
  medians of per-round ratios to the first server.
merge adds up reports (--json) of one load played from several machines, histograms exactly.

examples:
  chaski load smtp --target 127.0.0.1:2525 --rate 200 --arrival poisson --duration 30
  chaski load smtp --target 127.0.0.1:2525 --sessions 20 --duration 600 --prometheus 127.0.0.1:9464
  chaski load run config/scenarios/trouble.yaml --ledger ledger --recount 60s --report trouble.html
  chaski load http --target 127.0.0.1:8080 --sessions 10 --duration 10 --path /status
  chaski load http --target mail.example.com:443 --tls implicit --rate 50 --duration 30 --json \\
    --path /jmap --body query.json --user ann@example.com --password-stdin < password
  chaski load http --target mail.example.com:443 --tls implicit --sessions 5 --count 1000 \\
    --path /jmap --body query.json --token-stdin --report jmap.html < token
`;

const optionTypes = {
  target: { type: 'string' },
  sessions: { type: 'string' },
  rate: { type: 'string' },
  arrival: { type: 'string' },
  trace: { type: 'string' },
  duration: { type: 'string' },
  count: { type: 'string' },
  size: { type: 'string' },
  corpus: { type: 'string' },
  mime: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  recipients: { type: 'string' },
  'per-connection': { type: 'string' },
  pipeline: { type: 'boolean' },
  chunking: { type: 'boolean' },
  tls: { type: 'string' },
  'tls-name': { type: 'string' },
  verify: { type: 'boolean' },
  user: { type: 'string' },
  'password-stdin': { type: 'boolean' },
  auth: { type: 'string' },
  profile: { type: 'string' },
  mailbox: { type: 'string' },
  hold: { type: 'string' },
  retrieve: { type: 'string' },
  delete: { type: 'boolean' },
  path: { type: 'string' },
  method: { type: 'string' },
  body: { type: 'string' },
  header: { type: 'string', multiple: true },
  'token-stdin': { type: 'boolean' },
  client: { type: 'string' },
  type: { type: 'string' },
  patience: { type: 'string' },
  seed: { type: 'string' },
  threads: { type: 'string' },
  ledger: { type: 'string' },
  recount: { type: 'string' },
  prometheus: { type: 'string' },
  against: { type: 'string', multiple: true },
  rounds: { type: 'string' },
  threshold: { type: 'string', multiple: true },
  probe: { type: 'string' },
  'rate-first': { type: 'string' },
  'rate-max': { type: 'string' },
  watch: { type: 'string' },
  metrics: { type: 'string' },
  metric: { type: 'string', multiple: true },
  json: { type: 'boolean' },
  report: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

export type LoadValues = ReturnType<typeof parseLine>['values'];

export function parseLine(argv: string[]) {
  return parseArgs({ args: argv, allowPositionals: true, options: optionTypes });
}
