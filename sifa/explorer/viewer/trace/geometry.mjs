// Where things are: sampled points, displacement, and the ways between cells, pictures and time. Pure functions.
import { STEPS_PER_CELL, offsetAt, weightAt } from './decode.mjs';
/** @import { Block, Box, Crop, Density, Grid, Place, ReadOut, Span, View } from './types' */

/**
 * Places [dy, dx] of the K x K neighbours around a query, row by row, in cells; where `anchored`, places on the map.
 * @param {Block} block
 * @returns {Place[]}
 */
export function neighbourGrid(block) {
  if (block.base) return block.base;
  const first = -Math.floor((block.dilation * (block.kernel - 1) + 1) / 2);
  const place = (/** @type {number} */ i) => first + i * block.dilation;
  return Array.from({ length: block.taps }, (_, tap) => [place(Math.floor(tap / block.kernel)), place(tap % block.kernel)]);
}

/**
 * What the model read for one query cell.
 * @param {Block} block
 * @param {number} pair
 * @param {number} y
 * @param {number} x
 * @returns {ReadOut}
 */
export function readout(block, pair, y, x) {
  const grid = neighbourGrid(block);
  const taps = block.anchored ? grid : grid.map(([dy, dx]) => /** @type {Place} */ ([y + dy, x + dx]));
  const offsets = taps.map((_, tap) => offsetAt(block, pair, tap, y, x));
  const points = taps.map(([ty, tx], tap) => /** @type {Place} */ ([ty + offsets[tap][0], tx + offsets[tap][1]]));
  const weights = taps.map((_, tap) => weightAt(block, pair, tap, y, x));
  const total = weights.reduce((sum, w) => sum + Math.abs(w), 0) || 1;
  const mean = (/** @type {0 | 1} */ axis) =>
    points.reduce((sum, point, tap) => sum + Math.abs(weights[tap]) * (point[axis] - [y, x][axis]), 0) / total;
  return {
    y, x, taps, offsets, points, weights,
    outside: points.map(point => isOutside(point, block)),
    sum: weights.reduce((sum, w) => sum + w, 0),
    displacement: [mean(0), mean(1)],
  };
}

/**
 * A whole cell or more off the map: bilinear reading gives 0 there.
 * @param {Place} place
 * @param {Grid} grid
 */
export function isOutside([y, x], { height, width }) {
  return !(y > -1 && y < height && x > -1 && x < width);
}

/**
 * Displacement [dy, dx] of every cell of a pair, cell by cell: 2 * height * width numbers.
 * @param {Block} block
 * @param {number} pair
 */
export function displacementField(block, pair) {
  const cells = block.height * block.width;
  const [low, high] = block.range[pair];
  const total = new Float32Array(cells).fill(1e-12);
  const field = new Float32Array(2 * cells);
  neighbourGrid(block).forEach(([ty, tx], tap) => {
    const weights = (pair * block.taps + tap) * cells;
    const offsets = 2 * weights;
    for (let i = 0; i < cells; i++) {
      const w = Math.abs(low + block.attention[weights + i] * (high - low) / 255);
      total[i] += w;
      field[2 * i] += w * (ty + block.offset[offsets + i] / STEPS_PER_CELL);
      field[2 * i + 1] += w * (tx + block.offset[offsets + cells + i] / STEPS_PER_CELL);
    }
  });
  for (let i = 0; i < cells; i++) {
    const [y, x] = block.anchored && total[i] > 1e-9 ? [Math.floor(i / block.width), i % block.width] : [0, 0];
    field[2 * i] = field[2 * i] / total[i] - y;
    field[2 * i + 1] = field[2 * i + 1] / total[i] - x;
  }
  return field;
}

/**
 * The cell away from the border that moved most together with those around it, as somewhere to begin: the edge of a thing, where
 * arrows are least sure, is seldom it.
 * @param {Grid} grid
 * @param {Float32Array} field
 * @returns {Place}
 */
export function liveliestCell(grid, field) {
  const side = Math.min(grid.height, grid.width);
  const edge = side >= 8 ? 2 : 0;
  const reach = Math.max(1, Math.floor(side / 10));
  /** @type {Place} */
  let best = [edge, edge];
  let most = -1;
  for (let y = edge; y < grid.height - edge; y++) {
    for (let x = edge; x < grid.width - edge; x++) {
      const length = lengthAround(grid, field, y, x, reach);
      if (length > most) [most, best] = [length, [y, x]];
    }
  }
  return best;
}

/**
 * The length of the sum of the displacements of a cell, which counts twice, and of those within `reach` of it.
 * @param {Grid} grid
 * @param {Float32Array} field
 * @param {number} y
 * @param {number} x
 * @param {number} reach
 */
function lengthAround({ height, width }, field, y, x, reach) {
  const own = 2 * (y * width + x);
  let [dy, dx] = [field[own], field[own + 1]];
  for (let row = Math.max(0, y - reach); row <= Math.min(height - 1, y + reach); row++) {
    for (let column = Math.max(0, x - reach); column <= Math.min(width - 1, x + reach); column++) {
      const i = 2 * (row * width + column);
      dy += field[i];
      dx += field[i + 1];
    }
  }
  return Math.hypot(dy, dx);
}

/**
 * Input frames [first, end) that a time step covers, and the middle one, which pictures it.
 * @param {number} step
 * @param {Pick<Block, 'stride'>} block
 * @param {number} count frames of the clip
 * @returns {Span}
 */
export function framesOfStep(step, { stride }, count) {
  const first = Math.round(step * stride[0]);
  const end = Math.min(count, Math.round((step + 1) * stride[0]));
  return { first, end, middle: Math.min(count - 1, first + Math.floor((end - first) / 2)) };
}

/**
 * The square that the model saw, in pixels of the stored frames.
 * @param {Crop} crop
 * @returns {Box}
 */
export function cropBox(crop) {
  return { top: crop.top / crop.scale, left: crop.left / crop.scale, side: crop.size / crop.scale };
}

/**
 * The cell of another block at the same place in the picture.
 * @param {number} y
 * @param {number} x
 * @param {Grid} from
 * @param {Grid} to
 * @returns {Place}
 */
export function sameplace(y, x, from, to) {
  return [sameShare(y, from.height, to.height), sameShare(x, from.width, to.width)];
}

/**
 * Which of `to` things lies where number `v` of `from` things does, as a share of all.
 * @param {number} v
 * @param {number} from
 * @param {number} to
 */
export const sameShare = (v, from, to) => Math.min(to - 1, Math.floor((v + 0.5) * to / from));

const ARROW_GAP = 15; // pixels, at medium density
const WIDER = { sparse: 2, medium: 1, dense: 0.5 }; // times as far apart

/**
 * Draw every n-th arrow, so that they stay some pixels apart on a picture of the given side, as far as the grid allows.
 * @param {Grid} grid
 * @param {number} side
 * @param {Density} density
 */
export function arrowEvery({ height, width }, side, density = 'medium') {
  return Math.min(Math.ceil(WIDER[density] * Math.ceil(ARROW_GAP * width / side)), height, width);
}

/**
 * The next density, `step` 1 for more arrows or -1 for fewer, that draws others here; the same where there is none.
 * @param {Grid} grid
 * @param {number} side
 * @param {Density} density
 * @param {number} step
 */
export function nextDensity(grid, side, density, step) {
  const names = /** @type {Density[]} */ (Object.keys(WIDER));
  const other = (/** @type {Density} */ name) => arrowEvery(grid, side, name) !== arrowEvery(grid, side, density);
  let i = names.indexOf(density) + step;
  while (names[i] && !other(names[i])) i += step;
  return names[i] ?? density;
}

/**
 * A window on the cell grid, drawn on a square canvas; it is centred on `centre` and `cells` wide.
 * @param {Grid} grid
 * @param {number} side
 * @param {Place} centre
 * @param {Place} cells
 * @returns {View}
 */
function windowOn({ height, width }, side, centre, cells) {
  const [ch, cw] = [side / cells[0], side / cells[1]];
  const [top, left] = [centre[0] - cells[0] / 2, centre[1] - cells[1] / 2];
  const clamp = (/** @type {number} */ v, /** @type {number} */ end) => Math.max(0, Math.min(end - 1, v));
  return {
    side, ch, cw, whole: true,
    px: (y, x) => [(x - left) * cw, (y - top) * ch],
    cell: (px, py) => [clamp(Math.round(py / ch + top), height), clamp(Math.round(px / cw + left), width)],
  };
}

export const MARGIN = 0.06; // of the picture's side, left free so that points outside the frame can be drawn

/**
 * The view of a whole picture with its margin.
 * @param {Grid} grid
 * @param {number} side
 */
export function wholeView({ height, width }, side) {
  const wide = 1 / (1 - 2 * MARGIN);
  return windowOn({ height, width }, side, [(height - 1) / 2, (width - 1) / 2], [height * wide, width * wide]);
}

/**
 * The view of a picture enlarged `zoom` times about a middle, in shares of the whole.
 * @param {Grid} grid
 * @param {number} side
 * @param {{zoom: number, midY: number, midX: number}} about
 * @returns {View}
 */
export function zoomedView(grid, side, { zoom, midY, midX }) {
  if (zoom === 1) return wholeView(grid, side);
  const [down, across] = [grid.height, grid.width].map(count => count / (1 - 2 * MARGIN));
  const middle = (/** @type {number} */ count, /** @type {number} */ cells, /** @type {number} */ mid) =>
    (count - 1) / 2 + (mid - 0.5) * cells;
  const centre = /** @type {Place} */ ([middle(grid.height, down, midY), middle(grid.width, across, midX)]);
  return { ...windowOn(grid, side, centre, [down / zoom, across / zoom]), whole: false };
}

/**
 * Cells across the close-up: the kernel, and two cells more on every side.
 * @param {Pick<Block, 'dilation' | 'kernel'>} block
 */
export function closeUpCells({ dilation, kernel }) {
  return dilation * (kernel - 1) + 5;
}

/**
 * The close-up of a cell's surroundings.
 * @param {Block} block
 * @param {number} side
 * @param {number} y
 * @param {number} x
 */
export function closeView(block, side, y, x) {
  const cells = closeUpCells(block);
  return windowOn(block, side, [y, x], [cells, cells * block.stride[1] / block.stride[2]]);
}
