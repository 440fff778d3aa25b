// Tones made here: no files, nothing to load. The life pattern repeats until somebody has answered.
let context;
let repeating;
let nextPattern = 0;
let onState = () => {};

export function startSound(tellState) {
  onState = tellState;
  context = new AudioContext();
  context.onstatechange = () => onState(running());
  const wake = () => context.resume().then(() => onState(running()), () => {});
  for (const gesture of ['pointerdown', 'keydown']) addEventListener(gesture, () => running() || wake(), true);
  wake();
  onState(running());
}

export const running = () => context?.state === 'running';

function tone(frequency, at, length, loudness, shape = 'sine') {
  const oscillator = new OscillatorNode(context, { type: shape, frequency });
  const gain = new GainNode(context, { gain: 0 });
  gain.gain.setValueAtTime(0, at);
  gain.gain.linearRampToValueAtTime(loudness, at + 0.02);
  gain.gain.setValueAtTime(loudness, at + length - 0.04);
  gain.gain.linearRampToValueAtTime(0, at + length);
  oscillator.connect(gain).connect(context.destination);
  oscillator.start(at);
  oscillator.stop(at + length);
}

// ISO 8201's temporal-three rhythm: three half-second tones, then a pause.
function lifePattern() {
  const at = context.currentTime;
  for (const beat of [0, 1, 2]) {
    tone(880, at + beat, 0.5, 0.35, 'triangle');
    tone(1320, at + beat, 0.5, 0.12);
  }
}

function repeat() {
  if (!running() || Date.now() < nextPattern) return;
  lifePattern();
  nextPattern = Date.now() + 4000;
}

export function lifeAlarm(on) {
  document.documentElement.toggleAttribute('data-sounding', on && running());
  if (on && !repeating) {
    repeating = setInterval(repeat, 250);
    repeat(); // at once: a tab in the background that is already heard is not slowed down
  }
  if (!on && repeating) {
    clearInterval(repeating);
    repeating = undefined;
    nextPattern = 0;
  }
}

export function chime() {
  if (!running()) return;
  tone(660, context.currentTime, 0.25, 0.15);
  tone(880, context.currentTime + 0.22, 0.35, 0.12);
}

export function softTone() {
  if (running()) tone(330, context.currentTime, 0.5, 0.1);
}

export function testSound() {
  if (!running()) return;
  tone(880, context.currentTime, 0.5, 0.3, 'triangle');
  tone(660, context.currentTime + 0.7, 0.4, 0.12);
}
