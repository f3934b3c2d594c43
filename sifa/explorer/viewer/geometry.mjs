// Where things are: sampled points, displacement, and the ways between cells, pictures and time. Pure functions.
import { STEPS_PER_CELL, offsetAt, weightAt } from './decode.mjs';

/**
 * What the model read for one query cell: per neighbour its place in the regular grid (tap), the offset, the sampled
 * point, all (y, x) in cells, the weight, and whether the point lies outside the map, where values count 0.
 */
export function readout(block, pair, y, x) {
  const first = -Math.floor((block.dilation * (block.kernel - 1) + 1) / 2);
  const neighbours = [];
  for (let tap = 0; tap < block.taps; tap++) {
    const ty = y + first + Math.floor(tap / block.kernel) * block.dilation;
    const tx = x + first + (tap % block.kernel) * block.dilation;
    const [dy, dx] = offsetAt(block, pair, tap, y, x);
    const point = [ty + dy, tx + dx];
    neighbours.push({ tap: [ty, tx], offset: [dy, dx], point, weight: weightAt(block, pair, tap, y, x),
      outside: isOutside(point, block) });
  }
  const total = neighbours.reduce((sum, n) => sum + Math.abs(n.weight), 0) || 1;
  const mean = axis => neighbours.reduce((sum, n) => sum + Math.abs(n.weight) * (n.point[axis] - [y, x][axis]), 0) / total;
  return { y, x, neighbours, sum: neighbours.reduce((sum, n) => sum + n.weight, 0), displacement: [mean(0), mean(1)] };
}

export function isOutside([y, x], block) {
  return !(y > -1 && y < block.height && x > -1 && x < block.width);
}

/** Displacement (dy, dx) of every cell of a pair, cell by cell: Float32Array of 2 * height * width. */
export function displacementField(block, pair) {
  const cells = block.height * block.width;
  const first = -Math.floor((block.dilation * (block.kernel - 1) + 1) / 2);
  const [low, high] = block.range[pair];
  const total = new Float32Array(cells).fill(1e-12);
  const field = new Float32Array(2 * cells);
  for (let tap = 0; tap < block.taps; tap++) {
    const ty = first + Math.floor(tap / block.kernel) * block.dilation;
    const tx = first + (tap % block.kernel) * block.dilation;
    const weights = (pair * block.taps + tap) * cells;
    const offsets = 2 * weights;
    for (let i = 0; i < cells; i++) {
      const w = Math.abs(low + block.attention[weights + i] * (high - low) / 255);
      total[i] += w;
      field[2 * i] += w * (ty + block.offset[offsets + i] / STEPS_PER_CELL);
      field[2 * i + 1] += w * (tx + block.offset[offsets + cells + i] / STEPS_PER_CELL);
    }
  }
  for (let i = 0; i < cells; i++) { field[2 * i] /= total[i]; field[2 * i + 1] /= total[i]; }
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

/** Input frames [first, end) that a time step covers, and the one that pictures it. */
export function framesOfStep(step, block, count) {
  const first = Math.round(step * block.stride[0]);
  const end = Math.min(count, Math.round((step + 1) * block.stride[0]));
  return { first, end, middle: Math.min(count - 1, first + Math.floor((end - first) / 2)) };
}

/** The square that the model saw, in pixels of the stored frames. */
export function cropBox(crop) {
  return { top: crop.top / crop.scale, left: crop.left / crop.scale, side: crop.size / crop.scale };
}

/** The cell of another block at the same place. */
export function sameplace(y, x, from, to) {
  const move = (v, a, b) => Math.min(b - 1, Math.floor((v + 0.5) * b / a));
  return [move(y, from.height, to.height), move(x, from.width, to.width)];
}

/** Draw every n-th arrow so that they stay at least `least` pixels apart. */
export function arrowEvery(block, side, least = 15) {
  return Math.max(1, Math.ceil(least * block.width / side));
}
