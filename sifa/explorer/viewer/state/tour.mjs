// The tour: steps that put the viewer into a state and say what is to be seen there. Every number in its prose is
// computed from the trace that is shown.
import { meanLength, trueField } from '../trace/fields.mjs';
import { displacementField } from '../trace/geometry.mjs';
import { strongestTap } from '../trace/terms.mjs';
import { attentionTrack } from '../trace/tracks.mjs';
import { anyChange, changeWords, grouped } from './answers.mjs';
import { emptyState, withPins } from './state.mjs';
import { direction, percent, withSign } from './text.mjs';
/** @import { Trace, TrackPoint } from '../trace/types' */
/** @import { State, TourStep } from './types' */

const CLIP = '02_object_moves_right.mp4'; // the sample that the tour is about
const BALL = { block: 0, pair: 3, y: 10, x: 8 };
const MOVING = 0.25; // cells of true motion

const cells = (/** @type {number} */ v, digits = 2) => `${v.toFixed(digits).replace(/^-(0\.0+)$/, '$1')} cells`;
const across = (/** @type {TrackPoint[]} */ track) => track[track.length - 1].place[1] - track[0].place[1];

/**
 * A what-if that `tourFits` found in the trace.
 * @param {Trace} trace
 * @param {string} name
 */
function whatIfOf(trace, name) {
  const found = trace.what_if.find(each => each.name === name);
  if (!found) throw new Error(`The tour needs the what-if ${name}, which the trace does not hold.`);
  return found;
}

/**
 * True motion on the grid of a block, which `tourFits` found in the trace.
 * @param {Trace} trace
 * @param {State} state
 */
function truthOf(trace, state) {
  const found = trueField(trace, state);
  if (!found) throw new Error('The tour needs true motion, which the trace does not hold.');
  return found;
}

/**
 * True motion of the cell.
 * @param {Trace} trace
 * @param {State} state
 */
const trueMotion = (trace, state) => truthOf(trace, state).at(state.y * trace.blocks[0].width + state.x);

/**
 * Mean length of a pair's arrows where the clip really moves, and elsewhere.
 * @param {Trace} trace
 * @param {State} state
 */
function meanArrows(trace, state) {
  const field = displacementField(trace.blocks[state.block], state.pair);
  const { at, visible } = truthOf(trace, state);
  const mean = (/** @type {(v: number) => boolean} */ chosen) => {
    const lengths = [...visible.keys()].filter(i => visible[i] && chosen(Math.hypot(...at(i))))
      .map(i => Math.hypot(field[2 * i], field[2 * i + 1]));
    return lengths.reduce((sum, v) => sum + v, 0) / lengths.length;
  };
  return { moving: mean(v => v > MOVING), rest: mean(v => v <= MOVING) };
}

/** @type {TourStep[]} */
export const TOUR = [
  { title: 'A question', view: { quiver: false }, text: (_, { y, x }) =>
    'This ball moves to the right. Every cell of frame t asks: what in the next frame belongs to me? The orange square is '
    + `one, cell y ${y}, x ${x}, on the ball.` },
  { title: 'A regular grid', view: { quiver: false }, text: (trace, state, read) => {
    const motion = trueMotion(trace, state);
    return `A convolution reads the same ${read.taps.length} places for every cell: the 3 \u00D7 3 grid around the same place, `
      + 'the small crosses on the right. By the next step the ball has moved '
      + `${cells(Math.hypot(...motion))}, so the grid looks where the ball was.`;
  } },
  { title: 'What has changed', view: { quiver: false, overlay: 'difference' }, text: () =>
    'SIFA first subtracts frame t from frame t + 1. Over the left picture lies the difference of the two, cell '
    + 'by cell: large on the ball, small on the ground. The model subtracts its features, which a trace '
    + 'does not hold.' },
  { title: 'The gate', view: { quiver: false, overlay: 'saliency' }, text: () =>
    'The sigmoid of that difference is multiplied with the features of the next frame. Where nothing changes, half '
    + 'goes through: sigmoid(0) = 0.5. The overlay is the strength of the product, over all channels: this, and nothing '
    + 'else, is what the offsets are read from.' },
  { title: 'Offsets', view: { arrows: 'offset' }, text: (_, __, read) => {
    const mean = (/** @type {0 | 1} */ axis) => read.offsets.reduce((sum, o) => sum + o[axis], 0) / read.offsets.length;
    return 'A 3 \u00D7 3 convolution turns the gated features into two numbers for each of the nine places: how far down and '
      + 'how far to the right to look instead. White lines show them; their mean is '
      + `${direction([mean(0), mean(1)])}, in cells.`;
  } },
  { title: 'Between the cells', view: { quiver: false, drawer: 'equation' }, text: (_, __, read) => {
    const [py, px] = read.points[strongestTap(read)];
    return `Moved places fall between cells: the strongest of the nine lies at y ${py.toFixed(2)}, x ${px.toFixed(2)}. It is `
      + 'read from the cells around it, mixed by nearness. Beside the pictures stands the whole sum in numbers; '
      + 'point at a term, and its place lights up.';
  } },
  { title: 'Weights', view: { quiver: false, drawer: 'neighbours' }, text: (_, __, read) =>
    'What is read at a place is compared with what the asking cell holds: their dot product, divided by the number of '
    + `channels, is the weight. Here weights go from ${withSign(Math.min(...read.weights))} to `
    + `${withSign(Math.max(...read.weights))}, and their sum is ${withSign(read.sum)}. No softmax makes them add up to one, `
    + 'and a bad match can even count less than nothing.' },
  { title: 'Where the attention went', view: { flow: true }, text: (trace, state, read) => {
    const motion = trueMotion(trace, state);
    return `The blue arrow is the mean of the nine places by their weights: ${direction(read.displacement)}, in cells. This `
      + `clip is generated, so its true motion is known, too: ${direction(motion)}. In training the arrows were told to agree `
      + 'with the true motion, which the paper does not do.';
  } },
  { title: 'The whole field', view: { flow: true }, text: (trace, state) => {
    const { moving, rest } = meanArrows(trace, state);
    return `Where the clip moves by more than a quarter of a cell, arrows are ${cells(moving)} long on `
      + `average; elsewhere, ${cells(rest)}. The wide arrows underneath are the truth, where a cell holds one surface.`;
  } },
  { title: 'Through time', view: { pair: 0, y: 10, x: 4, overlay: 'track' }, text: (trace, { block, pair, y, x }) => {
    const [track, rigid] = [false, true].map(r => attentionTrack(trace.blocks[block], pair, y, x, r));
    return `Follow an arrow, ask again where it ends, and so on. In ${track.length - 1} steps this one goes `
      + `${cells(across(track), 1)} to the right, with the ball. The same weights on the regular grid get `
      + `${cells(across(rigid), 1)} far.`;
  } },
  { title: 'Deeper', view: { block: 3, y: 2, x: 2 }, text: (trace, { block }) => {
    const { height, width } = trace.blocks[block];
    return `The last of ${trace.blocks.length} blocks sees the picture in ${height} \u00D7 ${width} cells. Each covers as much `
      + `as ${trace.blocks[0].height / height} \u00D7 ${trace.blocks[0].width / width} cells of the first block, so arrows `
      + `are shorter: ${cells(meanLength(trace.blocks[block]))} long on average, and `
      + `${cells(meanLength(trace.blocks[0]))} in the first block.`;
  } },
  { title: 'All of it at once', view: { drawer: 'sheet' }, text: trace =>
    `The sheet has a tile for every block and pair of steps, ${trace.blocks.reduce((sum, b) => sum + b.pairs, 0)} in `
    + 'all. Choose one to go there.' },
  { title: 'What if the grid stayed regular?', view: { whatIf: 'rigid' }, text: trace => {
    const rigid = whatIfOf(trace, 'rigid');
    const so = anyChange(trace, rigid) ? 'the offsets matter here' : 'the offsets alone do not decide it';
    return 'Set every offset to zero and run again: dashed rings are the places read then. '
      + `${changeWords(trace, rigid).slice(0, -1)}: ${so}.`;
  } },
  { title: 'What if nothing moved?', view: { whatIf: 'frozen' }, text: trace => {
    const frozen = whatIfOf(trace, 'frozen');
    const said = grouped(trace) ? `. ${changeWords(trace, frozen)}`
      : `, and the answer becomes \u201C${frozen.answers[0]?.label}\u201D.`;
    return `Show the first frame all the time${said} `
      + `The first block\u2019s arrows shrink from ${cells(meanLength(trace.blocks[0]))} to ${cells(frozen.lengths[0])} on `
      + 'average.';
  } },
  { title: 'How far to trust it', view: {}, text: trace => {
    const test = trace.trust?.deletion;
    if (!test) throw new Error('The tour needs the deletion test, which the trace does not hold.');
    const { probability, strongest, random, all, removed } = test;
    const whose = grouped(trace) ? ', all answers together,' : '';
    return `Arrows that follow the motion are not yet the reason of the answer. Take the ${removed} strongest of the nine away `
      + `in every block, and ${percent(probability)}${whose} become ${percent(strongest)}; ${removed} random ones: `
      + `${percent(random)}; all of them: ${percent(all)}. So what the blocks read matters here, and which of the nine `
      + 'counts most hardly does.';
  } },
  { title: 'Your turn', view: {}, text: () =>
    'Move over the left picture and ask for other cells, or over the right one for the reverse question: who reads this '
    + 'place? Choose other views and what-ifs, or a clip of your own.' },
];

/**
 * Whether a trace is the sample that the tour is about, with all that the tour points at.
 * @param {Trace} trace
 */
export const tourFits = trace => trace.clip?.name === CLIP && trace.blocks.length === 4 && trace.true_flow.length > 0
  && trace.answers.length > 0 && ['rigid', 'frozen'].every(name => trace.what_if.some(each => each.name === name))
  && Boolean(trace.trust?.deletion);

/**
 * The state of a step of the tour, counted from 0; -1, and any where the trace does not fit, ends the tour.
 * @param {State} state
 * @param {Trace} trace
 * @param {number} step
 * @returns {State}
 */
export function withTour(state, trace, step) {
  if (!tourFits(trace) || !Number.isInteger(step) || step < 0) return { ...state, tour: -1 };
  const tour = Math.min(step, TOUR.length - 1);
  return withPins({ ...emptyState(), ...BALL, ...TOUR[tour].view, tour }, trace, [], true);
}
