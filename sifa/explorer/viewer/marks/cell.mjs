// Marks of one cell: its outline, where its attention went, who reads it, and a what-if's ghost.
import { GHOST, KEY, QUERY, readerColour } from './palette.mjs';
import { arrowEnds, arrows, strokePath, strokePaths } from './shapes.mjs';
/** @import { ReadOut, Reader, View } from '../trace/types' */
/** @import { Disc, Path } from './types' */

/**
 * The outline of the query cell; `faint` in the next frame, for reference.
 * @param {View} view
 * @param {{y: number, x: number}} cell
 * @param {number} ratio
 * @param {{pinned?: boolean, faint?: boolean, colour?: string}} about
 */
export function outlineMark(view, { y, x }, ratio, { pinned = false, faint = false, colour = QUERY } = {}) {
  const [cx, cy] = view.px(y, x);
  /** @type {Path} */
  const path = { shape: 'rects', rects: [[cx - view.cw / 2, cy - view.ch / 2, view.cw, view.ch]] };
  if (!faint) return strokePath(path, colour, (pinned ? 3 : 2) * ratio);
  return strokePath(path, colour, 1.2 * ratio, { dash: [3 * ratio, 3 * ratio], casing: null });
}

/**
 * The arrow from the query cell to where its attention went; a dot where it stayed.
 * @param {View} view
 * @param {ReadOut} read
 * @param {number} ratio
 * @param {string} colour
 * @param {number} size 1 for the query cell's
 */
export function displacementMark(view, { y, x, displacement: [dy, dx] }, ratio, colour = KEY, size = 1) {
  const ends = arrowEnds(view, y, x, dy, dx);
  /** @type {Path} */
  const path = Math.hypot(ends[2] - ends[0], ends[3] - ends[1]) < 3 * ratio
    ? { shape: 'circle', x: ends[0], y: ends[1], radius: 2.5 * size * ratio } : arrows(ends, 9 * size * ratio);
  return strokePath(path, colour, 2.4 * size * ratio, { round: true });
}

/**
 * Sampled points of the changed run as dashed rings, and where its attention went as a dashed arrow.
 * @param {View} view
 * @param {ReadOut} ghost
 * @param {number} ratio
 */
export function ghostMark(view, ghost, ratio, points = true) {
  const ends = arrowEnds(view, ghost.y, ghost.x, ...ghost.displacement);
  const radius = Math.max(3, Math.min(8, 0.24 * view.cw / ratio)) * ratio;
  /** @type {Path[]} */
  const rings = (points ? ghost.points : []).map(point => {
    const [x, y] = view.px(...point);
    return { shape: 'circle', x, y, radius };
  });
  const parts = [arrows(ends, 8 * ratio), ...rings].map(path => ({ path, colour: GHOST }));
  return strokePaths(parts, 1.7 * ratio, { dash: [3.5 * ratio, 3 * ratio] });
}

/**
 * The queries that read a place: a disc each, whose area and colour follow its weight; the largest on top.
 * @param {View} view
 * @param {Reader[]} readers
 * @param {number} ratio
 * @returns {Disc[]}
 */
export function readerMarks(view, readers, ratio) {
  const most = readers[0]?.weight ?? 1;
  return [...readers].reverse().map(reader => {
    const [x, y] = view.px(reader.y, reader.x);
    const share = reader.weight / most;
    const radius = Math.max(1.6 * ratio, 0.46 * Math.min(view.cw, view.ch) * Math.sqrt(share));
    return {
      kind: 'disc', x, y, radius, fill: readerColour(share), edge: '#fff', width: 1.2 * ratio, weight: reader.weight,
    };
  });
}
