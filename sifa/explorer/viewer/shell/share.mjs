// Sharing: the link to the view, kept in the page's hash, and the dialog that copies it and exports what is shown.
import { traceTitle } from '../state/answers.mjs';
import { LOCKS, contentId, decodeLink, encodeLink, keepLocked, withLink } from '../state/link.mjs';
import { EXPORTS } from '../panels/exports.mjs';
import { box, boxes, element, part } from '../panels/html.mjs';
import { ASK, DIALOG, HIDEABLE, KEYS, MENU } from '../panels/share.mjs';
import { withPanel } from '../state/panel.mjs';
import { pinsLeftOut } from '../state/pins.mjs';
import { own } from '../trace/own.mjs';
import { near } from './events.mjs';
/** @import { Trace } from '../trace/types' */
/** @import { Link, State } from '../state/types' */
/** @import { Paint } from '../panels/exports.mjs' */

const ESSENTIAL = ['body', 'top', 'side', 'pictures', 'error', 'empty', 'ask', 'live', 'said'];
const UNNAMED = 'SIFA explorer'; // the title of a page that hides its answer
const NO_ADDRESS = 'This viewer has no address of its own. Save it as a page (.html) and link to that.';

/**
 * What of the viewer is shared: `trace` is null before any; `linkable`: a link can bring back what is compared, and `beside` says
 * in a caption what that is; jump(state) goes to a view whatever is locked, open(bytes) shows
 * another trace and paint(state, ratio) draws the pictures of a state.
 * @typedef {{
 *   readonly trace: Trace | null, readonly images: ImageBitmap[], readonly state: State,
 *   readonly linkable: boolean, readonly beside: string,
 *   jump: (state: State) => void, open: (bytes: ArrayBuffer) => void, paint: Paint
 * }} Shared
 *
 * @typedef {Pick<Link, 'lock' | 'hide'>} Fixed
 */

/** Sharing for a viewer's root. */
export class Share {
  /** @type {Link | null} */
  #wanted = null;
  /** @type {Fixed} */
  #fixed = { lock: [], hide: [] };
  #id = '';
  #name = ''; // of the page

  /**
   * @param {HTMLElement} root
   * @param {boolean} linked whether the page's hash is this viewer's
   * @param {Shared} view
   */
  constructor(root, linked, view) {
    this.root = root;
    this.view = view;
    this.own = linked && location.protocol !== 'about:';
    this.dialog = element('dialog', 'sifa-share', DIALOG);
    this.ask = element('div', 'sifa-ask', ASK);
    this.dialog.setAttribute('aria-label', 'Share and export');
    this.ask.setAttribute('role', 'status');
    this.ask.hidden = true;
    box(root, '[data-do=help]').insertAdjacentHTML('beforebegin', MENU);
    box(root, '.sifa-body').append(this.dialog);
    box(root, '.sifa-body').before(this.ask);
    box(root, '.sifa-keys').insertAdjacentHTML('beforeend', KEYS);
    this.field = part(this.dialog, '[readonly]', HTMLInputElement);
    this.#listen();
    this.#read();
    this.onHashChange = () => this.#travel();
    if (this.own) window.addEventListener('hashchange', this.onHashChange);
  }

  #listen() {
    const { root, dialog } = this;
    root.addEventListener('click', event => {
      const { share, export: kind } = near(event, '[data-share], [data-export]')?.dataset ?? {};
      if (share === 'copy') this.copy();
      if (share === 'menu') this.open();
      if (share === 'stay') this.#stay();
      if (kind) this.#save(kind);
      if (event.target === dialog) dialog.close();
    });
    dialog.addEventListener('change', () => { this.field.value = this.own ? this.#link() : NO_ADDRESS; });
    dialog.addEventListener('keydown', event => {
      event.stopPropagation();
      if (event.key === 'Enter' && event.target === this.field) this.copy();
    });
    root.addEventListener('keydown', event => {
      const act = own({ l: () => this.copy(), x: () => this.open() }, event.key);
      const { target } = event;
      const typing = target instanceof HTMLSelectElement || (target instanceof HTMLInputElement && target.type !== 'range');
      const busy = !this.view.trace || root.querySelector('dialog[open]') || typing;
      if (!act || busy || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      act();
    });
    const chosen = part(this.ask, 'input', HTMLInputElement);
    chosen.addEventListener('change', async () => {
      const file = chosen.files?.[0];
      if (file) this.view.open(await file.arrayBuffer());
    });
  }

  #read() {
    this.#wanted = this.own ? decodeLink(location.hash) : null;
    this.#fix(this.#wanted ?? { lock: [], hide: [] });
  }

  /**
   * Lock and hide what a link says.
   * @param {Fixed} link
   */
  #fix({ lock, hide }) {
    const { root } = this;
    for (const each of boxes(root, '.sifa-gone')) each.classList.remove('sifa-gone');
    this.#fixed = { lock, hide: hide.filter(name => !ESSENTIAL.includes(name)) };
    for (const name of this.#fixed.hide) for (const each of boxes(root, `.sifa-${name}`)) each.classList.add('sifa-gone');
    root.classList.toggle('sifa-slide', this.#fixed.hide.includes('all'));
    root.classList.toggle('sifa-unanswered', hide.some(name => name === 'head' || name === 'all'));
    root.dataset.lock = (lock.includes('all') ? LOCKS : lock).join(' '); // share.css takes away what would do nothing
    box(root, '.sifa-asked').inert = root.matches('[data-lock~=cell]');
    box(root, '.sifa-tiles').inert = root.matches('[data-lock~=time][data-lock~=block]');
    this.#entitle();
    for (const each of this.dialog.querySelectorAll('input')) {
      if (each.type === 'checkbox') each.checked = this.#fixed[/** @type {keyof Fixed} */ (each.name)].includes(each.value);
    }
  }

  /** Give the page its title, which says nothing of a hidden answer. */
  #entitle() {
    if (!this.own || !this.#name) return;
    document.title = this.root.classList.contains('sifa-unanswered') ? UNNAMED : this.#name;
  }

  /**
   * The page's own title stands for the first trace; those after it have titles of their own.
   * @param {Trace} trace
   */
  name(trace) {
    this.#name = this.#name ? traceTitle(trace) : document.title || traceTitle(trace);
    this.#entitle();
  }

  /** @param {string} words */
  #say(words) {
    for (const place of boxes(this.root, '.sifa-said')) place.textContent = words;
  }

  /**
   * The view as a link's hash.
   * @param {Fixed} chosen
   */
  hash(chosen = this.#fixed) {
    const { trace, state, linkable } = this.view;
    const clip = trace ? { clip: trace.clip.name, weights: trace.checkpoint.sha256.slice(0, 8) } : {};
    return encodeLink({ ...clip, id: this.#id, ...chosen }, linkable ? state : withPanel(state, 'none'));
  }

  /** The link with what is ticked in the dialog; other names that the page's own link hides stay hidden. */
  #link() {
    const ticked = (/** @type {string} */ name) => [...this.dialog.querySelectorAll('input')]
      .filter(each => each.name === name && each.checked).map(each => each.value);
    const other = this.#fixed.hide.filter(name => !Object.hasOwn(HIDEABLE, name));
    return `${location.href.split('#')[0]}#${this.hash({ lock: ticked('lock'), hide: [...ticked('hide'), ...other] })}`;
  }

  async copy() {
    if (!this.own) return this.#say(NO_ADDRESS);
    const text = this.#link();
    this.field.value = text;
    try {
      await navigator.clipboard.writeText(text);
      this.#say('The link is copied.');
    } catch { // an insecure page or a denied permission
      if (!this.dialog.open) this.open();
      this.field.select();
      this.#say(document.execCommand('copy') ? 'The link is copied.' : 'Copy the marked link by hand.');
    }
  }

  open() {
    this.#say('');
    this.field.value = this.own ? this.#link() : NO_ADDRESS;
    this.dialog.showModal();
  }

  /** @param {string} name of an export */
  async #save(name) {
    const { trace, images, state, beside, paint } = this.view;
    const kind = own(EXPORTS, name);
    if (!trace || !kind) return;
    this.#say('Working \u2026');
    try {
      const { file, blob } = await kind.make({ trace, images, state, beside }, paint, this.root, () => this.view.state);
      const anchor = document.createElement('a');
      anchor.href = URL.createObjectURL(blob);
      anchor.download = file;
      anchor.click();
      setTimeout(() => URL.revokeObjectURL(anchor.href), 10_000);
      this.#say(`Saved ${file}.`);
    } catch (error) { this.#say(error instanceof Error ? error.message : String(error)); }
  }

  #stay() {
    this.#wanted = null;
    this.ask.hidden = true;
    this.updateHash();
  }

  /** Keep the hash at the view, unless a link still waits for its clip. */
  updateHash() {
    if (this.own && !this.#wanted && this.view.trace) history.replaceState(history.state, '', `#${this.hash()}`);
  }

  /**
   * The state in which a trace is opened: the view that comes with it; else what the link asks for if it is for this clip;
   * else the link waits.
   * @param {State} state
   * @param {Trace} trace
   * @param {string} id of the trace's pictures
   * @param {string} view
   */
  openingState(state, trace, id, view = '') {
    this.#id = id;
    const kept = decodeLink(view);
    if (kept) return withLink(state, trace, kept);
    if (!this.#wanted) return state;
    const { clip, id: asked, weights } = this.#wanted;
    if (asked ? asked !== id : clip && clip !== trace.clip.name) {
      const which = `${clip || 'another clip'}${asked ? ` (pictures ${asked})` : ''}`;
      box(this.ask, 'p').textContent = `This link shows ${which}, and here is ${trace.clip.name} (pictures ${id}). `
        + 'Open that clip, and the view follows.';
      this.ask.hidden = false;
      return state;
    }
    this.ask.hidden = true;
    const next = withLink(state, trace, this.#wanted);
    const others = weights && weights !== trace.checkpoint.sha256.slice(0, 8);
    this.#say([others ? 'The link was made with other weights, so the numbers differ.' : '',
      pinsLeftOut(this.#wanted.asked, next)].filter(Boolean).join(' '));
    this.#wanted = null;
    return next;
  }

  /** The page's hash is now another one. */
  #travel() {
    this.#read();
    const { trace, state } = this.view;
    if (trace) this.view.jump(this.openingState(state, trace, this.#id));
  }

  /**
   * The next state, with what the link locks as it was.
   * @param {State} state
   * @param {State} next
   * @param {Trace} trace
   */
  keepLocked(state, next, trace) { return keepLocked(state, next, this.#fixed.lock, trace); }

  close() { window.removeEventListener('hashchange', this.onHashChange); }
}

/**
 * The id of a trace's pictures.
 * @param {Trace} trace
 */
export async function identify(trace) {
  const buffers = await Promise.all(trace.pictures.map(picture => picture.arrayBuffer()));
  return contentId(buffers.map(buffer => new Uint8Array(buffer)));
}
