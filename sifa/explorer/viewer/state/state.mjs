// What is shown, as plain data, and how it changes. Pure functions: each takes a state and gives the next one.
import { displacementField, liveliestCell, sameplace } from '../trace/geometry.mjs';
/** @import { Trace } from '../trace/types' */
/** @import { Settings, State } from './types' */

/**
 * The values that each setting of the view may have, the first at the start.
 * @type {{[name in keyof Settings]: Settings[name][]}}
 */
export const SETTINGS = {
  arrows: ['displacement', 'offset', 'strongest'],
  density: ['medium', 'dense', 'sparse'],
  tinted: [false, true], // arrows coloured by direction
  overlay: ['none', 'saliency', 'difference', 'track'],
  drawer: ['none', 'equation', 'neighbours', 'sheet'],
  measure: ['offset', 'entropy', 'outside'], // of the contact sheet
  speed: [1, 0.25, 0.5, 2, 4],
};

/**
 * The whole number of [0, end) that is nearest to a value, which may be anything.
 * @param {number} value
 * @param {number} end
 */
const within = (value, end) => Math.max(0, Math.min(end - 1, Math.trunc(value) || 0));

/** @returns {State} before any trace */
export function emptyState() {
  const first = Object.fromEntries(Object.entries(SETTINGS).map(([name, [value]]) => [name, value]));
  return {
    block: 0, pair: -1, y: -1, x: -1, pinned: false, reverse: false, tap: -1, quiver: true, playing: false, whatIf: '',
    flow: false, tour: -1, .../** @type {Settings} */ (/** @type {unknown} */ (first)),
  };
}

/**
 * The same view of another trace where it still makes sense; a first trace opens on the block that it names, in the
 * middle, where most moves.
 * @param {State} state
 * @param {Trace} trace
 * @param {Trace | null} before
 * @returns {State}
 */
export function withTrace(state, trace, before) {
  const block = within(before ? state.block : trace.opens_on ?? 0, trace.blocks.length);
  const next = trace.blocks[block];
  const pair = state.pair < 0 ? (next.pairs - 1) >> 1 : within(state.pair, next.pairs);
  const [y, x] = before && state.y >= 0 ? sameplace(state.y, state.x, before.blocks[state.block], next)
    : liveliestCell(next, displacementField(next, pair));
  const settings = withWhatIf(withKnownSettings(state), trace, state.whatIf);
  return withTap({ ...settings, block, pair, y, x, playing: false, tour: before === trace ? state.tour : -1 }, trace, state.tap);
}

/**
 * Compare with another what-if, or with none where the trace does not hold it.
 * @param {State} state
 * @param {Trace} trace
 * @param {string} name
 * @returns {State}
 */
export function withWhatIf(state, trace, name) {
  return { ...state, whatIf: trace.what_if.some(each => each.name === name) ? name : '' };
}

/**
 * A state whose settings, wherever they came from, are among those that there are.
 * @param {State} state
 * @returns {State}
 */
function withKnownSettings(state) {
  const values = Object.entries(SETTINGS).map(([name, list]) => {
    const value = state[/** @type {keyof Settings} */ (name)];
    return [name, list.some(each => each === value) ? value : list[0]];
  });
  return { ...state, ...Object.fromEntries(values) };
}

/**
 * @param {State} state
 * @param {Trace} trace
 * @param {number} pair
 * @returns {State}
 */
export function withPair(state, trace, pair) {
  return { ...state, pair: within(pair, trace.blocks[state.block].pairs) };
}

/**
 * Another block; time and place in the picture stay.
 * @param {State} state
 * @param {Trace} trace
 * @param {number} index
 * @returns {State}
 */
export function withBlock(state, trace, index) {
  const block = within(index, trace.blocks.length);
  const [from, to] = [trace.blocks[state.block], trace.blocks[block]];
  const [y, x] = sameplace(state.y, state.x, from, to);
  return withTap({ ...state, block, pair: within(state.pair, to.pairs), y, x }, trace, state.tap);
}

/**
 * Ask from a query cell or, `reverse`, who reads a cell of the next frame.
 * @param {State} state
 * @param {Trace} trace
 * @param {number} y
 * @param {number} x
 * @returns {State}
 */
export function withCell(state, trace, y, x, reverse = state.reverse) {
  const block = trace.blocks[state.block];
  return { ...state, y: within(y, block.height), x: within(x, block.width), reverse };
}

/**
 * Pin a cell; the pinned cell itself is let go.
 * @param {State} state
 * @param {Trace} trace
 * @param {number} y
 * @param {number} x
 * @returns {State}
 */
export function withPin(state, trace, y, x, reverse = state.reverse) {
  const again = state.pinned && state.y === y && state.x === x && state.reverse === reverse;
  return { ...withCell(state, trace, y, x, reverse), pinned: !again };
}

/**
 * Let a pinned cell go; the next time, return from the reverse question.
 * @param {State} state
 * @returns {State}
 */
export function withoutPin(state) {
  return state.pinned ? { ...state, pinned: false } : { ...state, reverse: false };
}

/**
 * The neighbour whose equation is shown; -1, and any that the block lacks, the strongest.
 * @param {State} state
 * @param {Trace} trace
 * @param {number} tap
 * @returns {State}
 */
export function withTap(state, trace, tap) {
  const there = Number.isInteger(tap) && tap >= 0 && tap < trace.blocks[state.block].taps;
  return { ...state, tap: there ? tap : -1 };
}

/**
 * Another value of a setting; one that it cannot have changes nothing.
 * @param {State} state
 * @param {string} name
 * @param {unknown} value
 * @returns {State}
 */
export function withSetting(state, name, value) {
  const list = Object.hasOwn(SETTINGS, name) ? SETTINGS[/** @type {keyof Settings} */ (name)] : [];
  return list.some(each => each === value) ? { ...state, [name]: value } : state;
}

/**
 * One step of playing; after the last pair comes the first.
 * @param {State} state
 * @param {Trace} trace
 * @returns {State}
 */
export function withNextPair(state, trace) {
  return { ...state, pair: (state.pair + 1) % trace.blocks[state.block].pairs };
}
