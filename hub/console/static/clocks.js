// Running clocks: <time data-since="ISO"> and <progress data-since>, in the words of the page's language.
const UNITS = { zh: { minute: ' 分', hour: ' 时', day: ' 天' }, en: { minute: ' min', hour: ' h', day: ' d' } };

let offset = 0;

/** The server's clock, so that a PC whose clock is wrong still counts right. */
export function setClock(iso) {
  const server = Date.parse(iso);
  if (server) offset = server - Date.now();
}

export function age(milliseconds, language) {
  const units = UNITS[language] ?? UNITS.zh;
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${String(minutes).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours}${units.hour} ${minutes % 60}${units.minute}`;
  return `${Math.floor(hours / 24)}${units.day}`;
}

export function tick() {
  const now = Date.now() + offset;
  for (const element of document.querySelectorAll('[data-since]')) {
    const passed = now - Date.parse(element.dataset.since);
    if (element instanceof HTMLProgressElement) {
      element.value = Math.min(element.max, passed / 1000);
    } else if (element.dataset.left) {
      const left = Number(element.dataset.left) * 1000 - passed;
      const text = left > 0 ? age(Math.min(left + 999, element.dataset.left * 1000), document.documentElement.lang) : '00:00';
      if (element.textContent !== text) element.textContent = text;
    } else {
      const text = age(passed, document.documentElement.lang);
      if (element.textContent !== text) element.textContent = text;
    }
  }
}
