// Two runs side by side: which one stands beside the one that is shown, where its view is, and what the two are called. Pure.
import { cropBox, sameShare, sameplace } from '../trace/geometry.mjs';
import { comparing } from './panel.mjs';
import { chosenWhatIf } from './whatif.mjs';
/** @import { Trace, WhatIf } from '../trace/types' */
/** @import { Beside, Pin, Second, State } from './types' */

const NO_POINTS = 'The points of this run are not kept in this file; its answer is.';
const OTHER_PICTURES = 'The points of this run lie in other pictures and are not kept; its answer is.';
const NO_BLOCKS = 'This model has no SIFA block, so it looks into no other frame.';

/**
 * The what-if that Compare shows: the chosen one; where neither one nor a second trace is there, that of Experiment, or the first.
 * @param {Trace} trace
 * @param {Pick<State, 'against' | 'whatIf'>} state
 * @param {boolean} second whether there is a second trace
 * @returns {WhatIf | null}
 */
export function whatIfBeside(trace, { against, whatIf }, second) {
  const chosen = chosenWhatIf(trace, { whatIf: against });
  return chosen || second ? chosen : chosenWhatIf(trace, { whatIf }) ?? trace.what_if[0] ?? null;
}

/**
 * The run of a what-if as a trace of its own.
 * @param {Trace} trace
 * @param {WhatIf} other
 * @returns {Trace}
 */
export function traceOf(trace, { order, blocks, probabilities, answers }) {
  /**
   * @template Item
   * @param {Item[]} list of the clip's frames
   */
  const moved = list => (order.length ? order.map(at => list[at]) : list);
  const { clip, pictures } = trace;
  return {
    ...trace, probabilities, answers, what_if: [], pictures: moved(pictures),
    clip: { ...clip, indices: moved(clip.indices), times: moved(clip.times) },
    blocks: blocks.length === trace.blocks.length ? blocks : trace.blocks,
  };
}

/**
 * The view of another trace that goes with a state: block, time and place by their shares of all there is.
 * @param {State} state
 * @param {Trace} trace
 * @param {Trace} other
 * @returns {State}
 */
export function stateBeside(state, trace, other) {
  const blockOf = (/** @type {number} */ block) => sameShare(block, trace.blocks.length, other.blocks.length);
  const placed = (/** @type {Pin} */ { block, y, x }) => {
    const [down, across] = sameplace(y, x, trace.blocks[block], other.blocks[blockOf(block)]);
    return { block: blockOf(block), y: down, x: across };
  };
  const [from, to] = [trace.blocks[state.block], other.blocks[blockOf(state.block)]];
  const pair = sameShare(state.pair, from.pairs, to.pairs);
  const beat = Math.floor(state.beat * to.stride[0] / from.stride[0]); // within a step, while playing
  return { ...state, ...placed(state), pair, beat, pins: state.pins.map(pin => pin && placed(pin)), tap: -1, whatIf: '' };
}

/**
 * Whether two traces have the same pictures, step by step.
 * @param {Trace} a
 * @param {Trace} b
 */
function areTwins(a, b) {
  const seen = (/** @type {Trace} */ { clip, crop, blocks: { 0: block } }) =>
    [clip.name, ...clip.indices, ...Object.values(cropBox(crop)).map(Math.round), block?.pairs, block?.stride[0]].join();
  return seen(a) === seen(b);
}

/**
 * A trace with the true motion that is known of another one of the same pictures: it is the clip's, whatever the weights.
 * @param {Trace} trace
 * @param {Trace} other
 * @returns {Trace}
 */
export const withTruth = (trace, other) => (trace.true_flow.length || !other.true_flow.length || !areTwins(trace, other)
  ? trace : { ...trace, true_flow: other.true_flow });

const stem = (/** @type {string} */ name) => name.replace(/(?<=.)\.[^.]*$/u, '');

/**
 * What tells two traces apart: the clips, the part of one clip, the weights; both names are the clip's where nothing does.
 * @param {Trace} a
 * @param {Trace} b
 * @returns {[string, string]}
 */
export function namesOf(a, b) {
  const facts = (/** @type {Trace} */ { clip, checkpoint }) => {
    const { times: { 0: first, length, [length - 1]: last } } = clip;
    return [stem(clip.name), `${first.toFixed(1)}–${last.toFixed(1)} s`,
      `weights: ${stem(checkpoint.file) || checkpoint.variant}`, checkpoint.sha256];
  };
  const [one, two] = [facts(a), facts(b)];
  const clips = one[0] !== two[0];
  const part = !clips && a.clip.indices.join() !== b.clip.indices.join();
  const weights = one[2] !== two[2] || one[3] !== two[3];
  const told = [clips || !weights, part, weights];
  const name = (/** @type {string[]} */ said) => said.filter((_, i) => told[i]).join(', ');
  return [name(one), name(two)];
}

/**
 * The run beside the one that is shown, or null: Compare is closed, or there is nothing to compare with.
 * @param {Trace} trace
 * @param {ImageBitmap[]} images
 * @param {State} state
 * @param {Second | null} second
 * @param {boolean} unnamed whether names, which may give the answer away, are hidden
 * @returns {Beside | null}
 */
export function besideOf(trace, images, state, second, unnamed = false) {
  if (!comparing(state)) return null;
  const whatIf = whatIfBeside(trace, state, Boolean(second));
  if (whatIf) {
    const { order, title, explanation, blocks } = whatIf;
    const other = traceOf(trace, whatIf);
    const plain = order.length ? OTHER_PICTURES : blocks.length === trace.blocks.length ? '' : NO_POINTS;
    return {
      of: whatIf, trace: other, images: order.length ? order.map(at => images[at]) : images,
      state: stateBeside(state, trace, other), plain, twins: !order.length, words: explanation,
      names: ['As it is', `What if: ${title}`],
    };
  }
  if (!second) return null;
  const plain = second.trace.blocks.length ? '' : NO_BLOCKS;
  const other = withTruth(plain ? { ...second.trace, blocks: trace.blocks } : second.trace, trace);
  const twins = areTwins(trace, other);
  return {
    of: second, trace: other, images: second.images, state: stateBeside(state, trace, other), plain, twins,
    names: unnamed ? ['The first run', 'The second run'] : namesOf(trace, second.trace),
    words: twins ? 'One clip, asked twice.' : 'Time and place are linked by their share of each clip.',
  };
}
