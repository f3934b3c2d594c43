// What a term of the equation stands for, lit up, and which mark lies under the pointer.
import { bilinearCorners } from '../trace/terms.mjs';
import { KEY, QUERY } from './palette.mjs';
import { lines, strokePath } from './shapes.mjs';
/** @import { Block, Place, ReadOut, View } from '../trace/types' */
/** @import { Lit } from '../state/types' */
/** @import { Spot } from './points.mjs' */
/** @import { Mark, Path, Rects } from './types' */

/**
 * @param {ReadOut} read
 * @returns {Place}
 */
const arrowEnd = ({ y, x, displacement: [dy, dx] }) => [y + dy, x + dx];

/**
 * The cells, the line or the place that a term is about; `next` in frame t + 1, else in frame t.
 * @param {Block} block
 * @param {ReadOut} read
 * @param {number} tap
 * @param {string} lit
 * @param {boolean} next
 * @returns {{cells?: {y: number, x: number}[], line?: Place[], ring?: Place}}
 */
function partOf(block, read, tap, lit, next) {
  const { y, x } = read;
  const point = read.points[tap];
  if (lit === 'difference') return { cells: [read] };
  if (lit === 'displacement') return { line: [[y, x], arrowEnd(read)] };
  if (lit === 'query' || lit === 'output' || lit === 'compared') return next ? {} : { cells: [read] };
  if (!next) return {};
  if (lit === 'gate') {
    return { cells: [-1, 0, 1].flatMap(down => [-1, 0, 1].map(across => ({ y: y + down, x: x + across }))) };
  }
  if (lit === 'value') return { cells: bilinearCorners(point, block) };
  if (lit.startsWith('corner')) return { cells: [bilinearCorners(point, block)[Number(lit.slice('corner'.length))]] };
  if (lit === 'offset') return { line: [read.taps[tap], point] };
  return { ring: lit === 'tap' ? read.taps[tap] : point };
}

/**
 * Light up what a term of the equation stands for.
 * @param {View} view
 * @param {Block} block
 * @param {ReadOut} read
 * @param {number} tap
 * @param {string} lit
 * @param {boolean} next
 * @param {number} ratio
 * @param {Spot | null} spot the disc of the point, where it is not drawn at its place
 * @returns {Mark[]}
 */
export function litMarks(view, block, read, tap, lit, next, ratio, spot = null) {
  const { cells, line, ring } = partOf(block, read, tap, lit, next);
  /** @type {Path | undefined} */
  let path;
  if (cells) path = { shape: 'rects', rects: cells.map(({ y, x }) => cellRect(view, y, x)) };
  else if (line) path = lines([line.flatMap(place => view.px(...place))]);
  else if (ring) {
    const [x, y] = spot && lit !== 'tap' ? [spot.x, spot.y] : view.px(...ring);
    path = { shape: 'circle', x, y, radius: Math.max(7 * ratio, spot ? spot.radius + 4 * ratio : 0.3 * view.cw) };
  }
  if (!path) return [];
  const colour = { query: QUERY, displacement: KEY }[lit] ?? '#fff';
  return [strokePath(path, colour, 3.4 * ratio, { casing: { colour: 'rgba(0,0,0,.8)', width: 7 * ratio, dash: [] } })];
}

/**
 * @param {View} view
 * @param {number} y
 * @param {number} x
 * @returns {Rects['rects'][number]}
 */
function cellRect(view, y, x) {
  const [right, bottom] = view.px(y + 0.5, x + 0.5);
  return [right - view.cw, bottom - view.ch, view.cw, view.ch];
}

/**
 * What lies under a pixel of a view, or null: a mark within reach; else, in the `next` frame, a cell that bilinear
 * reading mixes for the neighbour `tap`; else the query.
 * @param {View} view
 * @param {Block} block
 * @param {ReadOut} read
 * @param {number} tap
 * @param {boolean} next
 * @param {number} px
 * @param {number} py
 * @param {number} reach
 * @param {Spot[] | null} spots the discs of the points, where they are not drawn at their places
 * @returns {Lit | null}
 */
export function markAt(view, block, read, tap, next, px, py, reach, spots = null) {
  /** @type {{term: string, tap: number | null, place: Place}[]} */
  const marks = (next ? read.points : []).flatMap(([y, x], n) => [
    { term: 'point', tap: n, place: [y, x] }, { term: 'tap', tap: n, place: read.taps[n] },
    { term: 'offset', tap: n, place: [(y + read.taps[n][0]) / 2, (x + read.taps[n][1]) / 2] },
  ]);
  const far = (/** @type {{place: Place}} */ { place }) => {
    const at = view.px(...place);
    return Math.hypot(at[0] - px, at[1] - py);
  };
  const onDisc = spots?.findIndex(({ x, y, radius }) => Math.hypot(x - px, y - py) <= radius + 1) ?? -1;
  if (next && onDisc >= 0) return { term: 'point', tap: onDisc };
  const nearest = marks.reduce(
    (a, b) => (far(b) < far(a) ? b : a), { term: 'displacement', tap: null, place: arrowEnd(read) });
  if (far(nearest) <= reach) return { term: nearest.term, tap: nearest.tap };
  const under = (/** @type {{y: number, x: number}} */ { y, x }) => {
    const [cx, cy] = view.px(y, x);
    return Math.abs(cx - px) < view.cw / 2 && Math.abs(cy - py) < view.ch / 2;
  };
  const corner = next ? bilinearCorners(read.points[tap], block).findIndex(under) : -1;
  if (corner >= 0) return { term: `corner${corner}`, tap };
  return under(read) ? { term: 'query', tap: null } : null;
}
