// The equation of one neighbour of one query, term by term. Pure functions.

/**
 * The four cells that bilinear reading of a place [y, x] mixes, and their weights, which sum to 1; `outside` cells hold
 * zeros.
 * @returns {{y: number, x: number, weight: number, outside: boolean}[]} top left, top right, bottom left, bottom right
 */
export function bilinearCorners([y, x], block) {
  const [top, left] = [Math.floor(y), Math.floor(x)];
  return [[0, 0], [0, 1], [1, 0], [1, 1]].map(([down, across]) => {
    const [cy, cx] = [top + down, left + across];
    return {
      y: cy, x: cx,
      weight: (1 - Math.abs(y - cy)) * (1 - Math.abs(x - cx)),
      outside: cy < 0 || cy >= block.height || cx < 0 || cx >= block.width,
    };
  });
}

/** The neighbour with the largest |weight| of a read-out. */
export function strongestTap(read) {
  return read.weights.reduce((best, w, tap) => (Math.abs(w) > Math.abs(read.weights[best]) ? tap : best), 0);
}

/** A neighbour's share of the displacement: |weight| / sum of |weights|, and what it adds to the mean, [dy, dx]. */
export function tapShare(read, tap) {
  const total = read.weights.reduce((sum, w) => sum + Math.abs(w), 0) || 1;
  const share = Math.abs(read.weights[tap]) / total;
  return { share, part: [read.points[tap][0] - read.y, read.points[tap][1] - read.x].map(v => share * v) };
}
