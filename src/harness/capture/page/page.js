/**
 * The page of the capture mode: the list with live updates, search, keys, and which message is shown.
 *
 * Runs in: the browser. What is shown stands in the address: `#/ID`, so that it can be linked and gone back from.
 */

import { ask, element, shortTime } from './elements.js';
import { showMessage } from './message-pane.js';

const pageSize = 100;
const reloadMs = 150;

const [rows, older, empty, pane, search, count, live, dialog] = [
  ...['rows', 'older', 'empty', 'message', 'search', 'count', 'live', 'confirm'],
].map((id) => document.getElementById(id));

let shown = [];
let current;
let isReloading = false;

async function load(before) {
  const query = new URLSearchParams({ q: search.value, limit: String(pageSize) });
  if (before !== undefined) query.set('before', before);
  const { messages, found, total, isMore } = await ask(`messages?${query}`);
  shown = before === undefined ? messages : [...shown, ...messages];
  older.hidden = !isMore;
  count.textContent = search.value === '' ? counted(total) : `${found} of ${counted(total)}`;
  document.title = total === 0 ? 'Chaski sink' : `(${total}) Chaski sink`;
  empty.hidden = shown.length > 0;
  empty.textContent =
    search.value === '' ? 'Nothing arrived yet. Send a message to this sink.' : 'Nothing is found.';
  drawRows();
}

function counted(number) {
  return number === 1 ? '1 message' : `${number} messages`;
}

function drawRows() {
  const focused = document.activeElement?.dataset?.id;
  rows.replaceChildren(...shown.map((summary) => element('li', {}, rowOf(summary))));
  if (focused !== undefined) rowElement(focused)?.focus();
}

function rowElement(id) {
  return [...rows.querySelectorAll('a')].find((row) => row.dataset.id === id);
}

function rowOf(summary) {
  const { id, from, sender, to, recipients, subject, snippet, receivedMs, attachments } = summary;
  const isCurrent = id === current;
  return element(
    'a',
    { href: `#/${id}`, 'data-id': id, 'aria-current': isCurrent ? 'true' : undefined },
    element('span', { class: 'from', title: from }, nameOf(from) || sender || '(nobody)'),
    element('time', { datetime: new Date(receivedMs).toISOString() }, shortTime(receivedMs)),
    element('span', { class: 'subject' }, subject || '(no subject)'),
    attachments === 0
      ? undefined
      : element('span', { class: 'clip' }, attachments === 1 ? '1 file' : `${attachments} files`),
    element('span', { class: 'to' }, `to ${(to.length > 0 ? to : recipients).join(', ')}`),
    element('span', { class: 'snippet' }, snippet),
  );
}

/** `Ann Vega <ann@example.com>` as `Ann Vega`. */
function nameOf(address) {
  return address.replace(/ <[^<>]*>$/, '');
}

async function showCurrent() {
  current = /^#\/(\d+)$/.exec(location.hash)?.[1];
  document.body.classList.toggle('reads', current !== undefined);
  drawRows();
  if (current === undefined) {
    pane.replaceChildren(welcome());
    return;
  }
  try {
    const message = await ask(`messages/${current}`);
    if (message.id === current) showMessage(pane, message, () => removeOne(message.id));
  } catch (error) {
    pane.replaceChildren(element('p', { class: 'welcome' }, error.message));
  }
}

function welcome() {
  const keys = [
    ['/', 'search'],
    ['j k', 'next and previous message'],
    ['d', 'delete the message'],
    ['Esc', 'back to the list'],
  ].flatMap(([key, what]) => [
    element('dt', {}, ...key.split(' ').map((each) => element('kbd', {}, each))),
    element('dd', {}, what),
  ]);
  return element(
    'div',
    { class: 'welcome' },
    element('img', { src: '/icon.svg', alt: '', width: 56, height: 56 }),
    element('p', {}, 'Choose a message.'),
    element('dl', { class: 'keys' }, ...keys),
  );
}

async function removeOne(id) {
  const at = shown.findIndex((each) => each.id === id);
  const next = shown[at + 1] ?? shown[at - 1];
  await ask(`messages/${id}`, 'DELETE');
  location.hash = next === undefined ? '' : `/${next.id}`;
}

function confirmed(question) {
  document.getElementById('question').textContent = question;
  dialog.returnValue = 'no';
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true });
  });
}

async function removeFound() {
  const isAll = search.value === '';
  const what = isAll ? 'all messages' : `all messages found by “${search.value}”`;
  if (!(await confirmed(`Delete ${what}?`))) return;
  const query = new URLSearchParams({ q: search.value });
  await ask(`messages?${query}`, 'DELETE');
  location.hash = '';
}

/** Several events close together are one reload. */
function reloadSoon() {
  if (isReloading) return;
  isReloading = true;
  setTimeout(async () => {
    isReloading = false;
    await load().catch(() => {});
  }, reloadMs);
}

function watch() {
  const events = new EventSource('/api/v1/events');
  events.addEventListener('open', () => {
    live.textContent = 'live';
    live.classList.add('on');
    reloadSoon();
  });
  events.addEventListener('error', () => {
    live.textContent = 'not connected';
    live.classList.remove('on');
  });
  events.addEventListener('added', reloadSoon);
  events.addEventListener('removed', (event) => {
    reloadSoon();
    if (JSON.parse(event.data).ids.includes(current)) location.hash = '';
  });
}

/** Goes to the next or the previous row and shows it. */
function move(by) {
  const at = shown.findIndex((each) => each.id === current);
  const next = shown[at === -1 ? 0 : at + by];
  if (next === undefined) return;
  location.hash = `/${next.id}`;
  rowElement(next.id)?.scrollIntoView({ block: 'nearest' });
}

const keys = {
  '/': () => search.focus(),
  j: () => move(1),
  k: () => move(-1),
  d: () => current !== undefined && removeOne(current),
  Escape: () => {
    location.hash = '';
  },
};

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || dialog.open) return;
  const isTyping = event.target instanceof HTMLInputElement;
  if (isTyping) {
    if (event.key === 'Escape') search.blur();
    return;
  }
  const act = Object.hasOwn(keys, event.key) ? keys[event.key] : undefined;
  if (act === undefined) return;
  event.preventDefault();
  act();
});

rows.addEventListener('keydown', (event) => {
  const by = { ArrowDown: 'nextElementSibling', ArrowUp: 'previousElementSibling' }[event.key];
  const item = by === undefined ? undefined : event.target.closest('li')?.[by];
  if (!item) return;
  event.preventDefault();
  item.querySelector('a').focus();
});

search.addEventListener('input', reloadSoon);
search.form.addEventListener('submit', (event) => event.preventDefault());
older.addEventListener('click', () => load(shown.at(-1)?.id));
document.getElementById('clear').addEventListener('click', removeFound);
window.addEventListener('hashchange', showCurrent);

await load();
await showCurrent();
watch();
