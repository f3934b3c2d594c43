// The viewer: a trace, a state, one redraw per animation frame.
import { part } from '../panels/html.mjs';
import { Panels } from '../panels/panels.mjs';
import { Pictures } from '../panels/pictures.mjs';
import { viewActions } from '../state/actions.mjs';
import { shownOf } from '../state/shown.mjs';
import { followed } from '../state/follow.mjs';
import { comparing, withPanel } from '../state/panel.mjs';
import { pinsByLetter, sameClip } from '../state/pins.mjs';
import { emptyState, framesEach, withAgainst, withNextFrame, withTrace } from '../state/state.mjs';
import { readout } from '../trace/geometry.mjs';
import { Comparison } from './compare.mjs';
import { fitPictures } from './fit.mjs';
import { toggleFull } from './full.mjs';
import { listen } from './inputs.mjs';
import { complain, focusedIn, rootIn, toggleHelp } from './root.mjs';
import { Share, identify } from './share.mjs';
import { decodeTrace, fetchBytes, viewOf } from './source.mjs';
import { followTheme } from './theme.mjs';
import { tell } from './told.mjs';
/** @import { Trace } from '../trace/types' */
/** @import { Lit, Shown, State } from '../state/types' */
/** @import { Followed } from '../state/follow.mjs' */
/** @import { Offer } from '../panels/compare.mjs' */
/** @import { Source } from './source.mjs' */

const STEP_TIME = 600; // ms per step while playing at speed 1
const QUIET_TIME = 200; // ms without a change before the host and the live region are told

/** A viewer in an element. */
export class Viewer {
  /** @type {Trace | null} */
  #trace = null;
  /** @type {ImageBitmap[]} */
  #images = [];
  #state = emptyState();
  /** @type {Lit | null} */
  #lit = null;
  /** @type {Shown | null} */
  #drawn = null;
  #pending = false;
  #frame = 0;
  #closed = false;
  #resting = 0;
  #player = 0;
  #shows = 0;

  /**
   * @param {HTMLElement} el
   * @param {{changed?: (state: State, pins: ReturnType<typeof pinsByLetter>) => void, theme?: string | null,
   *   linked?: boolean, asks?: boolean, offers?: () => Offer[]}} options `changed` is called once the state has come to rest;
   *   `asks`: the host answers the event `sifa-asks`; `offers`: what else it has to compare with
   */
  constructor(el, { changed = () => {}, theme, linked = false, asks = false, offers = () => [] }) {
    const root = this.root = rootIn(el, asks);
    this.changed = changed;
    const canvas = (/** @type {string} */ name) => part(root, `.sifa-${name} canvas`, HTMLCanvasElement);
    this.canvases = { query: canvas('query'), key: canvas('key'), close: canvas('close') };
    this.painter = new Pictures(this.canvases, () => { this.panels.forget(); this.#redraw(); });
    this.panels = new Panels(root, this.painter);
    this.compare = new Comparison(root, this.#compared(offers));
    this.share = new Share(root, linked, this.#shared());
    this.unfit = fitPictures(root, this.share.own);
    this.actions = viewActions(this.#acted());
    this.#listen();
    this.unfollow = followTheme(dark => root.classList.toggle('sifa-dark', dark), theme);
    this.#expose();
  }

  /** What actions act on. */
  #acted() {
    const viewer = this;
    const { root } = this;
    return {
      get state() { return viewer.#state; },
      get trace() { return viewer.#present(); },
      get tap() { return viewer.#shownOf(viewer.#present(), viewer.#state).tap; },
      get width() { return viewer.painter.width * viewer.#state.zoom; },
      set: (/** @type {State} */ next) => this.#set(next),
      play: (/** @type {boolean} */ on) => this.#play(on),
      light: (/** @type {Lit | null} */ mark) => this.#light(mark),
      help: () => toggleHelp(root),
      say: (/** @type {string} */ words) => this.panels.pins.say(words),
      full: () => toggleFull(this.root, words => this.panels.pins.say(words)),
      ask: (/** @type {string} */ what) => {
        if (root.dataset.asks) root.dispatchEvent(new CustomEvent('sifa-asks', { bubbles: true, detail: what }));
      },
    };
  }

  /** What is shared and exported. */
  #shared() {
    const viewer = this;
    return {
      get trace() { return viewer.#trace; },
      get images() { return viewer.#images; },
      get state() { return viewer.#state; },
      get linkable() { return viewer.compare.linkable || !comparing(viewer.#state); },
      get beside() { return viewer.compare.caption; },
      jump: (/** @type {State} */ next) => this.#jump(next),
      open: (/** @type {ArrayBuffer} */ bytes) => { this.show(bytes); },
      paint: (/** @type {State} */ other, /** @type {number | undefined} */ ratio) => {
        this.painter.draw(this.#shownOf(this.#present(), other), ratio);
        if (comparing(other)) this.compare.paint(this.#present(), this.#images, other, ratio);
      },
    };
  }

  /**
   * What is compared with.
   * @param {() => Offer[]} offers
   */
  #compared(offers) {
    const viewer = this;
    return {
      offers,
      get trace() { return viewer.#trace; },
      get state() { return viewer.#state; },
      redraw: () => this.#redraw(),
      hide: () => { if (comparing(this.#state)) this.#set(withPanel(this.#state, 'none')); },
      show: (/** @type {string} */ against) => {
        if (this.#trace) this.#set(withPanel(withAgainst(this.#state, this.#trace, against), 'compare'));
      },
    };
  }

  #listen() {
    const { painter, canvases, compare: { canvases: other } } = this;
    listen(this.root, this.actions, {
      canvases, pictures: [canvases.query, canvases.key, other.query, other.key],
      keys: [canvases.key, other.key], busy: () => !this.#trace, reversed: () => this.#state.reverse,
      tour: () => this.#state.tour, zoom: () => this.#state.zoom,
      cellAt: (canvas, event) => painter.cellAt(this.#present().blocks[this.#state.block], this.#state, canvas, event),
      markUnder: (canvas, event) => {
        const { reverse, pinned } = this.#state;
        if (!this.#trace || !this.#drawn || reverse || (canvas !== canvases.close && !pinned)) return null;
        return painter.markUnder(this.#drawn, canvas, event);
      },
    });
  }

  /** For tests and scripts: whether a trace is shown, the state, and the read-out of any cell. */
  #expose() {
    const viewer = this;
    Object.assign(this.root, {
      sifa: {
        get ready() { return viewer.#trace !== null; },
        get state() { return viewer.#state; },
        readout: (/** @type {number} */ index, /** @type {number} */ pair, /** @type {number} */ y, /** @type {number} */ x) =>
          readout(this.#present().blocks[index], pair, y, x),
      },
    });
  }

  /** The trace, where there must be one. */
  #present() {
    if (!this.#trace) throw new Error('No trace is shown.');
    return this.#trace;
  }

  get ready() { return this.#trace !== null; }

  /** Draw at once, so that the next frame has it, but once a frame. */
  #redraw() {
    if (this.#frame) this.#pending = true;
    else {
      queueMicrotask(() => this.#draw());
      this.#frame = requestAnimationFrame(() => { this.#frame = 0; if (this.#pending) this.#redraw(); });
    }
  }

  /** @param {State} next */
  #jump(next) {
    this.#state = next;
    this.#redraw();
  }

  /** @param {State} wanted */
  #set(wanted) {
    const state = this.#state;
    const next = this.#trace ? this.share.keepLocked(state, wanted, this.#trace) : wanted;
    const fields = /** @type {(keyof State)[]} */ (Object.keys(next));
    if (!fields.every(key => next[key] === state[key])) this.#jump(next);
  }

  /**
   * All that a state shows of the trace.
   * @param {Trace} trace
   * @param {State} state
   */
  #shownOf(trace, state) {
    const compared = comparing(state);
    const seen = compared ? { ...state, whatIf: '' } : state; // side by side, none lies over the other
    const known = compared ? this.compare.informed(trace) : trace;
    return shownOf(known, this.#images, seen, this.#lit, this.painter.field(trace, seen));
  }

  #draw() {
    this.#pending = false;
    if (!this.#trace || this.#closed) return;
    const shown = this.#drawn = this.#shownOf(this.#trace, this.#state);
    this.painter.draw(shown);
    if (!this.#state.playing) clearInterval(this.#player);
    const held = focusedIn(this.root);
    this.panels.write(shown);
    this.compare.write(shown, comparing(this.#state));
    const holds = focusedIn(this.root);
    if (held && (!holds || holds.closest('[hidden]'))) this.root.focus({ preventScroll: true }); // else keys do nothing
    this.root.getBoundingClientRect(); // has the page laid out now, while the next frame is waited for, and not within it
    clearTimeout(this.#resting);
    this.#resting = window.setTimeout(() => {
      this.changed(this.#state, pinsByLetter(this.#state, shown.trace));
      if (this.#state.playing) return; // a step is no rest
      this.panels.speak(shown, this.compare.speech);
      this.share.updateHash();
    }, QUIET_TIME);
  }

  /** @param {boolean} on */
  #play(on) {
    clearInterval(this.#player);
    const { block, speed } = this.#state;
    this.#player = on ? window.setInterval(() => this.#set(withNextFrame(this.#state, this.#present())),
      STEP_TIME / speed / framesEach(this.#present(), block)) : 0;
    this.#set({ ...this.#state, playing: on, beat: 0 });
  }

  /** @param {Lit | null} mark */
  #light(mark) {
    if (mark?.term === this.#lit?.term && mark?.tap === this.#lit?.tap) return;
    this.#lit = mark;
    if (this.#trace && !this.#state.reverse) this.#redraw();
  }

  /**
   * Follow a host that sets a field of the state.
   * @param {Followed} key
   * @param {unknown} value
   */
  follow(key, value) {
    this.#set(followed(this.#state, this.#present(), key, value));
  }

  /**
   * Show a trace. Where it cannot be read, a sentence says why and the earlier one stays in place.
   * @param {Source} source
   */
  async show(source) {
    const mine = ++this.#shows;
    try {
      const bytes = await fetchBytes(source);
      const { trace: next, images } = await decodeTrace(bytes);
      const id = await identify(next);
      if (mine !== this.#shows) return images.forEach(image => image.close());
      const left = this.#trace ? this.share.hash() : '';
      this.#showDecoded(next, images, id, viewOf(source));
      this.share.name(next);
      tell(this.root, next, { source, bytes, left, id });
    } catch (error) {
      if (mine === this.#shows) complain(this.root, error);
    }
  }

  /**
   * @param {Trace} next
   * @param {ImageBitmap[]} images
   * @param {string} id
   * @param {string} view in which it opens
   */
  #showDecoded(next, images, id, view) {
    this.panels.writeTrace(next);
    this.#play(false);
    this.painter.forget();
    const before = this.#trace;
    if (!before || !this.compare.keeps(before, this.#images, next)) this.#images.forEach(image => image.close());
    this.#trace = next.blocks.length ? next : null;
    this.#images = images;
    this.panels.forget();
    if (!this.#trace) return; // a model without SIFA blocks: its answer is all there is
    const plain = withTrace(this.#state, next, before);
    const opened = this.share.openingState(plain, next, id, view);
    this.#jump(opened);
    const fresh = opened === plain && !(before && sameClip(before, next)); // no link says how it is looked at
    if (fresh && this.share.own && !matchMedia('(prefers-reduced-motion: reduce)').matches) this.#play(true);
  }

  close() {
    clearInterval(this.#player);
    clearTimeout(this.#resting);
    cancelAnimationFrame(this.#frame);
    this.#closed = true;
    this.unfollow();
    this.unfit();
    this.share.close();
    this.compare.close();
    this.painter.close();
    this.#images.forEach(image => image.close());
    this.root.remove();
  }
}
