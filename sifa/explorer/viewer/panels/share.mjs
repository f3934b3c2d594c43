// Sharing: the link to the view, kept in the page's hash, and the dialog that copies it and exports what is shown.
import { LOCKS, contentId, decodeLink, encodeLink, held, withLink } from './link.mjs';
import { EXPORTS } from './exports.mjs';

const HIDEABLE = {
  head: 'answer', bar: 'controls', film: 'filmstrip', panel: 'numbers', legend: 'legend', note: 'note',
};
const ESSENTIAL = ['body', 'stage', 'error', 'empty', 'ask', 'live', 'said'];
const LOCKED_PARTS = {
  time: '.sifa-time, .sifa-film', block: '.sifa-bar > :nth-child(2)',
  view: '.sifa-menus, .sifa-arrows, .sifa-switches, .sifa-drawer header',
};
const NO_ADDRESS = 'This viewer has no address of its own. Save it as a page (.html) and link to that.';

const checkbox = (kind, name, words) =>
  `<label><input type="checkbox" name="${kind}" value="${name}"> ${words}</label>`;
const exportButton = ([name, { words }]) => `<button type="button" data-export="${name}">${words}</button>`;
const exportButtons = kind =>
  Object.entries(EXPORTS).filter(([, each]) => each.kind === kind).map(exportButton).join('');

const DIALOG = `<h2>Share and export</h2>
<h3>Link to this view</h3>
<p class="sifa-link"><input readonly aria-label="Link to this view"><button type="button" data-share="copy"
  title="Copy the link (l)">Copy link</button></p>
<fieldset><legend>Lock in the link</legend>${LOCKS.map(name => checkbox('lock', name, name)).join('')}</fieldset>
<fieldset><legend>Hide in the link</legend>${
  Object.entries(HIDEABLE).map(([name, words]) => checkbox('hide', name, words)).join('')}</fieldset>
<h3>Picture</h3><p>${exportButtons('picture')}</p>
<h3>Film of all steps</h3><p>${exportButtons('film')}</p>
<h3>Numbers</h3><p>${exportButtons('numbers')}</p>
<p class="sifa-said" role="status"></p>
<form method="dialog"><button>Close</button></form>`;

const MENU = `<button type="button" data-share="menu" title="Share and export (x)">Share / export</button>
<p class="sifa-said" role="status"></p>`;

const ASK = `<p></p><p><label>Open its .sifa file <input type="file" accept=".sifa"></label>
<button type="button" data-share="stay">Stay with this clip</button></p>`;

const KEYS = `<dt><kbd>l</kbd></dt><dd>copy the link to this view</dd>
<dt><kbd>x</kbd></dt><dd>share and export: links, pictures, films, numbers</dd>`;

function element(tag, name, html) {
  const made = document.createElement(tag);
  made.className = name;
  made.innerHTML = html;
  return made;
}

/**
 * Sharing for a viewer's root. `linked`: the page's hash is this viewer's. `view` has `now()`, what is shown (trace,
 * images, state, ...), `jump(state)`, `open(bytes)` and `paint(ratio)`.
 */
export function sharing(root, linked, view) {
  const own = linked && location.protocol !== 'about:';
  const menu = element('div', 'sifa-group', MENU);
  const dialog = element('dialog', 'sifa-share', DIALOG);
  const ask = element('div', 'sifa-ask', ASK);
  dialog.setAttribute('aria-label', 'Share and export');
  ask.setAttribute('role', 'status');
  ask.hidden = true;
  root.querySelector('.sifa-bar').append(menu);
  root.querySelector('.sifa-body').append(dialog);
  root.querySelector('.sifa-bar').after(ask);
  root.querySelector('.sifa-keys').insertAdjacentHTML('beforeend', KEYS);
  let wanted = null, fixed = { lock: [], hide: [] }, id = '';

  function read() {
    wanted = own ? decodeLink(location.hash) : null;
    fix(wanted ?? { lock: [], hide: [] });
  }

  /** Lock and hide what a link says. */
  function fix({ lock, hide }) {
    root.querySelectorAll('.sifa-gone').forEach(part => part.classList.remove('sifa-gone'));
    fixed = { lock, hide: hide.filter(name => !ESSENTIAL.includes(name)) };
    for (const name of fixed.hide) root.querySelectorAll(`.sifa-${name}`).forEach(part => part.classList.add('sifa-gone'));
    root.classList.toggle('sifa-slide', fixed.hide.includes('all'));
    for (const [name, parts] of Object.entries(LOCKED_PARTS)) {
      root.querySelectorAll(parts).forEach(part => { part.inert = lock.includes(name) || lock.includes('all'); });
    }
    for (const each of dialog.querySelectorAll('[type=checkbox]')) each.checked = fixed[each.name].includes(each.value);
  }

  const say = words => root.querySelectorAll('.sifa-said').forEach(place => { place.textContent = words; });

  function hash(chosen = fixed) {
    const { trace, state } = view.now();
    return encodeLink({ clip: trace.clip.name, id, weights: trace.checkpoint.sha256.slice(0, 8), ...chosen }, state);
  }

  /** The link with what is ticked in the dialog; other names that the page's own link hides stay hidden. */
  function link() {
    const ticked = name => [...dialog.querySelectorAll(`[name=${name}]:checked`)].map(each => each.value);
    const other = fixed.hide.filter(name => !(name in HIDEABLE));
    return `${location.href.split('#')[0]}#${hash({ lock: ticked('lock'), hide: [...ticked('hide'), ...other] })}`;
  }

  async function copy() {
    if (!own) return say(NO_ADDRESS);
    const text = link();
    const field = dialog.querySelector('[readonly]');
    field.value = text;
    try {
      await navigator.clipboard.writeText(text);
      say('The link is copied.');
    } catch { // an insecure page or a denied permission
      if (!dialog.open) open();
      field.select();
      say(document.execCommand('copy') ? 'The link is copied.' : 'Copy the marked link by hand.');
    }
  }

  function open() {
    say('');
    dialog.querySelector('[readonly]').value = own ? link() : NO_ADDRESS;
    dialog.showModal();
  }

  async function save(name) {
    say('Working \u2026');
    try {
      const { file, blob } = await EXPORTS[name].make(view.now(), view.paint, root);
      const anchor = document.createElement('a');
      anchor.href = URL.createObjectURL(blob);
      anchor.download = file;
      anchor.click();
      setTimeout(() => URL.revokeObjectURL(anchor.href), 10_000);
      say(`Saved ${file}.`);
    } catch (error) { say(error.message); }
  }

  function stay() {
    wanted = null;
    ask.hidden = true;
    settled();
  }

  const actions = { copy, menu: open, stay };
  root.addEventListener('click', event => {
    const { share, export: kind } = event.target.closest('[data-share], [data-export]')?.dataset ?? {};
    if (share) actions[share]();
    if (kind) save(kind);
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener('change', () => { dialog.querySelector('[readonly]').value = own ? link() : NO_ADDRESS; });
  dialog.addEventListener('keydown', event => event.stopPropagation());
  root.addEventListener('keydown', event => {
    const act = { l: copy, x: open }[event.key];
    const typing = ['INPUT', 'SELECT'].includes(event.target.tagName) && event.target.type !== 'range';
    const busy = !view.now().trace || root.querySelector('dialog[open]') || typing;
    if (!act || busy || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  });
  ask.querySelector('input').addEventListener('change', async event => {
    const [file] = event.target.files;
    if (file) view.open(await file.arrayBuffer());
  });

  /** Keep the hash at the view, unless a link still waits for its clip. */
  function settled() {
    if (own && !wanted && view.now().trace) history.replaceState(history.state, '', `#${hash()}`);
  }

  /** The state in which a trace is opened: what the link asks for if it is for this clip; else the link waits. */
  function opened(state, trace, its) {
    id = its;
    if (!wanted) return state;
    const { clip, id: asked, weights } = wanted;
    if (asked ? asked !== id : clip && clip !== trace.clip.name) {
      const which = `${clip || 'another clip'}${asked ? ` (pictures ${asked})` : ''}`;
      ask.querySelector('p').textContent = `This link shows ${which}, and here is ${trace.clip.name} (pictures ${id}). `
        + 'Open that clip, and the view follows.';
      ask.hidden = false;
      return state;
    }
    ask.hidden = true;
    say(weights && weights !== trace.checkpoint.sha256.slice(0, 8)
      ? 'The link was made with other weights, so the numbers differ.' : '');
    const next = withLink(state, trace, wanted);
    wanted = null;
    return next;
  }

  function travelled() {
    read();
    const { trace, state } = view.now();
    if (trace) view.jump(opened(state, trace, id));
  }

  read();
  if (own) window.addEventListener('hashchange', travelled);
  return {
    opened, settled,
    held: (state, next) => held(state, next, fixed.lock, view.now().trace),
    async identify(trace) {
      const buffers = await Promise.all(trace.pictures.map(picture => picture.arrayBuffer()));
      return contentId(buffers.map(buffer => new Uint8Array(buffer)));
    },
    close: () => window.removeEventListener('hashchange', travelled),
  };
}
