// Attention followed through time. Pure functions.
import { isOutside, readout } from './geometry.mjs';

/**
 * A place per time step, [y, x] in cells, and the spread [y, x] of what was read there: the weighted standard deviation
 * of the sampled points around their centroid.
 * @typedef {{step: number, place: number[], spread: number[]}} TrackPoint
 */

/** Weighted mean of [y, x] places with weights |w|, and their weighted standard deviation along both axes. */
export function centroid(places, weights) {
  const total = weights.reduce((sum, w) => sum + Math.abs(w), 0) || 1;
  const mean = f => weights.reduce((sum, w, tap) => sum + Math.abs(w) * f(places[tap]), 0) / total;
  const middle = [mean(p => p[0]), mean(p => p[1])];
  return { middle, spread: [0, 1].map(axis => Math.sqrt(mean(p => (p[axis] - middle[axis]) ** 2))) };
}

/**
 * From a cell of a pair's query step to the last step: each place asks through the cell nearest to it, and moves by
 * that cell's displacement. `rigid` moves by the same weights on the regular grid, without the offsets. A track ends
 * early where it leaves the map.
 * @returns {TrackPoint[]} the first is the cell itself
 */
export function attentionTrack(block, pair, y, x, rigid = false) {
  const track = [{ step: pair, place: [y, x], spread: [0, 0] }];
  for (let p = pair; p < block.pairs; p++) {
    const [py, px] = track.at(-1).place;
    if (isOutside([py, px], block)) break;
    const cell = [nearest(py, block.height), nearest(px, block.width)];
    const read = readout(block, p, ...cell);
    const { middle, spread } = centroid(rigid ? read.taps : read.points, read.weights);
    track.push({ step: p + 1, place: [py + middle[0] - cell[0], px + middle[1] - cell[1]], spread });
  }
  return track;
}

const TIE = 1e-4; // cells; a place halfway between two belongs to the later one, whatever the last digits say
const nearest = (v, end) => Math.max(0, Math.min(end - 1, Math.floor(v + 0.5 + TIE)));
