// The live board in this tab: takes the browser's one stream, swaps by morph, and says when the data is old.
import { openStream } from './stream.js';

const STALE_AFTER = 8500; // without a ping, which comes every 5 s
const LOST_AFTER = 4000; // since the connection broke: it is given that long to come back
const REFETCH_AFTER = 300;
const root = document.documentElement;

let heard = Date.now();
let lostSince = Infinity;
let lastAt = '';
let current = '';
let told = () => {};

export function startLive(onChange) {
  told = onChange;
  keepOpenThings();
  subscribe(root.lang === 'en' ? 'en' : 'zh', take);
  setInterval(() => {
    if (Date.now() - heard > STALE_AFTER || Date.now() - lostSince > LOST_AFTER) markStale();
  }, 250);
}

function subscribe(language, listener) {
  if (window.SharedWorker) {
    const worker = new SharedWorker(`/static/live-worker.js?lang=${language}`, { type: 'module', name: `live-${language}` });
    worker.onerror = () => followLeader(language, listener); // its script did not load: the hub was just away
    worker.port.onmessage = ({ data }) => listener(data);
    addEventListener('pagehide', () => worker.port.postMessage('gone'));
    addEventListener('pageshow', (event) => event.persisted && location.reload());
    return;
  }
  followLeader(language, listener);
}

// No SharedWorker: the tab that says so first, and goes on saying it, holds the stream and passes it on.
function followLeader(language, listener) {
  const channel = new BroadcastChannel(`live-${language}`);
  const me = Math.random();
  let leaderSeen = 0;
  let stream;
  let board;
  const pass = (message) => {
    if (message.kind === 'board') board = message;
    listener(message);
    channel.postMessage(message);
  };
  channel.onmessage = ({ data }) => {
    if (data.leader !== undefined) {
      if (!stream || data.leader < me) leaderSeen = Date.now();
    } else if (data.hello) {
      if (stream && board) channel.postMessage(board);
    } else if (!stream) {
      listener(data);
    }
  };
  channel.postMessage({ hello: true });
  setInterval(() => {
    if (Date.now() - leaderSeen < 2500) return;
    stream ??= openStream(language, pass);
    channel.postMessage({ leader: me });
  }, 1000 + Math.random() * 500);
}

async function take(message) {
  if (message.kind === 'lost') {
    lostSince = Math.min(lostSince, Date.now());
    root.classList.add('doubtful');
    return;
  }
  if (message.kind === 'signed_out') return void show('signed-out', true);
  heard = Date.now();
  lostSince = Infinity;
  if (message.kind === 'ping') {
    lastAt = message.at;
    told('ping');
  }
  if (message.kind === 'board') {
    lastAt = message.at;
    if (message.n !== current) await apply(message);
  }
  markFresh();
}

async function apply({ n, topics, partials }) {
  current = n;
  await htmx.swap({ text: partials, target: document.body, sourceElement: document.body, swap: 'none' });
  refetch(new Set(topics));
  told();
}

let pending;
const wanted = new Set();

// Lists of other pages fetch themselves again; a burst of changes is one fetch.
function refetch(topics) {
  for (const list of document.querySelectorAll('[data-refresh]')) {
    if (topics.has('all') || list.dataset.topics.split(' ').some((topic) => topics.has(topic))) wanted.add(list.id);
  }
  clearTimeout(pending);
  pending = setTimeout(() => {
    for (const id of wanted) {
      const list = document.getElementById(id);
      if (list) htmx.ajax('GET', list.dataset.refresh, { target: list, swap: 'innerMorph' }).then(told, () => {});
    }
    wanted.clear();
  }, REFETCH_AFTER);
}

function markStale() {
  if (root.classList.contains('stale')) return;
  root.classList.add('stale', 'doubtful');
  delete root.dataset.live;
  const bar = document.getElementById('stale');
  bar.textContent = bar.dataset.text.replace('{time}', lastAt || bar.dataset.rendered);
  bar.hidden = false;
  lockCommands(true);
  told('stale');
}

function markFresh() {
  root.dataset.live = '';
  const dot = document.getElementById('live-time');
  if (dot && lastAt) dot.textContent = lastAt;
  if (!root.classList.contains('doubtful') && !root.classList.contains('stale')) return;
  root.classList.remove('stale', 'doubtful');
  show('stale', false);
  show('signed-out', false);
  lockCommands(false);
  told('fresh');
}

function lockCommands(locked) {
  for (const button of document.querySelectorAll('[data-device-command]')) button.disabled = locked;
}

function show(id, visible) {
  const bar = document.getElementById(id);
  if (bar) bar.hidden = !visible;
}

// What a person has opened, and what a stale page has locked, is theirs: a swap leaves it as it is.
function keepOpenThings() {
  htmx.registerExtension('desk', {
    htmx_before_morph_attr: (element, { attrName }) => {
      if (attrName === 'open' && element.matches('details, dialog')) return false;
      return !(attrName === 'disabled' && root.classList.contains('stale') && element.matches('[data-device-command]'));
    },
  });
}
