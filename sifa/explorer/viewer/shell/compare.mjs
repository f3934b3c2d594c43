// Compare: the second trace, wherever it comes from, and its pictures beside those of the first.
import { ComparePanel } from '../panels/compare.mjs';
import { box, part } from '../panels/html.mjs';
import { Pictures } from '../panels/pictures.mjs';
import { besideOf, withTruth } from '../state/compare.mjs';
import { shownOf } from '../state/shown.mjs';
import { besideSpeech } from '../state/words.mjs';
import { complain } from './root.mjs';
import { decodeTrace, fetchBytes } from './source.mjs';
/** @import { Trace } from '../trace/types' */
/** @import { Beside, Second, Shown, State } from '../state/types' */
/** @import { Offer } from '../panels/compare.mjs' */
/** @import { Source } from './source.mjs' */

/**
 * What it needs of the viewer: `show` opens Compare, with a what-if or, '', with the second trace, and
 * `hide` closes it; `offers` are the host's.
 * @typedef {{
 *   readonly state: State, readonly trace: Trace | null, show: (against: string) => void, hide: () => void, redraw: () => void,
 *   offers: () => Offer[]
 * }} Compared
 */

/** Compare in a root. */
export class Comparison {
  /** @type {Second | null} */
  #second = null;
  /** @type {Beside | null} */
  #beside = null;
  /** @type {Shown | null} */
  #other = null;
  /** @type {Offer[]} */
  #offers = [];
  /** @type {Trace | null} */
  #asked = null; // the offers are for this trace
  /** @type {{of: Trace, trace: Trace} | null} */
  #known = null; // what is shown, and the same with what the second trace knows of it
  #waits = false; // what is shown now becomes the second trace once the next one of its clip is there
  #loads = 0;
  #open = false;

  /**
   * @param {HTMLElement} root
   * @param {Compared} viewer
   */
  constructor(root, viewer) {
    this.root = root;
    this.viewer = viewer;
    const canvas = (/** @type {string} */ name) => part(root, `.sifa-${name} canvas`, HTMLCanvasElement);
    this.canvases = { query: canvas('query-b'), key: canvas('key-b') };
    this.painter = new Pictures(this.canvases, viewer.redraw);
    this.panel = new ComparePanel(root);
    this.#listen();
  }

  #listen() {
    const { list } = this.panel;
    list.addEventListener('change', () => this.#choose(list.value));
    const file = part(this.root, '.sifa-file input', HTMLInputElement);
    file.addEventListener('change', () => {
      if (file.files?.length) this.#take(file.files[0]);
      file.value = ''; // so that the same file can be chosen again
    });
    for (const name of /** @type {const} */ (['dragover', 'drop'])) {
      this.root.addEventListener(name, event => {
        if (!this.#open || !event.dataTransfer?.types.includes('Files')) return;
        event.preventDefault();
        if (name === 'drop' && event.dataTransfer.files.length) this.#take(event.dataTransfer.files[0]);
      });
    }
  }

  /** @param {File} file */
  async #take(file) { await this.load(await file.arrayBuffer().catch(() => new ArrayBuffer(0)), false); }

  /** @param {string} value of an option */
  #choose(value) {
    const [kind, name] = [value.slice(0, value.indexOf(':')), value.slice(value.indexOf(':') + 1)];
    if (kind === 'what') return this.viewer.show(name);
    const offer = kind === 'offer' ? this.#offers[Number(name)] : null;
    if (!offer) return this.viewer.show('');
    if (offer.url) return this.load({ url: offer.url }, false);
    this.#waits = true;
    this.root.dispatchEvent(new CustomEvent('sifa-asks', { bubbles: true, detail: `run:${offer.title}` }));
  }

  /**
   * Compare with a trace. Where it cannot be read, a sentence says why, and all stays as it was.
   * @param {Source} source
   * @param {boolean} lasting whether it comes with the page
   * @param {boolean} open whether Compare opens for it
   */
  async load(source, lasting, open = true) {
    const mine = ++this.#loads;
    try {
      const decoded = await decodeTrace(await fetchBytes(source));
      if (mine !== this.#loads) return decoded.images.forEach(image => image.close());
      box(this.root, '.sifa-error').hidden = true;
      this.#set({ ...decoded, lasting });
      if (open) this.viewer.show('');
    } catch (error) {
      if (mine === this.#loads) complain(this.root, error);
    }
  }

  /** No second trace any more; Compare closes where it showed that. */
  drop() {
    this.#loads++;
    if (this.#second && this.#beside?.of === this.#second) this.viewer.hide();
    this.#set(null);
  }

  /** @param {Second | null} second */
  #set(second) {
    this.#second?.images.forEach(image => image.close());
    this.#second = second;
    this.#asked = this.#known = null;
    this.viewer.redraw();
  }

  /**
   * Another trace is shown in place of one: whether that one is kept as the second.
   * @param {Trace} before
   * @param {ImageBitmap[]} images
   * @param {Trace} next
   */
  keeps(before, images, next) {
    const keeps = this.#waits && next.blocks.length > 0 && next.clip.name === before.clip.name;
    this.#waits = false;
    if (keeps) {
      this.#loads++;
      this.#set({ trace: before, images, lasting: false });
    }
    return keeps;
  }

  /** Whether a link hides the answer, and with it what names may say of it. */
  get #unnamed() { return this.root.classList.contains('sifa-unanswered'); }

  /**
   * A trace with what the second one knows of its clip; the same object each time.
   * @param {Trace} trace
   */
  informed(trace) {
    if (!this.#second) return trace;
    if (this.#known?.of !== trace) this.#known = { of: trace, trace: withTruth(trace, this.#second.trace) };
    return this.#known.trace;
  }

  /** Whether a link can bring back what is compared. */
  get linkable() { return !this.#second || this.#second.lasting || this.#beside?.of !== this.#second; }

  /** What the caption of an export says of it. */
  get caption() {
    if (!this.#beside) return '';
    const [name, other] = this.#beside.names;
    return `Side by side, at the same place: ${name}; ${other}. `;
  }

  /** What the live region says of it. */
  get speech() { return this.#other && this.#beside ? besideSpeech(this.#beside.names[1], this.#other) : ''; }

  /**
   * Paint the other run's pictures for a state; what is shown of it, or null where it has no points.
   * @param {Trace} trace
   * @param {ImageBitmap[]} images
   * @param {State} state
   * @param {number} [ratio]
   */
  paint(trace, images, state, ratio) {
    const beside = besideOf(trace, images, state, this.#second, this.#unnamed);
    if (beside?.of !== this.#beside?.of || this.#asked !== trace) this.painter.forget();
    this.#beside = beside;
    if (!beside || beside.plain) {
      if (beside) this.painter.drawFrames(beside, ratio);
      return null;
    }
    const { trace: other, images: pictures, state: there } = beside;
    const shown = shownOf(other, pictures, there, null, this.painter.field(other, there));
    this.painter.draw(shown, ratio);
    return shown;
  }

  /**
   * Draw and write what is beside a run; while Compare is closed, nothing is worked out.
   * @param {Shown} shown
   * @param {boolean} open
   */
  write(shown, open) {
    if (!open) {
      if (this.#open) this.#close();
      return;
    }
    this.#other = this.paint(shown.trace, shown.images, shown.state);
    if (!this.#open || this.#asked !== shown.trace) this.#offers = this.#unnamed ? [] : this.viewer.offers();
    [this.#open, this.#asked] = [true, shown.trace];
    this.panel.write(shown, this.#beside, this.#other, { second: this.#second, offers: this.#offers });
  }

  #close() {
    this.#open = false;
    this.#beside = this.#other = null;
    this.painter.forget();
    this.panel.close();
  }

  close() {
    this.drop();
    this.painter.close();
  }
}
