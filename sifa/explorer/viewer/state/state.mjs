// What is shown, as plain data, and how it changes. Pure functions: each takes a state and gives the next one.
import { displacementField, liveliestCell, sameplace } from '../trace/geometry.mjs';
import { LETTERS, activePin, freeLetter, movedPins, pinCell, sameClip, setPins, withLetter } from './pins.mjs';
import { withKnownZoom, withoutZoom } from './zoom.mjs';
/** @import { Trace } from '../trace/types' */
/** @import { Pin, Settings, State } from './types' */

/**
 * The values that each setting of the view may have, the first at the start.
 * @type {{[name in keyof Settings]: Settings[name][]}}
 */
export const SETTINGS = {
  arrows: ['displacement', 'offset', 'strongest'],
  density: ['medium', 'dense', 'sparse'],
  tinted: [false, true], // arrows coloured by direction
  overlay: ['none', 'saliency', 'difference', 'track'],
  drawer: ['none', 'equation', 'neighbours', 'sheet'], // what Inside shows besides
  panel: ['none', 'experiment', 'inside', 'compare'], // which drawer is open beside the pictures
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
    block: 0, pair: -1, y: -1, x: -1, pinned: false, pins: [], active: 0, reverse: false, tap: -1, quiver: true,
    playing: false, beat: 0, led: false, whatIf: '', against: '', flow: false, tour: -1, zoom: 1, midY: 0.5, midX: 0.5,
    .../** @type {Settings} */ (/** @type {unknown} */ (first)),
  };
}

/**
 * The same view of another trace where it still makes sense. Pinned places stay where they are; without any, another clip
 * opens in the middle, where most moves, and without a what-if. A first trace opens on the block that it names.
 * @param {State} state
 * @param {Trace} trace
 * @param {Trace | null} before
 * @returns {State}
 */
export function withTrace(state, trace, before) {
  const block = within(before ? state.block : trace.opens_on ?? 0, trace.blocks.length);
  const next = trace.blocks[block];
  const same = before === trace;
  const known = before && (same || sameClip(before, trace)); // maybe by other weights
  const pair = state.pair >= 0 && known ? within(state.pair, next.pairs) : (next.pairs - 1) >> 1;
  const stays = before && state.y >= 0 && (known || state.pinned);
  const [y, x] = stays ? sameplace(state.y, state.x, before.blocks[state.block], next)
    : liveliestCell(next, displacementField(next, pair));
  const settings = withAgainst(withWhatIf(withKnownZoom(withKnownSettings(state)), trace, known ? state.whatIf : ''), trace,
    known ? state.against : '');
  const shown = { ...settings, block, pair, y, x, playing: false, led: known ? state.led : !stays, tour: same ? state.tour : -1 };
  if (!before || same) return withTap(shown, trace, state.tap);
  const kept = { ...shown, reverse: known || state.pinned ? state.reverse : false, pins: movedPins(state.pins, before, trace) };
  const moved = withTap(known ? kept : withoutZoom(kept), trace, state.tap);
  return activePin(moved) ? withActive(moved, trace, moved.active) : moved;
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
 * With another what-if in Compare, or none where the trace does not hold it.
 * @param {State} state
 * @param {Trace} trace
 * @param {string} name
 * @returns {State}
 */
export const withAgainst = (state, trace, name) => ({ ...state, against: withWhatIf(state, trace, name).whatIf });

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
  const pin = activePin(state);
  const [y, x] = pin ? pinCell(pin, trace, block) : sameplace(state.y, state.x, from, to);
  return withTap({ ...state, block, pair: within(state.pair, to.pairs), y, x }, trace, state.tap);
}

/**
 * Ask from a query cell or, `reverse`, who reads a cell of the next frame. An active pin moves along; back from the reverse
 * question, it is the query cell again.
 * @param {State} state
 * @param {Trace} trace
 * @param {number} y
 * @param {number} x
 * @returns {State}
 */
export function withCell(state, trace, y, x, reverse = state.reverse) {
  const block = trace.blocks[state.block];
  if (state.reverse && !reverse && state.pins.length) return withActive(state, trace, state.active);
  const next = { ...state, y: within(y, block.height), x: within(x, block.width), reverse, led: false };
  if (!state.pinned || reverse) return next;
  const index = state.pins.length ? state.active : 0;
  return { ...next, active: index, pins: withLetter(state.pins, index, { block: state.block, y: next.y, x: next.x }) };
}

/**
 * Pin a cell beside those that are pinned, under the first letter that is free; where none is, the state stays. The
 * query cell, where it is pinned, is let go; another pin's cell makes that one active.
 * @param {State} state
 * @param {Trace} trace
 * @param {number} y
 * @param {number} x
 * @returns {State}
 */
export function withPin(state, trace, y, x, reverse = state.reverse) {
  if (state.pinned && state.y === y && state.x === x && state.reverse === reverse) return withoutPin(state, trace);
  if (reverse) return { ...withCell(state, trace, y, x, true), pinned: true };
  const there = setPins(state, trace).find(pin => pin.y === y && pin.x === x);
  return there ? withActive(state, trace, there.index) : withAnotherPin(state, trace, y, x);
}

/**
 * One more pin at a cell, whether another one is there or not.
 * @param {State} state
 * @param {Trace} trace
 * @param {number} y
 * @param {number} x
 * @returns {State}
 */
export function withAnotherPin(state, trace, y, x) {
  const active = freeLetter(state);
  if (active < 0) return state;
  const cell = withCell({ ...state, pinned: false, pins: [], reverse: false }, trace, y, x);
  const pin = { block: state.block, y: cell.y, x: cell.x };
  return { ...cell, pinned: true, active, pins: withLetter(state.pins, active, pin) };
}

/**
 * The query cell is that of a pin; a letter that is free changes nothing.
 * @param {State} state
 * @param {Trace} trace
 * @param {number} active number of its letter
 * @returns {State}
 */
export function withActive(state, trace, active) {
  const pin = state.pins[active];
  if (!pin) return state;
  const [y, x] = pinCell(pin, trace, state.block);
  return { ...state, y, x, active, pinned: true, reverse: false };
}

/**
 * Let the active pin go, and the one before it is active; the last one leaves its cell to be hovered away. A reverse
 * question gives way to the active pin; without any, it is let go, and the next time it ends.
 * @param {State} state
 * @param {Trace} trace
 * @returns {State}
 */
export function withoutPin(state, trace) {
  if (!state.pinned) return { ...state, reverse: false };
  if (state.reverse) return state.pins.length ? withActive(state, trace, state.active) : { ...state, pinned: false };
  return withoutLetter(state, trace, state.active);
}

/**
 * Let one pin go, by the number of its letter.
 * @param {State} state
 * @param {Trace} trace
 * @param {number} index
 * @returns {State}
 */
export function withoutLetter(state, trace, index) {
  const pins = withLetter(state.pins, index, null);
  const left = [...pins.keys()].filter(i => pins[i]);
  if (!left.length) return { ...state, pins, active: 0, pinned: state.pinned && state.reverse };
  const active = index === state.active ? left.filter(i => i < index).pop() ?? left[0] : state.active;
  return state.reverse ? { ...state, pins, active } : withActive({ ...state, pins }, trace, active);
}

/**
 * @param {State} state
 * @returns {State}
 */
export const withoutPins = state => ({ ...state, pins: [], active: 0, pinned: false });

/**
 * Pins from elsewhere in place of those that are set: the first five letters, where they are cells of their blocks. The one at
 * the query cell is active, or else the first; where there is none, the cell itself is pinned if it is to be.
 * @param {State} state
 * @param {Trace} trace
 * @param {readonly (Pin | null)[]} wanted
 * @param {boolean} pinned
 * @returns {State}
 */
export function withPins(state, trace, wanted, pinned) {
  const there = (/** @type {number} */ value, /** @type {number} */ end) => value === within(value, end);
  const known = LETTERS.map((_, index) => {
    const pin = wanted[index];
    const grid = pin && there(pin.block, trace.blocks.length) && trace.blocks[pin.block];
    return grid && there(pin.y, grid.height) && there(pin.x, grid.width) ? pin : null;
  });
  const pins = withLetter(known, 0, known[0]);
  const next = { ...withoutPins(state), pins };
  if (state.reverse) return { ...next, active: Math.max(0, pins.findIndex(Boolean)), pinned: pinned || pins.length > 0 };
  if (!pins.length) return pinned ? withAnotherPin(next, trace, state.y, state.x) : next;
  const listed = setPins(next, trace);
  return withActive(next, trace, (listed.find(({ y, x }) => y === state.y && x === state.x) ?? listed[0]).index);
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
 * How many sampled frames a step of a block stands for, at least one.
 * @param {Trace} trace
 * @param {number} block
 */
export const framesEach = (trace, block) => Math.max(1, Math.round(trace.blocks[block].stride[0]));

/**
 * One frame of playing, and after the frames of a step the next pair; after the last pair comes the first. As long as nobody has
 * chosen a cell, the query is where most moves.
 * @param {State} state
 * @param {Trace} trace
 * @returns {State}
 */
export function withNextFrame(state, trace) {
  const beat = state.beat + 1;
  if (beat < framesEach(trace, state.block)) return { ...state, beat };
  const block = trace.blocks[state.block];
  const next = { ...state, beat: 0, pair: (state.pair + 1) % block.pairs };
  if (!state.led || state.pinned || state.reverse) return next;
  const [y, x] = liveliestCell(block, displacementField(block, next.pair));
  return { ...next, y, x };
}
