/**
 * Aim: passkeys that a browser makes and shows open an account: as the second factor, alone where the tenant allows
 *      it, and never from another origin.
 * Method: Debian's chromium with an authenticator of its own making (WebAuthn in the DevTools protocol), at the origin
 *         of the settings; the page is empty, what it is asked for is what our API answered, as JSON.
 *
 * WebAuthn §5.1.8 and §5.1.9 (options and answers as JSON).
 */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Browser, chromium, type Page } from 'playwright-core';
import { type RestCall, rest } from '../support/rest-client.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { noBrowser, program } from './capture-place.ts';

const origin = 'https://mail.acme.test';
const password = 'correct horse battery staple';
const name = 'ann@acme.test';
const keys = `/api/v1/accounts/${name}/passkeys`;
const offline = ['background-networking', 'component-update', 'sync'].map(
  (what) => `--disable-${what}`,
);

let server: TestServer;
let browser: Browser;

/** An empty page at an origin, and an authenticator whose user is there and agrees. */
async function pageAt(where: string): Promise<Page> {
  const page = await browser.newPage();
  await page.route('**/*', (route) => route.fulfill({ contentType: 'text/html', body: '<p>' }));
  await page.goto(where);
  const tools = await page.context().newCDPSession(page);
  await tools.send('WebAuthn.enable');
  await tools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      ...{ protocol: 'ctap2', transport: 'internal', automaticPresenceSimulation: true },
      ...{ hasResidentKey: true, hasUserVerification: true, isUserVerified: true },
    },
  });
  return page;
}

/** Of the browser's own names, what is used here. */
interface InPage {
  readonly PublicKeyCredential: {
    parseCreationOptionsFromJSON(options: unknown): unknown;
    parseRequestOptionsFromJSON(options: unknown): unknown;
  };
  readonly navigator: {
    readonly credentials: Record<
      'create' | 'get',
      (of: { publicKey: unknown }) => Promise<{ toJSON(): unknown }>
    >;
  };
}

/** What the page's script would do with the API's answer. */
async function made(page: Page, options: unknown): Promise<unknown> {
  return await page.evaluate(async (given) => {
    const { PublicKeyCredential: reader, navigator } = globalThis as unknown as InPage;
    const publicKey = reader.parseCreationOptionsFromJSON(given);
    return (await navigator.credentials.create({ publicKey })).toJSON();
  }, options);
}

async function shown(page: Page, options: unknown): Promise<unknown> {
  return await page.evaluate(async (given) => {
    const { PublicKeyCredential: reader, navigator } = globalThis as unknown as InPage;
    const publicKey = reader.parseRequestOptionsFromJSON(given);
    return (await navigator.credentials.get({ publicKey })).toJSON();
  }, options);
}

async function ask(place: string, call: RestCall = {}) {
  return await rest(server, place, { token: '', ...call });
}

const logIn = (more: object = {}) =>
  ask('POST /api/v1/token', { body: { name, password, ...more } });

async function requestOptions(): Promise<unknown> {
  const { status, value, text } = await ask('POST /api/v1/token/passkey/options', { body: {} });
  assert.equal(status, 200, text);
  return value;
}

describe('passkeys of chromium', { skip: noBrowser }, () => {
  before(async () => {
    const args = ['--no-sandbox', '--disable-quic', '--no-first-run', ...offline];
    browser = await chromium.launch({ executablePath: program, args });
    server = await startTestServer({ 'listen.http': '127.0.0.1:0', 'public.url': origin });
    await server.call('tenant.create', { name: 'acme' });
    await server.call('domain.create', { name: 'acme.test', tenant: 'acme' });
    await server.call('account.create', { address: name, password });
  });
  after(async () => {
    await browser?.close();
    await server?.[Symbol.asyncDispose]();
  });

  it('are made, are the second factor, and open alone where the tenant allows it', async () => {
    const page = await pageAt(`${origin}/`);
    const { value } = await logIn();
    const token = value.accessToken as string;
    const options = await ask(`POST ${keys}/options`, { token, body: {} });
    assert.equal(options.status, 200, options.text);
    const passkey = await made(page, options.value);
    const kept = await ask(`POST ${keys}`, { token, body: { name: 'laptop', passkey } });
    assert.equal(kept.status, 200, kept.text);
    assert.equal(kept.value.recoveryCodes.length, 10);

    assert.equal((await logIn()).value.error.code, 'authentication-required');
    const second = { passkey: await shown(page, await requestOptions()) };
    const inside = await logIn(second);
    assert.equal(inside.status, 200, inside.text);
    assert.equal((await logIn(second)).status, 401, 'shown twice');

    const alone = async () => {
      const body = { passkey: await shown(page, await requestOptions()) };
      return await ask('POST /api/v1/token/passkey', { body });
    };
    assert.equal((await alone()).status, 401, 'before the tenant allows it');
    await server.call('policy.set', {
      ...{ tenant: 'acme', allowsPasskeyAlone: true, needsSecondFactor: true },
    });
    const opened = await alone();
    assert.equal(opened.status, 200, opened.text);
    const sessions = await ask('GET /api/v1/sessions', { token: opened.value.accessToken });
    assert.ok(sessions.value.sessions.some((each: { isAsking: boolean }) => each.isAsking));
    await page.close();
  });

  it('are neither made nor shown at another origin', async () => {
    const page = await pageAt('https://mail.acme.test.evil.test/');
    await assert.rejects(
      async () => await shown(page, await requestOptions()),
      /SecurityError|domain/i,
    );
    await page.close();
  });
});
