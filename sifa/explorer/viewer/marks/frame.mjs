// Marks of a whole picture: a frame of the clip, the lines between cells, heat maps, and the arrows of all cells.
import { cropBox } from '../trace/geometry.mjs';
import { TRACK, TRUE, sectorColour, sectorOf } from './palette.mjs';
import { arrowEnds, arrows, lines, strokePath, strokePaths } from './shapes.mjs';
/** @import { Crop, Grid, Heat, TrackPoint, Truth, View } from '../trace/types' */
/** @import { Area, Mark, Stroke } from './types' */

/**
 * Where the square that the model saw lies.
 * @param {View} view
 * @param {Grid} grid
 * @returns {Area}
 */
function areaOf(view, { height, width }) {
  const [left, top] = view.px(-0.5, -0.5);
  const [right, bottom] = view.px(height - 0.5, width - 0.5);
  return { x: left, y: top, width: right - left, height: bottom - top };
}

/**
 * The square that the model saw of an input frame; hatched ground where there is no picture.
 * @param {View} view
 * @param {Grid} grid
 * @param {number} index
 * @param {Crop} crop
 * @param {number} ratio
 * @param {'low' | 'high'} smoothing
 * @returns {Mark[]}
 */
export function frameMarks(view, grid, index, crop, ratio, smoothing = 'high') {
  const { side } = view;
  const area = areaOf(view, grid);
  const { x, y, width, height } = area;
  /** @type {Mark[]} */
  const hatch = Math.max(x, y) > 0 || Math.min(x + width, y + height) < side ? [hatchMark(side, ratio)] : [];
  return [{ kind: 'ground', side }, ...hatch, { kind: 'picture', index, box: cropBox(crop), smoothing, ...area }];
}

/**
 * @param {number} side
 * @param {number} ratio
 */
function hatchMark(side, ratio) {
  const slanted = [];
  for (let d = -side; d < side; d += 9 * ratio) slanted.push([d, 0, d + side, side]);
  return strokePath(lines(slanted), 'rgba(255,255,255,.1)', ratio, { casing: null });
}

/**
 * Thin lines between the cells in view.
 * @param {View} view
 * @param {number} ratio
 */
export function gridMark(view, ratio) {
  const [y0, x0] = view.cell(0, 0);
  const [y1, x1] = view.cell(view.side, view.side);
  const between = [];
  for (let y = y0; y <= y1 + 1; y++) between.push([...view.px(y - 0.5, x0 - 0.5), ...view.px(y - 0.5, x1 + 0.5)]);
  for (let x = x0; x <= x1 + 1; x++) between.push([...view.px(y0 - 0.5, x - 0.5), ...view.px(y1 + 0.5, x - 0.5)]);
  return strokePath(lines(between), 'rgba(255,255,255,.28)', ratio, { casing: null });
}

/**
 * A heat map over the cells.
 * @param {View} view
 * @param {Grid} grid
 * @param {Pick<Heat, 'map' | 'most'>} heat
 * @returns {Mark}
 */
export function heatMark(view, grid, { map, most }) {
  return { kind: 'heat', map, most, rows: grid.height, columns: grid.width, ...areaOf(view, grid) };
}

/**
 * Arrows of a field, every n-th, true to scale; a dot where one is shorter than two pixels. `tinted` colours them by
 * direction.
 * @param {View} view
 * @param {Grid} grid
 * @param {Float32Array} field
 * @param {number} every
 * @param {boolean} tinted
 * @param {number} ratio
 * @returns {Mark[]}
 */
export function quiverMarks(view, { height, width }, field, every, tinted, ratio) {
  /** @type {number[]} */
  const still = [];
  const near = (/** @type {number[]} */ place) => place.every(v => v > -view.cw && v < view.side + view.cw);
  /** @type {Map<number, number[]>} */
  const groups = new Map(); // many small paths are stroked faster than a large one
  for (let y = every >> 1; y < height; y += every) {
    for (let x = every >> 1; x < width; x += every) {
      const i = 2 * (y * width + x);
      const from = view.px(y, x);
      const to = view.px(y + field[i], x + field[i + 1]);
      if (!(view.whole || near(from) || near(to))) continue;
      if (Math.hypot(to[0] - from[0], to[1] - from[1]) < 2 * ratio) {
        still.push(from[0], from[1]);
        continue;
      }
      const group = tinted ? sectorOf(field[i], field[i + 1]) : y;
      let ends = groups.get(group);
      if (!ends) groups.set(group, ends = []);
      ends.push(from[0], from[1], to[0], to[1]);
    }
  }
  const parts = [...groups].map(([group, ends]) =>
    ({ path: arrows(ends, 5 * ratio), colour: tinted ? sectorColour(group) : '#fff' }));
  return [strokePaths(parts, 1.2 * ratio), { kind: 'dots', points: still, size: 1.4 * ratio }];
}

/**
 * True displacement of every n-th visible cell, under the arrows of the attention.
 * @param {View} view
 * @param {Grid} grid
 * @param {Truth} truth
 * @param {number} every
 * @param {number} ratio
 */
export function truthMark(view, { height, width }, { at, visible }, every, ratio) {
  const ends = [];
  for (let y = every >> 1; y < height; y += every) {
    for (let x = every >> 1; x < width; x += every) {
      const i = y * width + x;
      if (visible[i]) ends.push(...arrowEnds(view, y, x, ...at(i)));
    }
  }
  return strokePath(arrows(ends, 8 * ratio), TRUE, 2.8 * ratio);
}

/**
 * The attention's track with its spread as ellipses, and the rigid grid's, dashed.
 * @param {View} view
 * @param {TrackPoint[]} track
 * @param {TrackPoint[]} rigid
 * @param {number} ratio
 * @param {string} colour
 * @returns {Mark[]}
 */
export function trackMarks(view, track, rigid, ratio, colour = TRACK) {
  const ellipses = track.slice(1).map(({ place, spread }) => {
    const [x, y] = view.px(...place);
    return { x, y, across: spread[1] * view.cw, down: spread[0] * view.ch };
  });
  return [
    { kind: 'ellipses', ellipses, colour: 'rgba(140,245,160,.26)' },
    dashCasing(strokePath(linesOf(view, rigid), '#fff', 1.4 * ratio, { dash: [4 * ratio, 4 * ratio] })),
    ...trackPath(view, track, colour, ratio),
  ];
}

/**
 * @param {View} view
 * @param {TrackPoint[]} points
 */
const linesOf = (view, points) => lines([points.flatMap(({ place }) => view.px(...place))]);

/**
 * A track's line, with a dot at each step.
 * @param {View} view
 * @param {TrackPoint[]} track
 * @param {string} colour
 * @param {number} ratio
 * @returns {Mark[]}
 */
export function trackPath(view, track, colour, ratio) {
  return [
    strokePath(linesOf(view, track), colour, 2.2 * ratio, { round: true }),
    ...track.slice(1).map(({ place }) => {
      const [x, y] = view.px(...place);
      return /** @type {Mark} */ ({ kind: 'disc', x, y, radius: 2.6 * ratio, fill: colour, edge: colour, width: 1.4 * ratio });
    }),
  ];
}

/**
 * A stroke whose casing has its dashes too.
 * @param {Stroke} stroke
 * @returns {Stroke}
 */
const dashCasing = stroke => ({ ...stroke, casing: stroke.casing && { ...stroke.casing, dash: stroke.dash } });
