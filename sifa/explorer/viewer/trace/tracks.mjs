// Attention followed through time. Pure functions.
import { isOutside, readout } from './geometry.mjs';
/** @import { Block, Place, TrackPoint } from './types' */

/**
 * Weighted mean of places with weights |w|, and their weighted standard deviation along both axes.
 * @param {Place[]} places
 * @param {number[]} weights
 * @returns {{middle: Place, spread: Place}}
 */
export function centroid(places, weights) {
  const total = weights.reduce((sum, w) => sum + Math.abs(w), 0) || 1;
  const mean = (/** @type {(place: Place) => number} */ f) =>
    weights.reduce((sum, w, tap) => sum + Math.abs(w) * f(places[tap]), 0) / total;
  /** @type {Place} */
  const middle = [mean(p => p[0]), mean(p => p[1])];
  const spread = (/** @type {0 | 1} */ axis) => Math.sqrt(mean(p => (p[axis] - middle[axis]) ** 2));
  return { middle, spread: [spread(0), spread(1)] };
}

/**
 * From a cell of a pair's query step to the last step: each place asks through the cell nearest to it, and moves by
 * that cell's displacement. `rigid` moves by the same weights on the regular grid, without the offsets. A track ends
 * early where it leaves the map.
 * @param {Block} block
 * @param {number} pair
 * @param {number} y
 * @param {number} x
 * @param {boolean} rigid
 * @returns {TrackPoint[]} the first is the cell itself
 */
export function attentionTrack(block, pair, y, x, rigid = false) {
  /** @type {TrackPoint[]} */
  const track = [{ step: pair, place: [y, x], spread: [0, 0] }];
  for (let p = pair; p < block.pairs; p++) {
    const [py, px] = track[track.length - 1].place;
    if (isOutside([py, px], block)) break;
    const [cy, cx] = [nearest(py, block.height), nearest(px, block.width)];
    const read = readout(block, p, cy, cx);
    const { middle, spread } = centroid(rigid ? read.taps : read.points, read.weights);
    track.push({ step: p + 1, place: [py + middle[0] - cy, px + middle[1] - cx], spread });
  }
  return track;
}

const TIE = 1e-4; // cells; a place halfway between two belongs to the later one, whatever the last digits say

/**
 * @param {number} v
 * @param {number} end
 */
const nearest = (v, end) => Math.max(0, Math.min(end - 1, Math.floor(v + 0.5 + TIE)));
