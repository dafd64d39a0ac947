/**
 * What the mail sessions of the edge count.
 *
 * Runs in:   accept threads.
 * Invariant: counting on a hot path is one look-up in a small map and one addition.
 */

import { bytesBounds, type Counter, type Family, type Metrics } from '../base/metrics.ts';
import type { SessionObserver } from '../edge/protocols/session/observer.ts';

export function edgeObserver(metrics: Metrics): SessionObserver {
  const open = metrics.gauges('chaski_sessions', 'Open mail sessions.', ['listener']);
  const sessions = byTwo(
    metrics.counters('chaski_sessions_total', 'Sessions, by how they began.', [
      'listener',
      'result',
    ]),
    'result',
  );
  const commands = byTwo(
    metrics.counters('chaski_commands_total', 'Commands by verb.', ['listener', 'verb']),
    'verb',
  );
  const replies = byTwo(
    metrics.counters('chaski_replies_total', 'Replies by class.', ['listener', 'class']),
    'class',
  );
  const messages = byTwo(
    metrics.counters(
      'chaski_messages_received_total',
      'Messages by how their session ended them.',
      ['listener', 'result'],
    ),
    'result',
  );
  const sizes = metrics.histogram(
    'chaski_received_bytes',
    'Size of received messages.',
    bytesBounds,
  );
  const handshakes = byTwo(
    metrics.counters('chaski_tls_total', 'TLS handshakes by version, or failed.', [
      'listener',
      'version',
    ]),
    'version',
  );
  const logIns = byTwo(
    metrics.counters('chaski_log_ins_total', 'Log-ins by result.', ['listener', 'result']),
    'result',
  );
  const cutOffs = byTwo(
    metrics.counters('chaski_sessions_cut_off_total', 'Sessions ended for what their client did.', [
      'listener',
      'reason',
    ]),
    'reason',
  );
  return {
    connected(listener) {
      sessions(listener, 'accepted').inc();
      open.with({ listener }).add(1);
    },
    disconnected: (listener) => open.with({ listener }).add(-1),
    refused: (listener, reason) => sessions(listener, `refused-${reason}`).inc(),
    command: (listener, verb) => commands(listener, verb).inc(),
    reply: (listener, replyClass) => replies(listener, `${replyClass}xx`).inc(),
    message(listener, bodyBytes, accepted) {
      messages(listener, accepted ? 'accepted' : 'refused').inc();
      sizes.observe(bodyBytes);
    },
    tlsStarted: (listener, version) => handshakes(listener, version).inc(),
    tlsFailed: (listener) => handshakes(listener, 'failed').inc(),
    cutOff: (listener, reason) => cutOffs(listener, reason).inc(),
    loggedIn: (listener, accepted) => logIns(listener, accepted ? 'accepted' : 'refused').inc(),
  };
}

/** Children of a two-label family without building a label object per call. */
function byTwo(
  family: Family<Counter>,
  second: string,
): (listener: string, value: string) => Counter {
  const known = new Map<string, Map<string, Counter>>();
  return (listener, value) => {
    let ofListener = known.get(listener);
    if (ofListener === undefined) {
      ofListener = new Map();
      known.set(listener, ofListener);
    }
    let child = ofListener.get(value);
    if (child === undefined) {
      child = family.with({ listener, [second]: value });
      ofListener.set(value, child);
    }
    return child;
  };
}
