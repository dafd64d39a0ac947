/**
 * The pane with one message: its head, and a tab for each way to look at it.
 *
 * Runs in: the browser.
 */

import { ask, element, longTime, sizeText } from './elements.js';

const marks = { ok: '✓', notice: 'i', warning: '!', fault: '✕' };
const gradeNames = { ok: 'Good', notice: 'Note', warning: 'Warning', fault: 'Fault' };

/** Shows a message; `remove` is called when its button is pressed. */
export function showMessage(pane, message, remove) {
  const tabs = tabsOf(message);
  const panel = element('section', { class: 'panel', role: 'tabpanel', id: 'panel', tabindex: 0 });
  const buttons = tabs.map((tab, at) =>
    element(
      'button',
      {
        ...{ type: 'button', role: 'tab', id: `tab-${tab.id}`, 'aria-controls': 'panel' },
        click: () => choose(at),
        keydown: (event) => step(event, at),
      },
      tab.name,
      tab.count === undefined ? undefined : element('span', { class: 'badge' }, String(tab.count)),
    ),
  );

  function choose(at) {
    for (const [other, button] of buttons.entries()) {
      button.setAttribute('aria-selected', String(other === at));
      button.tabIndex = other === at ? 0 : -1;
    }
    panel.setAttribute('aria-labelledby', `tab-${tabs[at].id}`);
    panel.replaceChildren();
    Promise.resolve(tabs[at].show(panel)).catch((error) => {
      panel.replaceChildren(element('p', { class: 'trouble' }, error.message));
    });
  }

  function step(event, at) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    const next = (at + by + tabs.length) % tabs.length;
    choose(next);
    buttons[next].focus();
  }

  pane.replaceChildren(
    headOf(message, remove),
    element('div', { class: 'tabs', role: 'tablist', 'aria-label': 'Views' }, ...buttons),
    panel,
  );
  choose(0);
}

function headOf(message, remove) {
  const facts = [
    ['From', message.from || '(nobody)'],
    ['To', message.to.join(', ') || '(nobody)'],
    ['Reply to', message.replyTo.join(', ')],
    ['Received', longTime(message.receivedMs)],
    ['Envelope', `${message.sender || '<>'} → ${message.recipients.join(', ')}`],
    ['Session', sessionText(message)],
  ];
  const rows = facts
    .filter(([, value]) => value !== '')
    .flatMap(([name, value]) => [element('dt', {}, name), element('dd', {}, value)]);
  return element(
    'header',
    { class: 'head' },
    element('a', { class: 'back', href: '#' }, '← All messages'),
    element(
      'div',
      { class: 'title' },
      element('h2', {}, message.subject || '(no subject)'),
      element('a', { class: 'button quiet', href: sourcePath(message, '?download') }, 'Save .eml'),
      element('button', { type: 'button', class: 'quiet', click: remove }, 'Delete'),
    ),
    element('dl', {}, ...rows),
  );
}

function sessionText({ client, via, isEncrypted, user, bytes }) {
  const parts = [`${client} to ${via}`, isEncrypted ? 'TLS' : 'no TLS', sizeText(bytes)];
  if (user) parts.splice(2, 0, `logged in as ${user}`);
  return parts.join(' · ');
}

function tabsOf(message) {
  const files = message.parts.filter((part) => !part.isInline);
  const tabs = [];
  if (message.hasHtml) tabs.push({ id: 'html', name: 'HTML', show: (at) => showHtml(at, message) });
  if (message.text !== undefined) {
    tabs.push({ id: 'text', name: 'Text', show: (at) => at.append(plain(message.text)) });
  }
  if (message.parts.length > 0) {
    const show = (at) => showParts(at, message);
    tabs.push({ id: 'parts', name: 'Attachments', count: files.length, show });
  }
  tabs.push({ id: 'header', name: 'Header', show: (at) => at.append(headerTable(message)) });
  tabs.push({ id: 'source', name: 'Source', show: (at) => showSource(at, message) });
  if (message.fault === undefined) {
    tabs.push({ id: 'checks', name: 'Checks', show: (at) => showChecks(at, message) });
  }
  return tabs;
}

function partPath({ id }, what) {
  return `/api/v1/messages/${id}/${what}`;
}

function sourcePath(message, query = '') {
  return partPath(message, `source${query}`);
}

function plain(text) {
  return element('pre', { class: 'plain' }, text);
}

/** The frame may open links in new windows and nothing else; the answer's own policy says the same again. */
function showHtml(at, message) {
  const frame = element('iframe', {
    ...{ title: 'HTML of the message', referrerpolicy: 'no-referrer', class: 'wide' },
    sandbox: 'allow-popups allow-popups-to-escape-sandbox',
    src: partPath(message, 'html'),
  });
  const remote = element(
    'button',
    {
      ...{ type: 'button', class: 'quiet', 'aria-pressed': 'false' },
      click: () => {
        const isOn = remote.getAttribute('aria-pressed') !== 'true';
        remote.setAttribute('aria-pressed', String(isOn));
        frame.src = partPath(message, isOn ? 'html?remote' : 'html');
      },
    },
    'Load remote content',
  );
  const widths = [
    ['wide', 'Desktop'],
    ['narrow', 'Phone'],
  ].map(([kind, name]) =>
    element(
      'button',
      {
        ...{ type: 'button', class: 'quiet', 'aria-pressed': String(kind === 'wide') },
        click: () => {
          frame.className = kind;
          for (const each of widths) each.setAttribute('aria-pressed', 'false');
          widths.find((each) => each.textContent === name).setAttribute('aria-pressed', 'true');
        },
      },
      name,
    ),
  );
  const choice = element(
    'div',
    { class: 'group', role: 'group', 'aria-label': 'Width' },
    ...widths,
  );
  at.append(element('div', { class: 'tools' }, choice, remote), frame);
}

function showParts(at, message) {
  const rows = message.parts.map((part) =>
    element(
      'li',
      {},
      element('span', { class: 'file-name' }, part.name),
      element('span', { class: 'faint' }, `${part.type} · ${sizeText(part.bytes)}`),
      part.isInline ? element('span', { class: 'badge' }, 'inline') : undefined,
      element(
        'a',
        {
          ...{ class: 'button quiet', href: partPath(message, `parts/${part.number}`) },
          ...{ download: part.name, 'aria-label': `Save ${part.name}` },
        },
        'Save',
      ),
    ),
  );
  at.append(element('ul', { class: 'files' }, ...rows));
}

function headerTable({ header }) {
  const rows = header.map(({ name, value }) =>
    element('tr', {}, element('th', { scope: 'row' }, name), element('td', {}, value)),
  );
  return element('table', { class: 'header' }, element('tbody', {}, ...rows));
}

async function showSource(at, message) {
  const response = await fetch(sourcePath(message));
  const text = await response.text();
  const shownMax = 1_000_000;
  at.append(plain(text.slice(0, shownMax)));
  if (text.length > shownMax) {
    at.append(element('p', { class: 'faint' }, 'The rest is in the saved .eml.'));
  }
}

async function showChecks(at, message) {
  const { header, links } = await ask(`messages/${message.id}/checks`);
  at.append(
    element('h3', {}, 'Header and parts'),
    element('ul', { class: 'checks' }, ...header.map((each) => checkRow(each, each.name))),
    element('h3', {}, `Links (${links.length})`),
  );
  if (links.length === 0) {
    at.append(element('p', { class: 'faint' }, 'The message has none.'));
    return;
  }
  const list = element('ul', { class: 'checks' }, ...links.map((link) => linkRow(link)));
  const { probesLinks } = await ask('status');
  if (probesLinks) at.append(followButton(message, list));
  at.append(list);
}

function followButton(message, list) {
  const button = element(
    'button',
    {
      ...{ type: 'button', class: 'quiet' },
      click: async () => {
        button.disabled = true;
        const { links, probes } = await ask(`messages/${message.id}/checks?follow`, 'POST');
        const results = new Map(probes.map(({ url, what }) => [url, what]));
        list.replaceChildren(...links.map((link) => linkRow(link, results.get(link.url))));
        button.disabled = false;
      },
    },
    'Follow the links',
  );
  return element('div', { class: 'tools' }, button);
}

function checkRow({ grade, what }, name) {
  return element(
    'li',
    { class: grade },
    element('span', { class: 'mark', role: 'img', 'aria-label': gradeNames[grade] }, marks[grade]),
    element('strong', {}, name),
    element('span', { class: 'what' }, what),
  );
}

function linkRow(link, answer) {
  const text = [link.what, answer === undefined ? '' : `answered ${answer}`];
  const row = checkRow({ grade: link.grade, what: text.filter(Boolean).join(' · ') }, link.where);
  const shown = link.text === '' ? '' : ` “${link.text}”`;
  row.append(
    element('code', { class: 'url' }, link.url),
    element('span', { class: 'faint' }, shown),
  );
  return row;
}
