// All that a state shows of a trace. Pure.
import { readersOf } from '../trace/fields.mjs';
import { readout } from '../trace/geometry.mjs';
import { strongestTap } from '../trace/terms.mjs';
import { attentionTrack } from '../trace/tracks.mjs';
import { lettered, setPins } from './pins.mjs';
/** @import { Trace } from '../trace/types' */
/** @import { Lit, Shown, State } from './types' */

/**
 * @param {Trace} trace
 * @param {ImageBitmap[]} images
 * @param {State} state
 * @param {Lit | null} pointed the mark that is pointed at; while the equation is closed, only its neighbour counts
 * @param {Float32Array} field the arrows of all cells
 * @returns {Shown}
 */
export function shownOf(trace, images, state, pointed, field) {
  const { pair, y, x, reverse, overlay, drawer } = state;
  const block = trace.blocks[state.block];
  const read = readout(block, pair, y, x);
  const tracked = !reverse && overlay === 'track';
  const cell = 2 * (y * block.width + x);
  const open = drawer === 'equation';
  const neighbour = pointed && pointed.tap !== null ? { term: 'point', tap: pointed.tap } : null;
  const lit = reverse ? null : open ? pointed : neighbour;
  const tap = lit?.tap ?? state.tap;
  return {
    trace, images, state, read, readers: reverse ? readersOf(block, pair, y, x) : null,
    track: tracked ? attentionTrack(block, pair, y, x) : null,
    rigid: tracked ? attentionTrack(block, pair, y, x, true) : null,
    pins: pinsShown(trace, state),
    tap: tap < 0 ? strongestTap(read) : tap, lit: lit?.term ?? '', arrow: [field[cell], field[cell + 1]],
  };
}

/**
 * The pins that have letters, with their read-outs, and with their tracks where tracks are shown.
 * @param {Trace} trace
 * @param {State} state
 */
export function pinsShown(trace, state) {
  if (!lettered(state)) return [];
  const { pair, overlay, reverse } = state;
  const block = trace.blocks[state.block];
  return setPins(state, trace).map(({ index, active, y, x }) => ({
    index, active, read: readout(block, pair, y, x),
    track: overlay === 'track' && !reverse ? attentionTrack(block, pair, y, x) : null,
  }));
}
