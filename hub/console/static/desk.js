import { startLive } from './live.js';
import { setClock, tick } from './clocks.js';
import { meta, startForms } from './forms.js';
import { startKeys } from './keys.js';
import { chime, lifeAlarm, running, softTone, startSound, testSound } from './sound.js';

const chimed = new Set();
const said = new Map();
const joined = new Map();
const JOINED_SOUNDS_FOR = 10_000;
let soundsUntil = 0;
let first = true;

// After every change: sound follows what the board shows, and each incident is said once a state.
function attend(what) {
  if (what === 'ping') return running() && tellHub(true);
  tick();
  if (what === 'stale') return softTone();
  const lines = [...document.querySelectorAll('#incidents [data-incident]')];
  for (const line of lines) heedJoined(line);
  lifeAlarm(Boolean(document.querySelector('[data-sounds="life"]')) || Date.now() < soundsUntil);
  for (const line of lines) {
    const { incident, says } = line.dataset;
    if (said.get(incident) === says) continue;
    said.set(incident, says);
    sayAlarm(says);
    if (line.dataset.sounds === 'neutral' && line.dataset.state === 'unanswered') chime();
  }
  let fresh = false;
  for (const line of document.querySelectorAll('#queue [data-chime]')) {
    if (!chimed.has(line.dataset.chime)) fresh = true;
    chimed.add(line.dataset.chime);
  }
  if (fresh && !first) chime();
  first = false;
}

// A new point sounds again and shows for ten seconds, even on an incident that somebody has answered.
function heedJoined(line) {
  const { incident, joined: at = '' } = line.dataset;
  const before = joined.get(incident);
  joined.set(incident, at);
  if (first || !at || before === at || line.dataset.sounds === 'neutral') return;
  soundsUntil = Date.now() + JOINED_SOUNDS_FOR;
  setTimeout(() => {
    line.classList.remove('joined');
    attend();
  }, JOINED_SOUNDS_FOR + 50);
}

function sayAlarm(sentence) {
  const region = document.getElementById('alarm-said');
  const line = document.createElement('p');
  line.textContent = sentence;
  region.replaceChildren(line);
}

// While no page of a post says so, the hub rings its siren. With each ping: so this page hears the hub, and can sound.
const page = [...crypto.getRandomValues(new Uint8Array(8))].join('.');

function tellHub(sounds) {
  if (document.documentElement.classList.contains('reads-only')) return;
  const body = new URLSearchParams({ page, sounds: sounds ? 'yes' : 'no' });
  fetch('/live/sounds', { method: 'POST', keepalive: true, headers: { 'X-CSRF-Token': meta('csrf') }, body }).catch(() => {});
}

function showSound(on) {
  document.getElementById('sound-off')?.toggleAttribute('hidden', on);
  const state = document.getElementById('sound-state');
  if (state) state.textContent = on ? state.dataset.on : state.dataset.off;
  document.documentElement.classList.toggle('silent', !on);
}

setClock(document.body.dataset.now);
startForms();
startKeys();
if (document.body.hasAttribute('data-desk')) {
  startSound((on) => {
    showSound(on);
    tellHub(on);
    if (on) attend();
  });
  addEventListener('pagehide', () => tellHub(false));
  startLive(attend);
  attend();
  document.addEventListener('click', ({ target }) => target.closest('[data-test-sound]') && setTimeout(testSound, running() ? 0 : 200));
}
setInterval(tick, 500);
