/**
 * Makes the pictures of the capture page: `node test/interop/capture-screenshot.ts FILE.png [dark] [WIDTHxHEIGHT]`.
 *
 * Runs in: by hand, when the page has changed. Needs Debian's chromium.
 */

import { pleasantMails } from '../support/captured-mail.ts';
import { CapturePlace } from './capture-place.ts';

const [file = 'page.png', mode = 'light', size = '1280x800', tab = ''] = process.argv.slice(2);
const [width = 1280, height = 800] = size.split('x').map(Number);
await using place = await CapturePlace.start();
await place.send(...pleasantMails);
const page = await place.page({ width, height, isDark: mode === 'dark' });
await page.goto(place.origin);
await page.locator('.live.on').waitFor();
if (width > 800) await page.locator('#rows a').first().click();
if (tab !== '') await page.getByRole('tab', { name: tab }).click();
await page.waitForTimeout(300);
await page.screenshot({ path: file });
process.stdout.write(`${file}\n`);
