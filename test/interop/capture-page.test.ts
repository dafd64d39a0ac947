/**
 * Aim: the page shows what arrived, by mouse and keys alone, and no message can run, load or change anything.
 * Method: Debian's chromium on a real sink; mail by nodemailer over STARTTLS with AUTH. Every name but the
 *         sink's leads to a server that counts who reaches it: one request there, or a name put on `window`, fails.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { nastyHtml, nastyMails, pleasantMails } from '../support/captured-mail.ts';
import { CapturePlace, noBrowser } from './capture-place.ts';

/** Opens the page and keeps what it complains of. */
async function watched(
  place: CapturePlace,
  options?: { isDark?: boolean },
): Promise<{ page: Page; reached: readonly string[]; errors: string[] }> {
  const page = await place.page(options);
  const { reached } = place;
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('dialog', (dialog) => {
    errors.push(`dialog ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.goto(place.origin);
  await page.locator('.live.on').waitFor();
  return { page, reached, errors };
}

const pwned = (page: Page) => page.evaluate(() => 'pwned' in globalThis);

describe('the capture page in chromium', { skip: noBrowser }, () => {
  it('lists what arrives while it is open, and shows HTML, text, files, header, source and checks', async () => {
    await using place = await CapturePlace.start();
    const { page, reached, errors } = await watched(place);
    assert.match(await page.locator('#empty').innerText(), /Nothing arrived yet/);
    await place.send(...pleasantMails);
    await page
      .locator('#rows a')
      .nth(pleasantMails.length - 1)
      .waitFor();
    assert.match(await page.locator('#count').innerText(), /^6 messages$/);
    await page.locator('#rows a', { hasText: 'Your order is on its way' }).click();
    const frame = page.frameLocator('iframe');
    assert.equal(await frame.locator('h1').innerText(), 'Your order is on its way');
    await page.getByRole('tab', { name: 'Text' }).click();
    assert.match(await page.locator('.plain').innerText(), /the parcel left Cusco at noon/);
    await page.getByRole('tab', { name: 'Attachments' }).click();
    const saving = page.waitForEvent('download');
    await page.getByRole('link', { name: 'Save invoice-1042.pdf' }).click();
    const saved = await saving;
    assert.equal(saved.suggestedFilename(), 'invoice-1042.pdf');
    assert.match(readFileSync(await saved.path(), 'latin1'), /^%PDF-1\.4/);
    await page.getByRole('tab', { name: 'Header' }).click();
    await page.locator('th', { hasText: 'Message-ID' }).waitFor();
    await page.getByRole('tab', { name: 'Source' }).click();
    await page.locator('.plain', { hasText: 'Content-Type: multipart/mixed' }).waitFor();
    await page.getByRole('tab', { name: 'Checks' }).click();
    await page.locator('.checks li', { hasText: 'DMARC alignment' }).waitFor();
    await page
      .locator('.checks .url', { hasText: 'shop.example.com/orders/1042' })
      .first()
      .waitFor();
    assert.deepEqual({ reached, errors }, { reached: [], errors: [] });
  });

  it('is searched, read and emptied by keys alone', async () => {
    await using place = await CapturePlace.start();
    await place.send(...pleasantMails);
    const { page, errors } = await watched(place);
    await page.keyboard.press('j');
    await page.getByRole('heading', { name: 'Your order is on its way' }).waitFor();
    await page.keyboard.press('j');
    await page.getByRole('heading', { name: /^Invitation/ }).waitFor();
    await page.keyboard.press('d');
    await page.getByRole('heading', { name: 'Photos of the bridge' }).waitFor();
    await page.locator('#count', { hasText: '5 messages' }).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('from:ci@example.com');
    await page.locator('#count', { hasText: '1 of 5 messages' }).waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Escape');
    await page.locator('.welcome').waitFor();
    await page.locator('#rows a').first().focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: /build 418/ }).waitFor();
    await page.getByRole('button', { name: 'Delete all' }).press('Enter');
    await page.getByText(/Delete all messages found by “from:ci@example.com”\?/).waitFor();
    await page.keyboard.press('Enter');
    assert.equal(
      await page.locator('#rows a').count(),
      1,
      'Enter keeps: that button has the focus',
    );
    await page.getByRole('button', { name: 'Delete all' }).press('Enter');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.locator('#count', { hasText: '0 of 4 messages' }).waitFor();
    assert.deepEqual(errors, []);
  });

  it('has a name for everything that can be pressed, and contrast in light and dark', async () => {
    await using place = await CapturePlace.start();
    await place.send(pleasantMails.at(-1)!);
    for (const isDark of [false, true]) {
      const { page } = await watched(place, { isDark });
      await page.locator('#rows a').first().click();
      await page.frameLocator('iframe').locator('h1').waitFor();
      const nameless = await page.evaluate<readonly string[]>(namelessScript);
      assert.deepEqual(nameless, []);
      for (const selector of ['.from', '.snippet', 'dd', 'dt', '[role=tab]', '#count', '.badge']) {
        const ratio = await contrast(page, selector);
        assert.ok(ratio >= 4.5, `${selector} ${isDark ? 'dark' : 'light'}: ${ratio.toFixed(2)}`);
      }
      await page.close();
    }
  });

  for (const name of Object.keys(nastyHtml)) {
    it(`is not touched by ${name}`, async () => {
      await using place = await CapturePlace.start();
      await place.send(...nastyMails().filter((each) => each.raw.includes(`Subject: ${name}\r\n`)));
      const { page, reached, errors } = await watched(place);
      await page.locator('#rows a').first().click();
      const frame = page.locator('iframe');
      await frame.waitFor();
      const inside = await (await frame.elementHandle())!.contentFrame();
      await inside!.waitForLoadState();
      // What sends itself away does so on the next turns.
      await page.waitForTimeout(250);
      assert.equal(await pwned(page), false);
      assert.deepEqual(reached, []);
      assert.deepEqual(errors, []);
      assert.match(page.url(), /#\/\d+$/);
      assert.equal(await page.locator('iframe').count(), 1);
    });
  }

  it('shows markup in every field as text, and saves parts under harmless names', async () => {
    await using place = await CapturePlace.start();
    await place.send(nastyMails().at(-1)!);
    const { page, reached, errors } = await watched(place);
    await page.locator('#rows a').first().click();
    for (const tab of ['Text', 'Attachments', 'Header', 'Source', 'Checks']) {
      await page.getByRole('tab', { name: tab }).click();
      await page.waitForTimeout(100);
    }
    await page.getByRole('tab', { name: 'Attachments' }).click();
    const links = page.locator('.files a');
    const [page1, picture] = [links.nth(0), links.nth(1)];
    for (const [link, ending] of [
      [page1, '.html'],
      [picture, '.svg'],
    ] as const) {
      const saving = page.waitForEvent('download');
      await link.click();
      const name = (await saving).suggestedFilename();
      assert.ok(name.endsWith(ending), name);
      assert.doesNotMatch(name, /[/\\<>\u202e]/);
    }
    assert.equal(await pwned(page), false);
    assert.equal(await page.locator('img:not([src="/icon.svg"])').count(), 0);
    assert.deepEqual({ reached, errors }, { reached: [], errors: [] });
  });

  it('runs nothing when the HTML of a message is opened by its own address', async () => {
    await using place = await CapturePlace.start();
    await place.send(...nastyMails());
    const { page, reached, errors } = await watched(place);
    const { messages } = (await (await place.ask('messages')).json()) as {
      messages: readonly { id: string; hasHtml: boolean }[];
    };
    for (const { id, hasHtml } of messages) {
      if (!hasHtml) continue;
      await page.goto(`${place.origin}/api/v1/messages/${id}/html`);
      assert.equal(await pwned(page), false);
    }
    assert.deepEqual(reached, []);
    assert.deepEqual(errors, []);
  });

  it('loads what is elsewhere only when asked, and even then runs nothing', async () => {
    await using place = await CapturePlace.start();
    const name = 'pictures, styles and fonts from elsewhere';
    await place.send(...nastyMails().filter((each) => each.raw.includes(`Subject: ${name}\r\n`)));
    const { page, reached } = await watched(place);
    await page.locator('#rows a').first().click();
    await page.waitForTimeout(250);
    assert.equal(reached.length, 0, reached.join(' '));
    await page.getByRole('button', { name: 'Load remote content' }).click();
    await page.waitForTimeout(500);
    assert.ok(reached.includes('evil.test/p.gif'), reached.join(' '));
    assert.equal(await pwned(page), false);
  });
});

/** Runs in the page: what can be pressed and has no name. */
const namelessScript = `[...document.querySelectorAll('button, a, input, iframe, [role=tab]')]
  .filter((each) => each.textContent.trim() === '' && (each.labels?.length ?? 0) === 0
    && !each.getAttribute('aria-label') && !each.getAttribute('title'))
  .map((each) => each.outerHTML)`;

/** WCAG 2.2 §1.4.3: of the text's colour against the first background behind it. */
async function contrast(page: Page, selector: string): Promise<number> {
  return await page.evaluate<number>(`{
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const luminance = (color) => {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = color;
      canvas.fillRect(0, 0, 1, 1);
      const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((value) => {
        const part = value / 255;
        return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    let at = document.querySelector(${JSON.stringify(selector)});
    const ink = luminance(getComputedStyle(at).color);
    while (at !== null && getComputedStyle(at).backgroundColor === 'rgba(0, 0, 0, 0)') {
      at = at.parentElement;
    }
    const paper = luminance(at === null ? 'white' : getComputedStyle(at).backgroundColor);
    (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
  }`);
}
