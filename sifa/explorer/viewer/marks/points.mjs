// The points that a query read, as discs: how full one is says whether it counts more than even, its area how much. In the
// close-up they are pushed apart, with lines to where they are.
import { amountOf, evenness } from '../trace/terms.mjs';
import { lines, strokePath } from './shapes.mjs';
/** @import { Place, ReadOut, View } from '../trace/types' */
/** @import { Disc, Mark } from './types' */

const EDGE = 6; // CSS pixels from a picture's edge to a point off it
const [ROUNDS, GAP, MOVED] = [60, 1.5, 2]; // of pushing apart; CSS pixels between discs, and from which on a line is drawn
const TURN = 2.4; // radians between the ways in which discs at one place are pushed
const HOLLOW = 'rgba(0,0,0,.38)';

/**
 * Where a disc is, and how large, in pixels; `home` is where its point is.
 * @typedef {{x: number, y: number, radius: number, home: number[]}} Spot
 */

/**
 * The disc of each point. Points off the view are put at its edge if `keep`; else all are pushed apart.
 * @param {View} view
 * @param {ReadOut} read
 * @param {number} ratio
 * @param {boolean} keep
 * @returns {Spot[]}
 */
export function spotsOf(view, read, ratio, keep) {
  const even = Math.max(2.2, Math.min(6, 0.18 * view.cw / ratio)) * ratio;
  const edge = EDGE * ratio;
  const inside = (/** @type {number} */ v) => (keep && view.whole ? Math.max(edge, Math.min(view.side - edge, v)) : v);
  const spots = evenness(read).map((times, tap) => {
    const [x, y] = view.px(...read.points[tap]).map(inside);
    return { x, y, radius: Math.max(1.4 * ratio, even * Math.sqrt(Math.min(9, times))), home: [x, y] };
  });
  if (!keep) pushApart(spots, GAP * ratio);
  return spots;
}

/**
 * Push overlapping discs apart, a little each round and each as far as the other.
 * @param {Spot[]} spots
 * @param {number} gap
 */
function pushApart(spots, gap) {
  for (let round = 0, moved = true; moved && round < ROUNDS; round++) {
    moved = false;
    for (let i = 1; i < spots.length; i++) {
      for (let k = 0; k < i; k++) {
        const [a, b] = [spots[i], spots[k]];
        const need = a.radius + b.radius + gap;
        let dx = a.x - b.x, dy = a.y - b.y, far = Math.hypot(dx, dy);
        if (far >= need - 0.01) continue;
        if (far < 1e-6) [dx, dy, far] = [Math.cos(TURN * i), Math.sin(TURN * i), 1];
        const push = (need - Math.hypot(a.x - b.x, a.y - b.y)) / 2 / far;
        a.x += push * dx; a.y += push * dy;
        b.x -= push * dx; b.y -= push * dy;
        moved = true;
      }
    }
  }
}

/**
 * Base taps, offsets and sampled points of a query, in its hue.
 * @param {View} view
 * @param {ReadOut} read
 * @param {number} ratio
 * @param {boolean} keep points in view at their places, or pushed apart
 * @param {string} hue
 * @returns {Mark[]}
 */
export function neighbourMarks(view, read, ratio, keep, hue) {
  const spots = spotsOf(view, read, ratio, keep);
  const edge = EDGE * ratio;
  const inside = (/** @type {number} */ v) => (keep && view.whole ? Math.max(edge, Math.min(view.side - edge, v)) : v);
  const place = (/** @type {Place} */ [y, x]) => view.px(y, x).map(inside);
  const arm = Math.min(3.2 * ratio, 0.13 * view.cw);
  const times = evenness(read);
  const order = [...times.keys()].sort((a, b) => times[b] - times[a]);
  const crosses = lines(order.flatMap(tap => {
    const [x, y] = place(read.taps[tap]);
    return [[x - arm, y, x + arm, y], [x, y - arm, x, y + arm]];
  }));
  const away = spots.filter(({ x, y, home }) => Math.hypot(x - home[0], y - home[1]) > MOVED * ratio);
  return [
    strokePath(lines(order.map(tap => [...place(read.taps[tap]), ...spots[tap].home])), '#fff', 1.1 * ratio),
    ...(away.length ? [strokePath(lines(away.map(({ x, y, home }) => [...home, x, y])), hue, ratio)] : []),
    ...away.map(({ home: [x, y] }) => /** @type {Disc} */ (
      { kind: 'disc', x, y, radius: 1.2 * ratio, fill: hue, edge: '#000', width: 0.6 * ratio })),
    ...order.flatMap(tap => pointMarks(spots[tap], read, tap, times[tap], hue, ratio)),
    strokePath(crosses, '#fff', 1.2 * ratio),
  ];
}

/**
 * A sampled point: full where it counts more than even, half full where about even, hollow where less; dashed where it
 * lies outside the frame, with a minus where its weight is below 0.
 * @param {Spot} spot
 * @param {ReadOut} read
 * @param {number} tap
 * @param {number} times
 * @param {string} hue
 * @param {number} ratio
 * @returns {Mark[]}
 */
function pointMarks({ x, y, radius }, { weights, outside }, tap, times, hue, ratio) {
  const weight = weights[tap], arm = 0.55 * radius;
  const amount = amountOf(times);
  /** @type {Disc} */
  const disc = {
    kind: 'disc', x, y, radius, edge: hue, weight, width: 1.5 * ratio,
    fill: outside[tap] ? null : amount === 'less' ? HOLLOW : hue,
    ...(amount === 'even' && !outside[tap] ? { half: true } : {}), ...(outside[tap] ? { dash: [2.5 * ratio, 2 * ratio] } : {}),
  };
  if (outside[tap] || weight >= 0) return [disc];
  return [disc, strokePath(lines([[x - arm, y, x + arm, y]]), '#fff', 1.2 * ratio)];
}
