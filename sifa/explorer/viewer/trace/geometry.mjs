// Where things are: sampled points, displacement, and the ways between cells, pictures and time. Pure functions.
import { STEPS_PER_CELL, offsetAt, weightAt } from './decode.mjs';

/** Places [dy, dx] of the K x K neighbours around a query, row by row, in cells; where `anchored`, places on the map. */
export function neighbourGrid(block) {
  if (block.base) return block.base;
  const first = -Math.floor((block.dilation * (block.kernel - 1) + 1) / 2);
  const place = i => first + i * block.dilation;
  const taps = Array.from({ length: block.taps }, (_, tap) => tap);
  return taps.map(tap => [place(Math.floor(tap / block.kernel)), place(tap % block.kernel)]);
}

/**
 * What the model read for one query cell, tap by tap. Places are [y, x] in cells; `taps` in the regular grid, `points`
 * where the next frame was read; `outside` points lie off the map, where values are 0; `displacement` [dy, dx] is the
 * mean of points - query, weighted by |weight|.
 * @typedef {{
 *   y: number, x: number, taps: number[][], offsets: number[][], points: number[][], weights: number[],
 *   outside: boolean[], sum: number, displacement: number[]
 * }} ReadOut
 * @returns {ReadOut}
 */
export function readout(block, pair, y, x) {
  const grid = neighbourGrid(block);
  const taps = block.anchored ? grid : grid.map(([dy, dx]) => [y + dy, x + dx]);
  const offsets = taps.map((_, tap) => offsetAt(block, pair, tap, y, x));
  const points = taps.map(([ty, tx], tap) => [ty + offsets[tap][0], tx + offsets[tap][1]]);
  const weights = taps.map((_, tap) => weightAt(block, pair, tap, y, x));
  const total = weights.reduce((sum, w) => sum + Math.abs(w), 0) || 1;
  const mean = axis =>
    points.reduce((sum, point, tap) => sum + Math.abs(weights[tap]) * (point[axis] - [y, x][axis]), 0) / total;
  return {
    y, x, taps, offsets, points, weights,
    outside: points.map(point => isOutside(point, block)),
    sum: weights.reduce((sum, w) => sum + w, 0),
    displacement: [mean(0), mean(1)],
  };
}

/** A whole cell or more off the map: bilinear reading gives 0 there. */
export function isOutside([y, x], block) {
  return !(y > -1 && y < block.height && x > -1 && x < block.width);
}

/** Displacement [dy, dx] of every cell of a pair, cell by cell: Float32Array of 2 * height * width. */
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

/** The cell away from the border that moved most, as somewhere to begin. */
export function liveliestCell(block, field) {
  const edge = Math.min(block.height, block.width) >= 8 ? 2 : 0;
  let best = [edge, edge], most = -1;
  for (let y = edge; y < block.height - edge; y++) {
    for (let x = edge; x < block.width - edge; x++) {
      const i = 2 * (y * block.width + x);
      const length = Math.hypot(field[i], field[i + 1]);
      if (length > most) [most, best] = [length, [y, x]];
    }
  }
  return best;
}

/** Input frames [first, end) that a time step covers, and the middle one, which pictures it. */
export function framesOfStep(step, block, count) {
  const first = Math.round(step * block.stride[0]);
  const end = Math.min(count, Math.round((step + 1) * block.stride[0]));
  return { first, end, middle: Math.min(count - 1, first + Math.floor((end - first) / 2)) };
}

/** The square that the model saw, in pixels of the stored frames. */
export function cropBox(crop) {
  return { top: crop.top / crop.scale, left: crop.left / crop.scale, side: crop.size / crop.scale };
}

/** The cell of another block at the same place in the picture. */
export function sameplace(y, x, from, to) {
  const move = (v, a, b) => Math.min(b - 1, Math.floor((v + 0.5) * b / a));
  return [move(y, from.height, to.height), move(x, from.width, to.width)];
}

const ARROW_GAP = 15; // pixels, at medium density
const WIDER = { sparse: 2, medium: 1, dense: 0.5 }; // times as far apart

/** Draw every n-th arrow, so that they stay some pixels apart on a picture of the given side, as far as the grid allows. */
export function arrowEvery({ height, width }, side, density = 'medium') {
  return Math.min(Math.ceil(WIDER[density] * Math.ceil(ARROW_GAP * width / side)), height, width);
}

/** The next density, `step` 1 for more arrows or -1 for fewer, that draws others here; the same where there is none. */
export function nextDensity(block, side, density, step) {
  const names = Object.keys(WIDER);
  const other = name => arrowEvery(block, side, name) !== arrowEvery(block, side, density);
  let i = names.indexOf(density) + step;
  while (names[i] && !other(names[i])) i += step;
  return names[i] ?? density;
}

/**
 * A window on the cell grid, drawn on a square canvas: px(y, x) gives the canvas pixel of a place, cell(px, py) the
 * cell under a pixel. (0, 0) is the centre of the first cell. The window is centred on `centre` and `cells` wide.
 */
function windowOn(block, side, centre, cells) {
  const [ch, cw] = [side / cells[0], side / cells[1]];
  const [top, left] = [centre[0] - cells[0] / 2, centre[1] - cells[1] / 2];
  const clamp = (v, end) => Math.max(0, Math.min(end - 1, v));
  return {
    side, ch, cw,
    px: (y, x) => [(x - left) * cw, (y - top) * ch],
    cell: (px, py) => [clamp(Math.round(py / ch + top), block.height), clamp(Math.round(px / cw + left), block.width)],
  };
}

const MARGIN = 0.06; // of the picture's side, left free so that points outside the frame can be drawn

/** The view of a whole picture with its margin. */
export function wholeView(block, side) {
  const wide = 1 / (1 - 2 * MARGIN);
  const [height, width] = [block.height, block.width];
  return windowOn(block, side, [(height - 1) / 2, (width - 1) / 2], [height * wide, width * wide]);
}

/** Cells across the close-up: the kernel, and two cells more on every side. */
export function closeUpCells(block) {
  return block.dilation * (block.kernel - 1) + 5;
}

/** The close-up of a cell's surroundings. */
export function closeView(block, side, y, x) {
  const cells = closeUpCells(block);
  return windowOn(block, side, [y, x], [cells, cells * block.stride[1] / block.stride[2]]);
}
