// The small pieces that lists of marks are made of.
/** @import { View } from '../trace/types' */
/** @import { Arrowheads, Lines, Path, Stroke } from './types' */

const CASING = { colour: 'rgba(0,0,0,.75)', width: 2.2 }; // times as wide as what it holds
const BARB = 2.55; // radians between an arrow and its barbs

/**
 * Paths in one colour, or each in its own, stroked dark, then light.
 * @param {{path: Path, colour: string}[]} parts
 * @param {number} width
 * @param {Partial<Stroke>} more
 * @returns {Stroke}
 */
export const stroked = (parts, width, more = {}) => ({
  kind: 'stroke', parts, width, dash: [], casing: { ...CASING, width: width * CASING.width, dash: [] }, round: false, ...more,
});

/**
 * @param {Path} path
 * @param {string} colour
 * @param {number} width
 * @param {Partial<Stroke>} [more]
 */
export const strokedPath = (path, colour, width, more) => stroked([{ path, colour }], width, more);

/**
 * @param {number[][]} lines
 * @returns {Lines}
 */
export const lines = lines => ({ shape: 'lines', lines });

/**
 * @param {number[]} ends x and y of both ends of each
 * @param {number} head
 * @returns {Arrowheads}
 */
export const arrows = (ends, head) => ({ shape: 'arrows', ends, head });

/**
 * Both ends of an arrow from a place, in pixels.
 * @param {View} view
 * @param {number} y
 * @param {number} x
 * @param {number} dy
 * @param {number} dx
 */
export const arrowEnds = (view, y, x, dy, dx) => [...view.px(y, x), ...view.px(y + dy, x + dx)];

/**
 * Call with the two barbs and the tip of each arrow: draw(x0, y0, x1, y1, left x, left y, right x, right y).
 * @param {Arrowheads} path
 * @param {(...at: [number, number, number, number, number, number, number, number]) => void} draw
 */
export function eachArrow({ ends, head: most }, draw) {
  for (let i = 0; i < ends.length; i += 4) {
    const x0 = ends[i], y0 = ends[i + 1], x1 = ends[i + 2], y1 = ends[i + 3];
    const head = Math.min(most, 0.45 * Math.hypot(x1 - x0, y1 - y0));
    const angle = Math.atan2(y1 - y0, x1 - x0);
    draw(x0, y0, x1, y1, x1 + head * Math.cos(angle + BARB), y1 + head * Math.sin(angle + BARB),
      x1 + head * Math.cos(angle - BARB), y1 + head * Math.sin(angle - BARB));
  }
}
