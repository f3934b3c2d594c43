// The lists of marks: what each picture shows of a state, from the bottom to the top. Pure functions; `ratio` is the
// pixels of the picture for each CSS pixel.
import { arrowField, readersOf, trueField } from '../trace/fields.mjs';
import { arrowEvery, framesOfStep, readout, zoomedView } from '../trace/geometry.mjs';
import { pinsShown } from '../state/shown.mjs';
import { ghostOf } from '../state/whatif.mjs';
import { displacementMark, ghostMark, outlineMark, readerMarks } from './cell.mjs';
import { frameMarks, gridMark, heatMark, quiverMarks, trackMarks, truthMark } from './frame.mjs';
import { litMarks } from './lit.mjs';
import { KEY, PINS, QUERY } from './palette.mjs';
import { restingKeyMarks, restingQueryMarks, tagMark } from './pins.mjs';
import { neighbourMarks, spotsOf } from './points.mjs';
/** @import { Heat, Trace, View } from '../trace/types' */
/** @import { Shown, State } from '../state/types' */
/** @import { Mark } from './types' */

/** What of a view its marks follow from. @typedef {Omit<Shown, 'images' | 'arrow'>} Marked */

/**
 * The input frame that pictures a step; while playing, one of those until the next step's.
 * @param {Trace} trace
 * @param {Pick<State, 'block' | 'playing' | 'beat'>} state
 * @param {number} step
 */
export function pictureOf(trace, { block, playing, beat }, step) {
  const { middle } = framesOfStep(step, trace.blocks[block], trace.pictures.length);
  return Math.min(middle + (playing ? beat : 0), trace.pictures.length - 1);
}

/**
 * What lies over frame t and does not depend on the query cell; `field` holds the arrows of all cells, where they are shown.
 * @param {View} view
 * @param {Trace} trace
 * @param {State} state
 * @param {Heat | null} heat
 * @param {Float32Array | null} field
 * @param {number} ratio
 * @returns {Mark[]}
 */
export function fieldMarks(view, trace, state, heat, field, ratio) {
  const block = trace.blocks[state.block];
  const every = arrowEvery(block, state.zoom * view.side / ratio, state.density);
  const truth = state.flow && trueField(trace, state);
  return [
    ...(heat ? [heatMark(view, block, heat)] : []),
    ...(truth ? [truthMark(view, block, truth, every, ratio)] : []),
    ...(field ? quiverMarks(view, block, field, every, state.tinted, ratio) : []),
  ];
}

/**
 * What the close-up lies on.
 * @param {View} near
 * @param {Trace} trace
 * @param {State} state
 * @param {number} ratio
 */
export function closeGround(near, trace, state, ratio) {
  const index = pictureOf(trace, state, state.reverse ? state.pair : state.pair + 1);
  return [...frameMarks(near, trace.blocks[state.block], index, trace.crop, ratio, 'low'), gridMark(near, ratio)];
}

/**
 * What depends on the cell: on frame t, on frame t + 1 and, where its window `near` is given, in the close-up.
 * @param {View} view
 * @param {View | null} near
 * @param {Marked} shown
 * @param {number} ratio
 * @returns {{query: Mark[], key: Mark[], close: Mark[]}}
 */
export function cellMarks(view, near, shown, ratio) {
  const { readers, state: { pinned } } = shown;
  const resting = shown.pins.filter(pin => !pin.active);
  const onQuery = resting.flatMap(pin => restingQueryMarks(view, pin, shown.state.quiver, ratio));
  const onKey = resting.flatMap(pin => restingKeyMarks(view, pin, ratio));
  if (!readers) {
    const { query, key, close } = queryMarks(view, near, shown, ratio);
    return { query: [...onQuery, ...query], key: [...onKey, ...key], close };
  }
  const asked = (/** @type {View} */ window) =>
    [...readerMarks(window, readers, ratio), outlineMark(window, shown.read, ratio, { faint: true, colour: KEY })];
  return {
    query: [...onQuery, ...asked(view)], key: [...onKey, outlineMark(view, shown.read, ratio, { pinned, colour: KEY })],
    close: near ? asked(near) : [],
  };
}

/**
 * @param {View} view
 * @param {View | null} near
 * @param {Marked} shown
 * @param {number} ratio
 */
function queryMarks(view, near, shown, ratio) {
  const { trace, state, read, tap, lit, track, rigid } = shown;
  const block = trace.blocks[state.block];
  const pin = shown.pins.find(each => each.active);
  const [colour, arrow] = pin ? [PINS[pin.index], PINS[pin.index]] : [QUERY, KEY];
  const tag = pin ? [tagMark(view, read, pin.index, ratio)] : [];
  const ghost = ghostOf(trace, state);
  const litIn = (/** @type {View} */ window, /** @type {boolean} */ next, spread = false) => (lit
    ? litMarks(window, block, read, tap, lit, next, ratio, spread ? spotsOf(window, read, ratio, false)[tap] : null) : []);
  const next = (/** @type {View} */ window, /** @type {boolean} */ keep) => [
    outlineMark(window, read, ratio, { faint: true, colour }),
    ...neighbourMarks(window, read, ratio, keep, colour),
    displacementMark(window, read, ratio, arrow),
    ...(ghost ? [ghostMark(window, ghost, ratio)] : []),
    ...litIn(window, true, !keep),
  ];
  return {
    query: [
      ...(track && rigid ? trackMarks(view, track, rigid, ratio, pin && colour) : []),
      outlineMark(view, read, ratio, { pinned: state.pinned, colour }),
      ...(state.quiver && !track ? [displacementMark(view, read, ratio, arrow)] : []),
      ...(ghost && state.quiver ? [ghostMark(view, ghost, ratio, false)] : []),
      ...litIn(view, false),
      ...tag,
    ],
    key: [...next(view, true), ...tag],
    close: near ? next(near, false) : [],
  };
}

/**
 * Both pictures of a pair as whole lists, on squares of `side` pixels: frames, arrows and the marks of the cell or, for the
 * reverse question, its readers. What else may lie over them is left out.
 * @param {Trace} trace
 * @param {State} view
 * @param {number} side
 */
export function pairMarks(trace, view, side) {
  /** @type {State} */
  const state = { ...view, overlay: 'none', flow: false, whatIf: '' };
  const { block: index, pair, y, x } = state;
  const block = trace.blocks[index];
  const window = zoomedView(block, side, state);
  const field = state.quiver ? arrowField(block, pair, state.arrows) : null;
  const shown = {
    trace, state, read: readout(block, pair, y, x), readers: state.reverse ? readersOf(block, pair, y, x) : null,
    track: null, rigid: null, pins: pinsShown(trace, state), tap: -1, lit: '',
  };
  const { query, key } = cellMarks(window, null, shown, 1);
  const frame = (/** @type {number} */ step) =>
    frameMarks(window, block, pictureOf(trace, state, step), trace.crop, 1);
  return {
    query: [...frame(pair), ...fieldMarks(window, trace, state, null, field, 1), ...query],
    key: [...frame(pair + 1), ...key],
  };
}
