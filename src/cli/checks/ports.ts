/** Whether the addresses of the settings can be listened on. */

import { createServer } from 'node:net';
import { type ListenAddress, writeListenAddress } from '../../settings/networks.ts';
import { listenersOf } from '../../settings/places.ts';
import type { Settings } from '../../settings/schema.ts';
import type { Finding } from './finding.ts';

/** `held` lists what the running server listens on, so that its own ports are no fault. */
export async function checkPorts(
  settings: Settings,
  held: readonly string[],
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const [path, addresses] of listenersOf(settings)) {
    for (const address of addresses) findings.push(await checkPort(path, address, held));
  }
  return findings;
}

async function checkPort(
  path: string,
  address: ListenAddress,
  held: readonly string[],
): Promise<Finding> {
  const name = writeListenAddress(address);
  if (held.includes(name))
    return { area: 'ports', status: 'ok', what: `${path} ${name}: held by the running server` };
  const code = await tryListen(address);
  if (code === undefined) return { area: 'ports', status: 'ok', what: `${path} ${name}: free` };
  return {
    area: 'ports',
    status: 'fault',
    what: `${path} ${name}: ${code}`,
    advice: adviceOf(code),
  };
}

function adviceOf(code: string): string {
  if (code === 'EADDRINUSE')
    return 'Another program listens there: stop it or choose another port.';
  if (code === 'EADDRNOTAVAIL') return 'This machine has no such address.';
  if (code === 'EACCES') {
    return 'Ports below 1024 need CAP_NET_BIND_SERVICE; config/chaski.service gives it.';
  }
  return 'Choose another address.';
}

/** The error code, or undefined where listening worked. */
function tryListen(address: ListenAddress): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host: address.host, port: address.port, ipv6Only: true }, () =>
      server.close(() => resolve(undefined)),
    );
  });
}
