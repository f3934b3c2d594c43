// What keys, buttons, menus, mouse and touch can do, by name. Each ends in another state.
import { MARGIN, nextDensity, sameplace } from '../trace/geometry.mjs';
import { openPanel, withPanel } from './panel.mjs';
import { FULL, freeLetter, setPins } from './pins.mjs';
import {
  SETTINGS, withActive, withAnotherPin, withBlock, withCell, withPair, withPin, withSetting, withTap,
  withAgainst, withWhatIf, withoutLetter, withoutPin, withoutPins,
} from './state.mjs';
import { tourFits, withTour } from './tour.mjs';
import { whatIfAfter } from './whatif.mjs';
import { withCellSeen, withPan, withZoom, withZoomHere, withoutZoom } from './zoom.mjs';
/** @import { Block, Trace } from '../trace/types' */
/** @import { Lit, Settings, State } from './types' */

/**
 * What actions act on: the present `state`, `trace`, `tap` (the neighbour of the equation) and `width` of a picture.
 * @typedef {{
 *   readonly state: State, readonly trace: Trace, readonly tap: number, readonly width: number,
 *   set: (next: State) => void, play: (on: boolean) => void, light: (mark: Lit | null) => void, help: () => void,
 *   say: (words: string) => void, full: () => void, ask: (what: string) => void
 * }} Acted
 *
 * @typedef {ReturnType<typeof viewActions>} Actions
 */

const SPEEDS = [0.25, 0.5, 1, 2, 4];

/**
 * All actions. Cells are of frame t or, where `reverse`, of frame t + 1.
 * @param {Acted} viewer
 */
export function viewActions(viewer) {
  return {
    light: viewer.light, help: viewer.help,
    ...timeActions(viewer), ...cellActions(viewer), ...pinActions(viewer), ...settingActions(viewer), ...drawerActions(viewer),
    ...comparisons(viewer), ...tapActions(viewer), ...zoomActions(viewer), full: viewer.full, ask: viewer.ask,
    /** To a step of the tour, -1 out of it; without one, into it or out. Its clip is the host's to bring. */
    tour(/** @type {number | void} */ step) {
      const { state, trace } = viewer;
      if (step === undefined && !tourFits(trace)) viewer.ask('tour');
      else viewer.set(withTour(state, trace, step ?? (state.tour < 0 ? 0 : -1)));
    },
  };
}

/** @param {Acted} viewer */
function timeActions(viewer) {
  const { set } = viewer;
  /** Whoever goes to a step wants to stay there. */
  const goTo = (/** @type {number} */ pair) => set({ ...withPair(viewer.state, viewer.trace, pair), playing: false });
  const block = (/** @type {number} */ index) => set(withBlock(viewer.state, viewer.trace, index));
  return {
    goTo, block,
    previous: () => goTo(viewer.state.pair - 1),
    next: () => goTo(viewer.state.pair + 1),
    play: () => viewer.play(!viewer.state.playing),
    shallower: () => block(viewer.state.block - 1),
    deeper: () => block(viewer.state.block + 1),
    visit: (/** @type {number} */ index, /** @type {number} */ pair) =>
      set({ ...withPair(withBlock(viewer.state, viewer.trace, index), viewer.trace, pair), playing: false }),
  };
}

/** @param {Acted} viewer */
function cellActions(viewer) {
  const { set } = viewer;
  /** @type {{y: number, x: number, block: Block} | null} */
  let query = null; // from before the pointer came to frame t + 1
  const block = () => viewer.trace.blocks[viewer.state.block];
  const toCell = (/** @type {number} */ y, /** @type {number} */ x, /** @type {boolean} */ reverse) =>
    set(withCell(viewer.state, viewer.trace, y, x, reverse));
  return {
    turn: () => toCell(viewer.state.y, viewer.state.x, !viewer.state.reverse),
    hover(/** @type {number} */ y, /** @type {number} */ x, /** @type {boolean} */ reverse) {
      if (viewer.state.pinned) return;
      const { y: from, x: at, reverse: was } = viewer.state;
      if (reverse && !was) query = { y: from, x: at, block: block() };
      toCell(y, x, reverse);
    },
    /** The pointer leaves frame t + 1: unless a place there is pinned, back to the query from before. */
    leave() {
      const { reverse, pinned } = viewer.state;
      if (query && reverse && !pinned) toCell(...sameplace(query.y, query.x, query.block, block()), false);
      query = null;
    },
    /** Coming from the other picture, the first key only turns the question round. */
    move(/** @type {number} */ dy, /** @type {number} */ dx, /** @type {boolean} */ reverse) {
      const { y, x, reverse: was } = viewer.state;
      const [down, across] = was === reverse ? [dy, dx] : [0, 0];
      const { state, trace } = viewer;
      set(withCellSeen(withCell(state, trace, y + down, x + across, reverse), trace, MARGIN));
    },
  };
}

/** @param {Acted} viewer */
function pinActions(viewer) {
  const { set } = viewer;
  /** @type {State | null} */
  let escaped = null; // as the last Escape left it
  /**
   * Where no letter is free, words say so.
   * @param {State} next
   */
  const add = next => {
    if (next === viewer.state && freeLetter(next) < 0) viewer.say(FULL);
    set(next);
  };
  const pin = (/** @type {number} */ y, /** @type {number} */ x, reverse = false) =>
    add(withPin(viewer.state, viewer.trace, y, x, reverse));
  const tryAll = (/** @type {State[]} */ states) => {
    const before = viewer.state;
    for (const next of states) if (viewer.state === before) set(next); // a link may lock what one would change
  };
  return {
    pin,
    pinHere: (/** @type {boolean} */ reverse) => pin(viewer.state.y, viewer.state.x, reverse),
    /** One more pin where the query is; the arrow keys move it from there. */
    another: () => add(withAnotherPin(viewer.state, viewer.trace, viewer.state.y, viewer.state.x)),
    activate: (/** @type {number} */ index) => set(withActive(viewer.state, viewer.trace, index)),
    unpin: (/** @type {number | void} */ index) => set(index === undefined ? withoutPin(viewer.state, viewer.trace)
      : withoutLetter(viewer.state, viewer.trace, index)),
    /** Close what is open; else let the active pin go, and the next time all. */
    escape() {
      const { state, trace } = viewer;
      tryAll([
        ...(state.tour >= 0 ? [withTour(state, trace, -1)] : []),
        ...(state.drawer === 'none' ? [] : [withSetting(state, 'drawer', 'none')]),
        ...(state.panel === 'none' ? [] : [withPanel(state, 'none')]),
        ...(state.zoom === 1 ? [] : [withoutZoom(state)]),
        state === escaped && setPins(state, trace).length ? withoutPins(state) : withoutPin(state, trace),
      ]);
      escaped = viewer.state.pins === state.pins ? null : viewer.state;
    },
  };
}

/** @param {Acted} viewer */
function settingActions(viewer) {
  const { set } = viewer;
  const change = (/** @type {string} */ name, /** @type {unknown} */ value) =>
    set(withSetting(viewer.state, name, value));

  /**
   * A setting's value, as a menu gives it: text.
   * @param {keyof Settings} name
   * @param {string} text
   */
  function choose(name, text) {
    if (name === 'arrows') set({ ...viewer.state, quiver: text !== 'off' });
    /** @type {(string | number | boolean)[]} */
    const list = SETTINGS[name];
    change(name, list.find(value => String(value) === text));
    if (name === 'speed' && viewer.state.playing) viewer.play(true);
  }

  /**
   * The value some places further along a list; round and round where `round`.
   * @param {keyof Settings} name
   * @param {number} step
   * @param {(string | number | boolean)[]} list
   */
  function shift(name, step, list, round = false) {
    const at = list.indexOf(viewer.state[name]) + step;
    choose(name, String(list[round ? at % list.length : Math.max(0, Math.min(list.length - 1, at))]));
  }

  const density = (/** @type {number} */ step) => change('density',
    nextDensity(viewer.trace.blocks[viewer.state.block], viewer.width, viewer.state.density, step));
  return {
    choose, density,
    quiver: () => set({ ...viewer.state, quiver: !viewer.state.quiver }),
    arrows: () => shift('arrows', 1, SETTINGS.arrows, true),
    overlay: () => shift('overlay', 1, SETTINGS.overlay, true),
    more: () => density(1),
    fewer: () => density(-1),
    faster: () => shift('speed', 1, SPEEDS),
    slower: () => shift('speed', -1, SPEEDS),
    tint: () => change('tinted', !viewer.state.tinted),
  };
}

/** @param {Acted} viewer */
function drawerActions(viewer) {
  const drawer = (/** @type {string} */ name) =>
    viewer.set(withSetting(viewer.state, 'drawer', viewer.state.drawer === name ? 'none' : name));
  const panel = (/** @type {string} */ name) =>
    viewer.set(withPanel(viewer.state, openPanel(viewer.state) === name ? 'none' : name));
  return {
    drawer, panel,
    experiment: () => panel('experiment'),
    inside: () => panel('inside'),
    compare: () => panel('compare'),
    equation: () => drawer('equation'),
    neighbours: () => drawer('neighbours'),
    sheet: () => drawer('sheet'),
  };
}

/** @param {Acted} viewer */
function comparisons(viewer) {
  const { set } = viewer;
  const further = (/** @type {number} */ step) =>
    set(withWhatIf(viewer.state, viewer.trace, whatIfAfter(viewer.trace, viewer.state, step)));
  return {
    whatIf: (/** @type {string} */ name) =>
      set(withWhatIf(viewer.state, viewer.trace, name === viewer.state.whatIf ? '' : name)),
    against: (/** @type {string} */ name) => set(withAgainst(viewer.state, viewer.trace, name)),
    nextWhatIf: () => further(1),
    previousWhatIf: () => further(-1),
    flow: () => set({ ...viewer.state, flow: !viewer.state.flow && viewer.trace.true_flow.length > 0 }),
  };
}

/** @param {Acted} viewer */
function tapActions(viewer) {
  const keep = (/** @type {number} */ tap) => viewer.set(withTap(viewer.state, viewer.trace, tap));
  const taps = () => viewer.trace.blocks[viewer.state.block].taps;
  const step = (/** @type {number} */ by) => {
    const next = (viewer.tap + by) % taps();
    viewer.light(null); // what is pointed at gives way to what is chosen
    keep(next);
  };
  return {
    keep,
    nextTap: () => step(1),
    previousTap: () => step(taps() - 1),
  };
}

const CLOSER = 1.5; // times, by a key

/** @param {Acted} viewer */
function zoomActions(viewer) {
  const { set } = viewer;
  return {
    closer: () => set(withZoomHere(viewer.state, viewer.trace, CLOSER, MARGIN)),
    farther: () => set(withZoomHere(viewer.state, viewer.trace, 1 / CLOSER, MARGIN)),
    /** About a point of the picture, in shares of its side. */
    zoom: (/** @type {number} */ factor, /** @type {number} */ down, /** @type {number} */ across) =>
      set(withZoom(viewer.state, factor, down, across)),
    pan: (/** @type {number} */ down, /** @type {number} */ across) => set(withPan(viewer.state, down, across)),
    whole: () => set(withoutZoom(viewer.state)),
  };
}
