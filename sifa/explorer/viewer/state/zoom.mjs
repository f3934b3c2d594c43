// How far both pictures are enlarged, and about which place. Pure functions.
/** @import { Trace } from '../trace/types' */
/** @import { State } from './types' */

const MOST = 8;
const [NUMBER, PLACE] = [100, 10_000]; // steps of a zoom, and of a share of the picture, so that links stay short
const NEAR = 0.1; // of what is seen: the query cell is kept that far from its edge

/** @param {number} value @param {number} low @param {number} high */
const between = (value, low, high) => Math.max(low, Math.min(high, value));

/**
 * Enlarged `zoom` times about a middle, shares of the whole picture; both are put within what there is.
 * @param {State} state
 * @param {number} zoom
 * @param {number} midY
 * @param {number} midX
 * @returns {State}
 */
function settled(state, zoom, midY, midX) {
  const times = Math.round(NUMBER * between(zoom, 1, MOST)) / NUMBER;
  const middle = (/** @type {number} */ v) => Math.round(PLACE * between(v, 0.5 / times, 1 - 0.5 / times)) / PLACE;
  return { ...state, zoom: times, midY: middle(midY), midX: middle(midX) };
}

/**
 * Enlarged `factor` times more, so that the place under a point of the picture, in shares of its side, stays there.
 * @param {State} state
 * @param {number} factor
 * @param {number} down
 * @param {number} across
 */
export function withZoom(state, factor, down = 0.5, across = 0.5) {
  const zoom = between(state.zoom * factor, 1, MOST);
  const middle = (/** @type {number} */ mid, /** @type {number} */ at) => mid + (at - 0.5) * (1 / state.zoom - 1 / zoom);
  return settled(state, zoom, middle(state.midY, down), middle(state.midX, across));
}

/**
 * Moved along with a pointer, by shares of the picture's side.
 * @param {State} state
 * @param {number} down
 * @param {number} across
 */
export const withPan = (state, down, across) =>
  settled(state, state.zoom, state.midY - down / state.zoom, state.midX - across / state.zoom);

/** @param {State} state */
export const withoutZoom = state => settled(state, 1, 0.5, 0.5);

/**
 * A zoom from elsewhere; what is none is 1.
 * @param {State} state
 */
export const withKnownZoom = state => (state.zoom >= 1 && state.midY >= 0 && state.midX >= 0
  ? settled(state, state.zoom, state.midY, state.midX) : withoutZoom(state));

/**
 * Where the query cell is, in shares of the whole picture.
 * @param {State} state
 * @param {Trace} trace
 * @param {number} margin of the picture's side around the frame
 */
function cellShare({ y, x, block }, trace, margin) {
  const { height, width } = trace.blocks[block];
  return [(y + 0.5) / height, (x + 0.5) / width].map(v => margin + (1 - 2 * margin) * v);
}

/**
 * Enlarged `factor` times more about the query cell.
 * @param {State} state
 * @param {Trace} trace
 * @param {number} factor
 * @param {number} margin
 */
export function withZoomHere(state, trace, factor, margin) {
  const [down, across] = [...cellShare(state, trace, margin).entries()]
    .map(([axis, v]) => between(0.5 + (v - [state.midY, state.midX][axis]) * state.zoom, 0, 1));
  return withZoom(state, factor, down, across);
}

/**
 * Moved just so far that the query cell is seen.
 * @param {State} state
 * @param {Trace} trace
 * @param {number} margin
 */
export function withCellSeen(state, trace, margin) {
  if (state.zoom === 1) return state;
  const half = (0.5 - NEAR) / state.zoom;
  const [y, x] = cellShare(state, trace, margin);
  return settled(state, state.zoom, between(state.midY, y - half, y + half), between(state.midX, x - half, x + half));
}
