// What is shown, as plain data, and how it changes. Pure functions: each takes a state and gives the next one.
import { displacementField, liveliestCell, sameplace } from './geometry.mjs';

/**
 * Frame pair `pair` goes from query step `pair` to key step `pair + 1`. (y, x) is the query cell or, where the question is
 * `reverse`, the cell of the next frame whose readers are shown; hovering leaves it alone while it is `pinned`. `tap` is
 * the neighbour whose equation is shown, -1 the strongest. `quiver`: the field's arrows are drawn, by the reading
 * `arrows`. `whatIf` names the change whose run is compared, '' none; `flow`: true motion is drawn; `tour` is
 * the step of the tour, -1 none. The rest are settings, below.
 * @typedef {{
 *   block: number, pair: number, y: number, x: number, pinned: boolean, reverse: boolean, tap: number, quiver: boolean,
 *   playing: boolean, arrows: string, density: string, tinted: boolean, overlay: string, drawer: string,
 *   measure: string, speed: number, whatIf: string, flow: boolean, tour: number
 * }} State
 */

/** The values that each setting of the view may have, the first at the start. */
export const SETTINGS = {
  arrows: ['displacement', 'offset', 'strongest'],
  density: ['medium', 'dense', 'sparse'],
  tinted: [false, true], // arrows coloured by direction
  overlay: ['none', 'saliency', 'difference', 'track'],
  drawer: ['none', 'equation', 'neighbours', 'sheet'],
  measure: ['offset', 'entropy', 'outside'], // of the contact sheet
  speed: [1, 0.25, 0.5, 2, 4],
};

const within = (value, end) => Math.max(0, Math.min(end - 1, value));

/** @returns {State} before any trace */
export function emptyState() {
  const settings = Object.fromEntries(Object.entries(SETTINGS).map(([name, [first]]) => [name, first]));
  return {
    block: 0, pair: -1, y: -1, x: -1, pinned: false, reverse: false, tap: -1, quiver: true, playing: false, whatIf: '',
    flow: false, tour: -1, ...settings,
  };
}

/** The same view of another trace where it still makes sense; a first trace opens in the middle, where most moves. */
export function withTrace(state, trace, before) {
  const block = within(state.block, trace.blocks.length);
  const next = trace.blocks[block];
  const pair = state.pair < 0 ? (next.pairs - 1) >> 1 : within(state.pair, next.pairs);
  const known = before && state.y >= 0;
  const [y, x] = known ? sameplace(state.y, state.x, before.blocks[state.block], next)
    : liveliestCell(next, displacementField(next, pair));
  const settings = withWhatIf(settled(state), trace, state.whatIf);
  return withTap({ ...settings, block, pair, y, x, playing: false, tour: before === trace ? state.tour : -1 }, trace, state.tap);
}

/** Compare with another what-if, or with none where the trace does not hold it. */
export function withWhatIf(state, trace, name) {
  return { ...state, whatIf: trace.what_if.some(each => each.name === name) ? name : '' };
}

/** A state whose settings, wherever they came from, are among those that there are. */
function settled(state) {
  const known = Object.entries(SETTINGS).map(
    ([name, list]) => [name, list.includes(state[name]) ? state[name] : list[0]]);
  return { ...state, ...Object.fromEntries(known) };
}

export function withPair(state, trace, pair) {
  return { ...state, pair: within(pair, trace.blocks[state.block].pairs) };
}

/** Another block; time and place in the picture stay. */
export function withBlock(state, trace, index) {
  const block = within(index, trace.blocks.length);
  const [from, to] = [trace.blocks[state.block], trace.blocks[block]];
  const [y, x] = sameplace(state.y, state.x, from, to);
  return withTap({ ...state, block, pair: within(state.pair, to.pairs), y, x }, trace, state.tap);
}

/** Ask from a query cell or, `reverse`, who reads a cell of the next frame. */
export function withCell(state, trace, y, x, reverse = state.reverse) {
  const block = trace.blocks[state.block];
  return { ...state, y: within(y, block.height), x: within(x, block.width), reverse };
}

/** Pin a cell; the pinned cell itself is let go. */
export function withPin(state, trace, y, x, reverse = state.reverse) {
  const again = state.pinned && state.y === y && state.x === x && state.reverse === reverse;
  return { ...withCell(state, trace, y, x, reverse), pinned: !again };
}

/** Let a pinned cell go; the next time, return from the reverse question. */
export function withoutPin(state) {
  return state.pinned ? { ...state, pinned: false } : { ...state, reverse: false };
}

/** The neighbour whose equation is shown; -1, and any that the block lacks, the strongest. */
export function withTap(state, trace, tap) {
  const known = Number.isInteger(tap) && tap >= 0 && tap < trace.blocks[state.block].taps;
  return { ...state, tap: known ? tap : -1 };
}

/** Another value of a setting; one that it cannot have changes nothing. */
export function withSetting(state, name, value) {
  return SETTINGS[name]?.includes(value) ? { ...state, [name]: value } : state;
}

/** One step of playing; after the last pair comes the first. */
export function advanced(state, trace) {
  return { ...state, pair: (state.pair + 1) % trace.blocks[state.block].pairs };
}
