// Function keys by event.code, shown on their buttons; no plain letter does anything (scanners and IMEs type them).
import { open } from './forms.js';

const DIALOGS = { F2: 'visit-dialog', F4: 'parcel-dialog', F9: 'emergency-dialog' };
const TWICE_WITHIN = 600;

let escaped = -Infinity;

export function startKeys() {
  document.addEventListener('keydown', (event) => {
    if (event.isComposing || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    if (DIALOGS[event.code]) {
      event.preventDefault();
      open(DIALOGS[event.code]);
    } else if (event.code === 'F8') {
      event.preventDefault();
      if (!event.repeat) answerOrJudge();
    } else if (event.code === 'Escape') {
      const again = event.timeStamp - escaped < TWICE_WITHIN;
      escaped = again ? -Infinity : event.timeStamp;
      if (again) hideNames();
    }
  });
  document.addEventListener('click', ({ target }) => target.closest('[data-hide-names]') && hideNames());
  if (sessionStorage.getItem('names') === 'hidden') document.documentElement.classList.add('names-hidden');
}

// F8 answers the first incident that nobody has answered; with none left it goes to the first open verdict.
function answerOrJudge() {
  const answer = document.querySelector('[data-f8="answer"]');
  if (answer) answer.click();
  else document.querySelector('[data-f8="verdict"]')?.focus();
}

function hideNames() {
  const hidden = document.documentElement.classList.toggle('names-hidden');
  sessionStorage.setItem('names', hidden ? 'hidden' : 'shown');
}
