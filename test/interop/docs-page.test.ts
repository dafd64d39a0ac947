/**
 * Aim: the page of the API shows what it should in a browser that holds it to its content security policy.
 * Method: Debian's chromium on a real server; whatever the console says against the page is a fault.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chromium } from 'playwright-core';
import { startTestServer } from '../support/test-server.ts';
import { noBrowser, program } from './capture-place.ts';

test('the page of the API shows acts, and breaks no rule of its own', {
  skip: noBrowser,
}, async () => {
  await using server = await startTestServer({ 'listen.http': '127.0.0.1:0' });
  const browser = await chromium.launch({ executablePath: program, args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage();
    const faults: string[] = [];
    const origin = `http://127.0.0.1:${server.ports.http}`;
    page.on('console', (message) => {
      if (message.type() === 'error') faults.push(message.text());
    });
    page.on('pageerror', (error) => faults.push(String(error)));
    page.on('request', (request) => {
      const isOurs = request.url().startsWith(origin) || request.url().startsWith('data:');
      if (!isOurs) faults.push(`asked elsewhere: ${request.url()}`);
    });
    await page.goto(`${origin}/api/docs`);
    const tag = page.locator('#operations-tag-domain');
    await tag.waitFor();
    await tag.click();
    await page.locator('#operations-domain-domainCreate').waitFor();
    assert.match(await page.locator('#page').innerText(), /Chaski/);
    assert.deepEqual(faults, []);
  } finally {
    await browser.close();
  }
});
