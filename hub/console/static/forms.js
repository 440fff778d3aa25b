// Acts and forms: the CSRF token and an act id on every request, what was said in answer, and drafts that outlive a
// reload, a language switch or an expired sign-in.
export const meta = (name) => document.querySelector(`meta[name="${name}"]`)?.content ?? '';

const newActId = () => [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, '0')).join('');

export function startForms() {
  document.addEventListener('htmx:config:request', ({ detail: { ctx } }) => {
    ctx.request.headers['X-CSRF-Token'] = meta('csrf');
  });
  document.addEventListener('acted', ({ target, detail }) => {
    say(detail.say);
    target.closest?.('.incident')?.querySelectorAll('details').forEach((list) => { list.open = false; });
    const form = target.closest?.('form');
    if (form) finished(form);
    if (detail.go) location.assign(detail.go);
  });
  document.addEventListener('refused', ({ target, detail }) => {
    const slot = target.closest?.('form')?.querySelector('[data-refusal]');
    if (slot) slot.textContent = detail.say;
    else say(detail.say, true);
  });
  document.addEventListener('htmx:response:error', ({ detail: { ctx } }) => {
    if (ctx.response.status === 401) document.getElementById('signed-out').hidden = false;
    else if (!ctx.hx?.trigger) say(document.body.dataset.failed, true);
  });
  document.addEventListener('htmx:error', () => say(document.body.dataset.unreachable, true));
  document.addEventListener('input', ({ target }) => keepDraft(target.form));
  document.addEventListener('click', ({ target }) => {
    for (const list of document.querySelectorAll('details.causes[open]')) {
      if (!list.contains(target)) list.open = false;
    }
    const filler = target.closest('[data-fill]');
    if (filler) fill(filler);
    const opener = target.closest('[data-opens]');
    if (opener) open(opener.dataset.opens);
    const closer = target.closest('[data-closes]');
    if (closer) closer.closest('dialog').close();
  });
  document.querySelectorAll('form[data-draft]').forEach(restoreDraft);
}

export function open(id) {
  const dialog = document.getElementById(id);
  if (!dialog || dialog.open) return;
  dialog.showModal();
  dialog.querySelector('[autofocus]')?.focus();
}

let hiding;

/** One sentence at the foot of the page; it is also the page's polite live region. */
export function say(sentence, wrong = false) {
  const region = document.getElementById('said');
  region.textContent = sentence ?? '';
  region.classList.toggle('wrong', wrong);
  clearTimeout(hiding);
  hiding = setTimeout(() => { region.textContent = ''; }, wrong ? 12000 : 6000);
}

function finished(form) {
  if (!form.hasAttribute('data-draft')) return;
  sessionStorage.removeItem(draftName(form));
  form.reset();
  form.querySelectorAll('[data-refusal], [data-choices]').forEach((slot) => slot.replaceChildren());
  if (form.elements.act) form.elements.act.value = newActId();
  form.closest('dialog')?.close();
}

function fill(button) {
  const form = button.closest('form');
  for (const [name, value] of Object.entries(JSON.parse(button.dataset.fill))) {
    if (form.elements[name]) form.elements[name].value = value;
  }
  button.closest('[data-choices]')?.replaceChildren();
  keepDraft(form);
}

const draftName = (form) => `draft-${form.dataset.draft}`;

function keepDraft(form) {
  if (!form?.dataset.draft) return;
  const kept = [...new FormData(form)].filter(([name, value]) => typeof value === 'string' && name !== 'csrf');
  sessionStorage.setItem(draftName(form), JSON.stringify(kept));
}

function restoreDraft(form) {
  const kept = JSON.parse(sessionStorage.getItem(draftName(form)) ?? '[]');
  for (const [name, value] of kept) {
    const field = form.elements[name];
    if (field?.type === 'checkbox') field.checked = true;
    else if (field) field.value = value;
  }
}
