// The viewer: a trace, a state, one redraw per animation frame.
import viewerStyle from '../styles/viewer.css';
import shareStyle from '../styles/share.css';
import tourStyle from '../styles/tour.css';
import { Controls } from '../panels/controls.mjs';
import { box, part } from '../panels/html.mjs';
import { Pictures } from '../panels/pictures.mjs';
import { readersHtml } from '../panels/readers.mjs';
import { ReadOutPanel } from '../panels/readout.mjs';
import { SKELETON } from '../panels/skeleton.mjs';
import { TourPanel } from '../panels/tour.mjs';
import { TrustPanel } from '../panels/trust.mjs';
import { FurtherViews } from '../panels/views.mjs';
import { WhatIfRow } from '../panels/whatif.mjs';
import { weightScale } from '../marks/palette.mjs';
import { viewActions } from '../state/actions.mjs';
import { advanced, emptyState, withCell, withTrace } from '../state/state.mjs';
import { spoken, spokenReaders } from '../state/words.mjs';
import { readersOf } from '../trace/fields.mjs';
import { readout } from '../trace/geometry.mjs';
import { strongestTap } from '../trace/terms.mjs';
import { attentionTrack } from '../trace/tracks.mjs';
import { listen } from './inputs.mjs';
import { Share, identify } from './share.mjs';
import { decodePicture, fetchTrace } from './source.mjs';
import { followTheme } from './theme.mjs';
/** @import { Trace } from '../trace/types' */
/** @import { Lit, Shown, State } from '../state/types' */
/** @import { Source } from './source.mjs' */

/** What a host may set. @typedef {'block' | 'pair' | 'y' | 'x' | 'pinned'} Followed */

const STEP_TIME = 600; // ms per step while playing at speed 1
const QUIET_TIME = 200; // ms without a change before the host and the live region are told

/**
 * The root of a viewer in an element.
 * @param {HTMLElement} el
 */
function rootIn(el) {
  const root = document.createElement('section');
  root.className = 'sifa';
  root.tabIndex = -1;
  root.setAttribute('aria-label', 'SIFA explorer');
  root.innerHTML = `<style>${viewerStyle}${shareStyle}${tourStyle}</style>${SKELETON}`;
  el.replaceChildren(root);
  return root;
}

/** A viewer in an element. */
export class Viewer {
  /** @type {Trace | null} */
  #trace = null;
  /** @type {ImageBitmap[]} */
  #images = [];
  #state = emptyState();
  /** @type {Partial<State>} */
  #written = {}; // what the page says
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
   * @param {{changed?: (state: State) => void, theme?: string | null, linked?: boolean}} options `changed` is called once
   *   the state has come to rest
   */
  constructor(el, { changed = () => {}, theme, linked = false }) {
    const root = this.root = rootIn(el);
    this.changed = changed;
    this.live = box(root, '.sifa-live');
    this.readers = box(root, '.sifa-asked');
    const canvas = (/** @type {string} */ name) => part(root, `.sifa-${name} canvas`, HTMLCanvasElement);
    this.canvases = { query: canvas('query'), key: canvas('key'), close: canvas('close') };
    this.painter = new Pictures(this.canvases, () => { this.#written = {}; this.#redraw(); });
    this.controls = new Controls(root);
    this.readOut = new ReadOutPanel(box(root, '.sifa-read'), box(root, '.sifa-scale'));
    this.whatIf = new WhatIfRow(root);
    this.trust = new TrustPanel(root);
    this.tour = new TourPanel(root);
    this.share = new Share(root, linked, this.#shared());
    this.views = new FurtherViews(root, this.painter);
    this.actions = viewActions(this.#acted());
    this.#listen();
    this.unfollow = followTheme(dark => root.classList.toggle('sifa-dark', dark), theme);
    this.#expose();
  }

  /** What actions act on. */
  #acted() {
    const viewer = this;
    return {
      get state() { return viewer.#state; },
      get trace() { return viewer.#present(); },
      get tap() { return viewer.#shownOf(viewer.#present(), viewer.#state).tap; },
      get width() { return viewer.painter.width; },
      set: (/** @type {State} */ next) => this.#set(next),
      play: (/** @type {boolean} */ on) => this.#play(on),
      light: (/** @type {Lit | null} */ mark) => this.#light(mark),
      help: () => this.#help(),
    };
  }

  /** What is shared and exported. */
  #shared() {
    const viewer = this;
    return {
      get trace() { return viewer.#trace; },
      get images() { return viewer.#images; },
      get state() { return viewer.#state; },
      jump: (/** @type {State} */ next) => this.#jump(next),
      open: (/** @type {ArrayBuffer} */ bytes) => { this.show(bytes); },
      paint: (/** @type {State} */ other, /** @type {number | undefined} */ ratio) =>
        this.painter.draw(this.#shownOf(this.#present(), other), ratio),
    };
  }

  #listen() {
    const { painter, canvases } = this;
    listen(this.root, this.actions, {
      canvases, busy: () => !this.#trace, tour: () => this.#state.tour,
      cellAt: (canvas, event) => painter.cellAt(this.#present().blocks[this.#state.block], canvas, event),
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
    const next = this.#trace ? this.share.held(state, wanted, this.#trace) : wanted;
    const fields = /** @type {(keyof State)[]} */ (Object.keys(next));
    if (!fields.every(key => next[key] === state[key])) this.#jump(next);
  }

  /**
   * All that a state shows of the trace.
   * @param {Trace} trace
   * @param {State} state
   * @returns {Shown}
   */
  #shownOf(trace, state) {
    const { pair, y, x, reverse, overlay, drawer } = state;
    const block = trace.blocks[state.block];
    const read = readout(block, pair, y, x);
    const tracked = !reverse && overlay === 'track';
    const vectors = this.painter.field(trace, state);
    const cell = 2 * (y * block.width + x);
    const lit = drawer === 'equation' && !reverse ? this.#lit : null;
    const tap = lit?.tap ?? state.tap;
    return {
      trace, images: this.#images, state, read, readers: reverse ? readersOf(block, pair, y, x) : null,
      track: tracked ? attentionTrack(block, pair, y, x) : null,
      rigid: tracked ? attentionTrack(block, pair, y, x, true) : null,
      tap: tap < 0 ? strongestTap(read) : tap, lit: lit?.term ?? '', arrow: [vectors[cell], vectors[cell + 1]],
    };
  }

  #draw() {
    this.#pending = false;
    if (!this.#trace || this.#closed) return;
    const shown = this.#drawn = this.#shownOf(this.#trace, this.#state);
    this.painter.draw(shown);
    this.#writeChanges(shown);
    this.#writePanels(shown);
    const node = this.root.getRootNode();
    const focused = node instanceof Document || node instanceof ShadowRoot ? node.activeElement : null;
    const lost = focused && this.root.contains(focused) && focused.closest('[hidden]');
    if (lost) this.root.focus({ preventScroll: true }); // else keys do nothing
    this.controls.writeCaption(shown);
    this.#written = shown.state;
    this.root.getBoundingClientRect(); // has the page laid out now, while the next frame is waited for, and not within it
    clearTimeout(this.#resting);
    this.#resting = window.setTimeout(() => this.#rest(shown), QUIET_TIME);
  }

  /**
   * What is written only where it differs from what the page says.
   * @param {Shown} shown
   */
  #writeChanges(shown) {
    const { trace, state } = shown;
    const written = this.#written;
    if (written.block !== state.block || written.pair !== state.pair || written.density !== state.density
      || written.arrows !== state.arrows) this.controls.writePair(shown, this.painter.width);
    if (written.playing !== state.playing) {
      if (!state.playing) clearInterval(this.#player);
      this.controls.writePlaying(state.playing);
    }
    if (written.reverse !== state.reverse) {
      this.controls.writeReverse(state.reverse);
      this.controls.writeClose(trace.blocks[state.block], state.reverse);
    }
  }

  /** @param {Shown} shown */
  #writePanels(shown) {
    const { trace, state, read, readers } = shown;
    const block = trace.blocks[state.block];
    const chosen = state.drawer === 'equation' ? shown.tap : -1;
    if (readers) this.readers.innerHTML = readersHtml(readers, state);
    else this.readOut.write(read, block, weightScale(block, state.pair), state.pinned, chosen);
    this.views.write(shown);
    this.whatIf.write(trace, state, read);
    this.trust.write(trace, state.block);
    this.tour.write(shown);
  }

  /**
   * The state has come to rest.
   * @param {Shown} shown
   */
  #rest({ trace, state, read, readers }) {
    this.live.textContent = readers ? spokenReaders(readers, state) : spoken(read, trace, state);
    this.changed(this.#state);
    this.share.settled();
  }

  /** @param {boolean} on */
  #play(on) {
    clearInterval(this.#player);
    this.#player = on ? window.setInterval(() => this.#set(advanced(this.#state, this.#present())),
      STEP_TIME / this.#state.speed) : 0;
    this.#set({ ...this.#state, playing: on });
  }

  /** @param {Lit | null} mark */
  #light(mark) {
    if (mark?.term === this.#lit?.term && mark?.tap === this.#lit?.tap) return;
    this.#lit = mark;
    if (this.#state.drawer === 'equation') this.#redraw();
  }

  #help() {
    const help = part(this.root, '.sifa-help', HTMLDialogElement);
    if (help.open) return help.close();
    help.showModal();
    box(help, 'h2').focus();
  }

  /**
   * Follow a host that sets a field of the state.
   * @param {Followed} key
   * @param {unknown} value
   */
  follow(key, value) {
    const state = this.#state;
    if (value === undefined || value === null || value === state[key]) return;
    if (key === 'pinned') this.#set({ ...state, pinned: Boolean(value) });
    else if (key === 'pair') this.actions.goTo(Number(value));
    else if (key === 'block') this.actions.block(Number(value));
    else {
      const [y, x] = key === 'y' ? [Number(value), state.x] : [state.y, Number(value)];
      this.#set(withCell(state, this.#present(), y, x));
    }
  }

  /**
   * Show a trace. Where it cannot be read, a sentence says why and the earlier one stays in place.
   * @param {Source} source
   */
  async show(source) {
    const mine = ++this.#shows;
    try {
      const next = await fetchTrace(source);
      if (next.blocks.some(b => b.pairs < 1)) {
        throw new Error('This clip has one time step, so there is no next frame to look at.');
      }
      const images = await Promise.all(next.pictures.map(decodePicture));
      const id = await identify(next);
      if (mine === this.#shows) this.#showDecoded(next, images, id);
      else images.forEach(image => image.close());
    } catch (error) {
      if (mine !== this.#shows) return;
      box(this.root, '.sifa-error').textContent = error instanceof Error ? error.message : String(error);
      box(this.root, '.sifa-error').hidden = false;
    }
  }

  /**
   * @param {Trace} next
   * @param {ImageBitmap[]} images
   * @param {string} id
   */
  #showDecoded(next, images, id) {
    this.controls.writeTrace(next);
    this.#play(false);
    this.painter.forget();
    this.#images.forEach(image => image.close());
    const before = this.#trace;
    this.#trace = next.blocks.length ? next : null;
    this.#images = images;
    this.#written = {};
    if (!this.#trace) return; // a model without SIFA blocks: its answer is all there is
    this.#jump(this.share.opened(withTrace(this.#state, next, before), next, id));
  }

  close() {
    clearInterval(this.#player);
    clearTimeout(this.#resting);
    cancelAnimationFrame(this.#frame);
    this.#closed = true;
    this.unfollow();
    this.share.close();
    this.painter.close();
    this.#images.forEach(image => image.close());
    this.root.remove();
  }
}
