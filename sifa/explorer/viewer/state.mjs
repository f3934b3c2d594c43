// What is shown, as plain data, and how it changes. Pure functions: each takes a state and gives the next one.
import { displacementField, liveliestCell, sameplace } from './geometry.mjs';

/**
 * Frame pair `pair` goes from query step `pair` to key step `pair + 1`; (y, x) is the query cell, which hovering leaves
 * alone while it is `pinned`. `whatIf` names the change whose run is compared, '' none; `flow`: true motion is drawn.
 * @typedef {{
 *   block: number, pair: number, y: number, x: number, pinned: boolean, quiver: boolean, playing: boolean,
 *   whatIf: string, flow: boolean
 * }} State
 */

const within = (value, end) => Math.max(0, Math.min(end - 1, value));

/** @returns {State} before any trace */
export function emptyState() {
  return { block: 0, pair: -1, y: -1, x: -1, pinned: false, quiver: true, playing: false, whatIf: '', flow: false };
}

/** The same view of another trace where it still makes sense; a first trace opens in the middle, where most moves. */
export function withTrace(state, trace, before) {
  const block = within(state.block, trace.blocks.length);
  const next = trace.blocks[block];
  const pair = state.pair < 0 ? (next.pairs - 1) >> 1 : within(state.pair, next.pairs);
  const known = before && state.y >= 0;
  const [y, x] = known ? sameplace(state.y, state.x, before.blocks[state.block], next)
    : liveliestCell(next, displacementField(next, pair));
  return withWhatIf({ ...state, block, pair, y, x, playing: false }, trace, state.whatIf);
}

/** Compare with another what-if, or with none where the trace does not hold it. */
export function withWhatIf(state, trace, name) {
  return { ...state, whatIf: trace.what_if.some(each => each.name === name) ? name : '' };
}

export function withPair(state, trace, pair) {
  return { ...state, pair: within(pair, trace.blocks[state.block].pairs) };
}

/** Another block; time and place in the picture stay. */
export function withBlock(state, trace, index) {
  const block = within(index, trace.blocks.length);
  const [from, to] = [trace.blocks[state.block], trace.blocks[block]];
  const [y, x] = sameplace(state.y, state.x, from, to);
  return { ...state, block, pair: within(state.pair, to.pairs), y, x };
}

export function withCell(state, trace, y, x) {
  const block = trace.blocks[state.block];
  return { ...state, y: within(y, block.height), x: within(x, block.width) };
}

/** Pin a cell; the pinned cell itself is let go. */
export function withPin(state, trace, y, x) {
  const again = state.pinned && state.y === y && state.x === x;
  return { ...withCell(state, trace, y, x), pinned: !again };
}

/** One step of playing; after the last pair comes the first. */
export function advanced(state, trace) {
  return { ...state, pair: (state.pair + 1) % trace.blocks[state.block].pairs };
}
