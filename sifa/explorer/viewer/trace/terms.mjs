// The equation of one neighbour of one query, term by term. Pure functions.
/** @import { Amount, Corner, Grid, Place, ReadOut } from './types' */

/**
 * The four cells that bilinear reading of a place [y, x] mixes, and their weights, which sum to 1; `outside` cells hold
 * zeros.
 * @param {Place} place
 * @param {Grid} grid
 * @returns {Corner[]} top left, top right, bottom left, bottom right
 */
export function bilinearCorners([y, x], { height, width }) {
  const [top, left] = [Math.floor(y), Math.floor(x)];
  return [[0, 0], [0, 1], [1, 0], [1, 1]].map(([down, across]) => {
    const [cy, cx] = [top + down, left + across];
    return {
      y: cy, x: cx,
      weight: (1 - Math.abs(y - cy)) * (1 - Math.abs(x - cx)),
      outside: cy < 0 || cy >= height || cx < 0 || cx >= width,
    };
  });
}

/**
 * The neighbour with the largest |weight| of a read-out.
 * @param {ReadOut} read
 */
export function strongestTap(read) {
  return read.weights.reduce((best, w, tap) => (Math.abs(w) > Math.abs(read.weights[best]) ? tap : best), 0);
}

/**
 * A neighbour's share of the displacement: |weight| / sum of |weights|, and what it adds to the mean, [dy, dx].
 * @param {ReadOut} read
 * @param {number} tap
 * @returns {{share: number, part: Place}}
 */
export function tapShare(read, tap) {
  const total = read.weights.reduce((sum, w) => sum + Math.abs(w), 0) || 1;
  const share = Math.abs(read.weights[tap]) / total;
  const [y, x] = read.points[tap];
  return { share, part: [share * (y - read.y), share * (x - read.x)] };
}

const [MORE, LESS, NEARLY] = [1.15, 0.85, 0.35]; // of an even share

/**
 * |weights| of a read-out as times the share that each would have if all counted alike; 1 each where all are 0.
 * @param {Pick<ReadOut, 'weights'>} read
 */
export function evenness({ weights }) {
  const total = weights.reduce((sum, w) => sum + Math.abs(w), 0);
  return weights.map(w => (total ? Math.abs(w) * weights.length / total : 1));
}

/**
 * Whether that is more than even, about even, or less.
 * @param {number} times
 * @returns {Amount}
 */
export const amountOf = times => (times > MORE ? 'more' : times < LESS ? 'less' : 'even');

/**
 * Whether no share is more than 35 % of an even one away from it.
 * @param {number[]} times
 */
export const nearlyEven = times => times.every(v => Math.abs(v - 1) <= NEARLY);
