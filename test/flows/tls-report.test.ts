/** RFC 8460: a report that another server posts shows in the operator's list, and in the measurements. */

import assert from 'node:assert/strict';
import { request } from 'node:http';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { startTestServer } from '../support/test-server.ts';

function post(port: number, host: string, body: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { host, 'content-type': 'application/tlsrpt+gzip' };
    const path = '/tls-report';
    const sent = request({ host: '127.0.0.1', port, path, method: 'POST', headers }, (response) => {
      response.resume();
      resolve(response.statusCode!);
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

test('RFC 8460 §5.4: reports are taken by HTTPS at the name of public.url alone', async () => {
  await using server = await startTestServer({
    'listen.http': '127.0.0.1:0',
    'public.url': 'https://web.here.test',
    'mtaSts.mode': 'testing',
  });
  const { records } = await server.call('domain.create', { name: 'here.test' });
  const [record] = records.filter(({ name }) => name === '_smtp._tls.here.test');
  assert.equal(record!.value, 'v=TLSRPTv1; rua=https://web.here.test/tls-report');
  const instant = new Date(Date.now() - 1_000).toISOString();
  const report = gzipSync(
    JSON.stringify({
      'organization-name': 'far.test',
      'report-id': 'one',
      'date-range': { 'start-datetime': instant, 'end-datetime': instant },
      policies: [
        {
          policy: { 'policy-type': 'sts', 'policy-domain': 'here.test' },
          summary: { 'total-successful-session-count': 3, 'total-failure-session-count': 1 },
          'failure-details': [{ 'result-type': 'certificate-expired', 'failed-session-count': 1 }],
        },
      ],
    }),
  );
  const port = server.ports.http!;
  assert.equal(await post(port, 'evil.test', report), 421);
  assert.equal(await post(port, 'web.here.test', report), 201);
  assert.equal(await post(port, 'web.here.test', report), 200);
  assert.equal(await post(port, 'web.here.test', Buffer.from('no report')), 400);
  assert.equal(await post(port, 'web.here.test', Buffer.alloc(300_000, ' ')), 413);
  const { reports } = await server.call('tls-report.list', { domain: 'here.test', sinceMs: 0 });
  assert.deepEqual(
    reports.map(({ organization, successes, failures }) => [organization, successes, failures]),
    [['far.test', 3, 1]],
  );
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  assert.match(metrics, /chaski_tls_report_sessions_total\{result="failure"\} 1/);
});
