// One vector or one number per cell: arrows, true motion, heat maps, and who reads a place. Pure functions.
import { STEPS_PER_CELL } from './decode.mjs';
import { cropBox, displacementField, neighbourGrid } from './geometry.mjs';
/** @import { Arrows, Block, Crop, Grid, Measure, Reader, Trace, Truth } from './types' */

/**
 * Call visit(cell, weight, dy, dx, oy, ox) for every neighbour of every cell; (dy, dx) is its point less the query, and
 * (oy, ox) its offset.
 * @param {Block} block
 * @param {number} pair
 * @param {(i: number, weight: number, dy: number, dx: number, oy: number, ox: number) => void} visit
 */
function eachNeighbour(block, pair, visit) {
  const cells = block.height * block.width;
  const [low, high] = block.range[pair];
  neighbourGrid(block).forEach(([ty, tx], tap) => {
    const weights = (pair * block.taps + tap) * cells;
    for (let i = 0; i < cells; i++) {
      const weight = low + block.attention[weights + i] * (high - low) / 255;
      const at = 2 * weights + i;
      const oy = block.offset[at] / STEPS_PER_CELL, ox = block.offset[at + cells] / STEPS_PER_CELL;
      const y = block.anchored ? Math.floor(i / block.width) : 0, x = block.anchored ? i % block.width : 0;
      visit(i, weight, ty + oy - y, tx + ox - x, oy, ox);
    }
  });
}

/**
 * Arrows [dy, dx] of every cell, in cells: 2 * height * width numbers. 'displacement' is the mean of points - query
 * weighted by |weight|, 'offset' the plain mean of the offsets, 'strongest' points - query of the neighbour with the
 * largest |weight|.
 * @param {Block} block
 * @param {number} pair
 * @param {Arrows} arrows
 */
export function arrowField(block, pair, arrows) {
  if (arrows === 'displacement') return displacementField(block, pair);
  const field = new Float32Array(2 * block.height * block.width);
  if (arrows === 'strongest') {
    const most = new Float64Array(field.length / 2).fill(-1);
    eachNeighbour(block, pair, (i, weight, dy, dx) => {
      if (Math.abs(weight) <= most[i]) return;
      [most[i], field[2 * i], field[2 * i + 1]] = [Math.abs(weight), dy, dx];
    });
    return field;
  }
  eachNeighbour(block, pair, (i, weight, dy, dx, oy, ox) => {
    field[2 * i] += oy / block.taps;
    field[2 * i + 1] += ox / block.taps;
  });
  return field;
}

/**
 * Mean length of a block's displacement over pairs and cells, in cells.
 * @param {Block} block
 */
export function meanLength(block) {
  let sum = 0;
  for (let pair = 0; pair < block.pairs; pair++) {
    const field = displacementField(block, pair);
    for (let i = 0; i < field.length; i += 2) sum += Math.hypot(field[i], field[i + 1]);
  }
  return sum / (block.pairs * block.height * block.width);
}

/**
 * True displacement of a pair on a block's grid; null where it is unknown.
 * @param {Trace} trace
 * @param {{block: number, pair: number}} where
 * @returns {Truth | null}
 */
export function trueField(trace, { block, pair }) {
  const { pairs, height, width } = trace.blocks[block];
  const found = trace.true_flow.find(flow => flow.pairs === pairs && flow.height === height && flow.width === width);
  if (!found) return null;
  const cells = height * width;
  const along = (/** @type {number} */ axis, /** @type {number} */ i) =>
    found.flow[(2 * pair + axis) * cells + i] / STEPS_PER_CELL;
  return { at: i => [along(0, i), along(1, i)], visible: found.visible.subarray(pair * cells, (pair + 1) * cells) };
}

/**
 * The queries of a pair that read the cell (y, x) of the next frame, the greatest share first. A query's `weight` is
 * the sum over its neighbours of |attention| times the bilinear weight that the sampled point gives to that cell,
 * max(0, 1 - |dy|) * max(0, 1 - |dx|).
 * @param {Block} block
 * @param {number} pair
 * @param {number} y
 * @param {number} x
 * @returns {Reader[]}
 */
export function readersOf(block, pair, y, x) {
  const total = new Float64Array(block.height * block.width);
  eachNeighbour(block, pair, (i, weight, dy, dx) => {
    const down = Math.abs(Math.floor(i / block.width) + dy - y);
    const across = Math.abs(i % block.width + dx - x);
    if (down < 1 && across < 1) total[i] += Math.abs(weight) * (1 - down) * (1 - across);
  });
  /** @type {Reader[]} */
  const readers = [];
  total.forEach((weight, i) => {
    if (weight > 0) readers.push({ y: Math.floor(i / block.width), x: i % block.width, weight });
  });
  return readers.sort((a, b) => b.weight - a.weight);
}

/**
 * Saliency of every cell of a pair: the root mean square over channels of what the offsets were read from.
 * @param {Block} block
 * @param {number} pair
 */
export function saliencyMap(block, pair) {
  const cells = block.height * block.width;
  const steps = block.saliency.subarray(pair * cells, (pair + 1) * cells);
  return Float32Array.from(steps, v => v * block.saliency_max / 255);
}

/**
 * Pixels [first, end) of each of `count` parts of a line; a part without the centre of a pixel takes the nearest.
 * @param {number} start
 * @param {number} side
 * @param {number} count
 * @param {number} end
 */
function pixelsOfParts(start, side, count, end) {
  return Array.from({ length: count }, (_, i) => {
    const at = (/** @type {number} */ v) => Math.max(0, Math.min(end, Math.ceil(start + v * side / count - 0.5)));
    const [first, last] = [at(i), at(i + 1)];
    if (last > first) return [first, last];
    const nearest = Math.max(0, Math.min(end - 1, Math.floor(start + (i + 0.5) * side / count)));
    return [nearest, nearest + 1];
  });
}

/**
 * How far two pictures of one size differ in every cell: the mean over the pixels whose centres lie in it, and over red,
 * green and blue, of |difference| / 255; a cell without a pixel takes the nearest.
 * @param {Pick<ImageData, 'data' | 'width' | 'height'>} from
 * @param {Pick<ImageData, 'data' | 'width' | 'height'>} to
 * @param {Grid} grid
 * @param {Crop} crop
 */
export function differenceMap(from, to, grid, crop) {
  const { top, left, side } = cropBox(crop);
  const rows = pixelsOfParts(top, side, grid.height, from.height);
  const columns = pixelsOfParts(left, side, grid.width, from.width);
  return Float32Array.from({ length: rows.length * columns.length }, (_, i) => {
    const [y0, y1] = rows[Math.floor(i / columns.length)];
    const [x0, x1] = columns[i % columns.length];
    let sum = 0;
    for (let y = y0; y < y1; y++) {
      for (let at = 4 * (y * from.width + x0); at < 4 * (y * from.width + x1); at += 4) {
        for (let c = at; c < at + 3; c++) sum += Math.abs(to.data[c] - from.data[c]);
      }
    }
    return sum / (765 * (y1 - y0) * (x1 - x0));
  });
}

/**
 * One number per cell for the contact sheet. 'offset': mean length of the offsets, in cells; 'entropy': of |weight|
 * over the neighbours, 0 (all on one) to 1 (all alike); 'outside': share of the sampled points that lie outside the
 * frame.
 * @param {Block} block
 * @param {number} pair
 * @param {Measure} measure
 */
export function measureMap(block, pair, measure) {
  const cells = block.height * block.width;
  const map = new Float32Array(cells);
  if (measure === 'offset') {
    eachNeighbour(block, pair, (i, weight, dy, dx, oy, ox) => { map[i] += Math.hypot(oy, ox) / block.taps; });
  } else if (measure === 'outside') {
    eachNeighbour(block, pair, (i, weight, dy, dx) => {
      const [y, x] = [Math.floor(i / block.width) + dy, i % block.width + dx];
      if (!(y > -1 && y < block.height && x > -1 && x < block.width)) map[i] += 1 / block.taps;
    });
  } else {
    const total = new Float64Array(cells), information = new Float64Array(cells);
    eachNeighbour(block, pair, (i, weight) => {
      const w = Math.abs(weight);
      total[i] += w;
      if (w > 0) information[i] += w * Math.log(w);
    });
    const most = Math.log(block.taps) || 1;
    for (let i = 0; i < cells; i++) {
      map[i] = total[i] ? Math.max(0, (Math.log(total[i]) - information[i] / total[i]) / most) : 0;
    }
  }
  return map;
}

/**
 * Mean of a map.
 * @param {Float32Array} map
 */
export const meanOf = map => map.reduce((sum, v) => sum + v, 0) / map.length;
