// Marks of pins that have letters: their tags, and the small marks of those that are not the query.
import { LETTERS } from '../state/pins.mjs';
import { displacementMark, outlineMark } from './cell.mjs';
import { trackPath } from './frame.mjs';
import { PINS } from './palette.mjs';
/** @import { Place, ReadOut, View } from '../trace/types' */
/** @import { ShownPin } from '../state/types' */
/** @import { Disc, Mark, Tag } from './types' */

const [TAG, SMALL_TAG] = [17, 14]; // CSS pixels across
const SMALL = 3; // CSS pixels of a small disc's radius

/**
 * The letter of a pin over the upper left corner of its cell, kept within the view.
 * @param {View} view
 * @param {{y: number, x: number}} cell
 * @param {number} index
 * @param {number} ratio
 * @returns {Tag}
 */
export function tagMark(view, { y, x }, index, ratio, small = false) {
  const size = (small ? SMALL_TAG : TAG) * ratio;
  const [cx, cy] = view.px(y, x);
  const seen = [cx, cy].every(v => v >= 0 && v <= view.side);
  const within = (/** @type {number} */ v) => (seen ? Math.max(ratio, Math.min(view.side - size - ratio, v)) : v);
  return {
    kind: 'tag', x: within(cx - view.cw / 2 - 2 * ratio), y: within(cy - view.ch / 2 - size - ratio), size,
    text: LETTERS[index], colour: PINS[index], width: 1.5 * ratio,
  };
}

/**
 * A pin that is not the query, in frame t: its track or its arrow, its cell, its letter.
 * @param {View} view
 * @param {ShownPin} pin
 * @param {boolean} arrow
 * @param {number} ratio
 * @returns {Mark[]}
 */
export function restingQueryMarks(view, { index, read, track }, arrow, ratio) {
  const colour = PINS[index];
  return [
    ...(track ? trackPath(view, track, colour, ratio) : []),
    outlineMark(view, read, ratio, { colour }),
    ...(arrow && !track ? [displacementMark(view, read, ratio, colour, 0.8)] : []),
    tagMark(view, read, index, ratio, true),
  ];
}

/**
 * The same in frame t + 1: where the cell was, its points, its arrow, its letter.
 * @param {View} view
 * @param {ShownPin} pin
 * @param {number} ratio
 * @returns {Mark[]}
 */
export function restingKeyMarks(view, { index, read }, ratio) {
  const colour = PINS[index];
  const edge = 2 * SMALL * ratio;
  const place = (/** @type {Place} */ at) => view.px(...at)
    .map(v => (view.whole ? Math.max(edge, Math.min(view.side - edge, v)) : v));
  return [
    outlineMark(view, read, ratio, { faint: true, colour }),
    ...read.points.map((point, tap) => smallDisc(place(point), read, tap, colour, ratio)),
    displacementMark(view, read, ratio, colour, 0.8),
    tagMark(view, read, index, ratio, true),
  ];
}

/**
 * @param {number[]} place in pixels
 * @param {ReadOut} read
 * @param {number} tap
 * @param {string} colour
 * @param {number} ratio
 * @returns {Disc}
 */
function smallDisc([x, y], { weights, outside }, tap, colour, ratio) {
  return {
    kind: 'disc', x, y, radius: SMALL * ratio, fill: outside[tap] ? null : colour, edge: outside[tap] ? colour : '#000',
    width: ratio, weight: weights[tap],
  };
}
