// What the viewer says, as plain text.
import { readout } from '../trace/geometry.mjs';
import { strongestTap } from '../trace/terms.mjs';
import { LETTERS, lettered, letterOf, setPins } from './pins.mjs';
import { direction, groupDigits, percent, span, weightText } from './text.mjs';
/** @import { Checkpoint, ReadOut, Reader, Span, Trace } from '../trace/types' */
/** @import { Shown, State } from './types' */

/**
 * "24–28", the source frames behind input frames [first, end).
 * @param {Trace} trace
 * @param {Omit<Span, 'middle'>} frames
 */
export function sourceFrames(trace, { first, end }) {
  return span(trace.clip.indices[first], trace.clip.indices[end - 1]);
}

/**
 * "0.80–0.93 s"
 * @param {Trace} trace
 * @param {Omit<Span, 'middle'>} frames
 */
export function sourceTimes(trace, { first, end }) {
  return `${span(trace.clip.times[first].toFixed(2), trace.clip.times[end - 1].toFixed(2))} s`;
}

/**
 * @param {Trace} trace
 * @param {number} index
 */
export function blockName(trace, index) {
  const block = trace.blocks[index];
  const grid = `${block.height} × ${block.width} cells`;
  return `Block ${index + 1} of ${trace.blocks.length}, stage ${block.stage + 1}, ${grid}`;
}

/**
 * What the weights know, for the badge; of those that give several answers, `top1` counts clips with all of them right.
 * @param {Pick<Checkpoint, 'trained_on' | 'top1'>} checkpoint
 * @param {boolean} several
 */
export function knowledge({ trained_on: data, top1 }, several = false) {
  if (!data) return 'Untrained weights: random numbers, nothing learned';
  const right = several ? 'with all answers right, of held-out clips' : 'right on held-out clips';
  return `Trained on ${groupDigits(data)}${top1 ? `; ${percent(top1)} ${right}` : ''}`;
}

/**
 * The line under the pictures that makes a screenshot complete; without its `cell` for what holds every cell.
 * @param {Trace} trace
 * @param {State} state
 * @param {Omit<Span, 'middle'>} from
 * @param {Omit<Span, 'middle'>} to
 */
export function caption(trace, state, from, to, cell = true) {
  const { name, limited } = trace.blocks[state.block];
  return `${blockName(trace, state.block)} (${name}). Step ${state.pair + 1} → ${state.pair + 2}: `
    + `source frames ${sourceFrames(trace, from)} → ${sourceFrames(trace, to)}.`
    + (cell ? ` ${state.reverse ? 'Who reads cell' : 'Query cell'} y ${state.y}, x ${state.x}`
      + `${state.reverse ? ' of frame t + 1' : ''}${pinnedWords(state)}.${restingWords(trace, state)}` : '')
    + (limited ? ` ${limited} offsets too large to pack were limited.` : '');
}

/**
 * ", pinned", with the letter where there is one.
 * @param {State} state
 */
function pinnedWords(state) {
  if (!state.pinned) return '';
  const letter = letterOf(state);
  return letter ? `, pinned as ${letter}` : ', pinned';
}

/**
 * The other pins, with their displacements in cells.
 * @param {Trace} trace
 * @param {State} state
 */
function restingWords(trace, state) {
  if (!lettered(state)) return '';
  const block = trace.blocks[state.block];
  const pins = setPins(state, trace);
  const words = (/** @type {{index: number, y: number, x: number}} */ { index, y, x }) =>
    `${LETTERS[index]} y ${y}, x ${x}: ${direction(readout(block, state.pair, y, x).displacement)}`;
  const [now, others] = [pins.filter(pin => pin.active), pins.filter(pin => !pin.active)];
  return ` Mean displacement, in cells: ${[...now, ...others].map(words).join('; ')}.`;
}

/**
 * How the clip was sampled, and what the model sees of it.
 * @param {Trace} trace
 */
export function samplingNote(trace) {
  const { clip, crop, blocks } = trace;
  const [before, after] = clip.reach ?? [1, 1];
  const rate = clip.sampling_rate;
  const of = clip.source_frames ? ` of ${clip.source_frames}` : '';
  const every = rate === 1 ? 'every one' : `every ${rate}${['th', 'st', 'nd', 'rd'][rate ?? 0] ?? 'th'} one`;
  return [
    `Source frames ${span(clip.indices[0], clip.indices[clip.indices.length - 1])}${of}, ${every}, in ${blocks[0].pairs + 1} steps`
      + `${after ? `; each also reads sampled frames around it: ${before} before, ${after} after` : ''}.`,
    `The model sees the bright square, at ${crop.size} × ${crop.size} pixels.`,
    'The last step has no next frame: it asks nothing.',
    clip.padded ? `The clip is short: its last frame is repeated ${clip.padded} times.` : '',
  ].filter(Boolean).join(' ');
}

/**
 * The read-out as a sentence, for the live region.
 * @param {ReadOut} read
 * @param {Trace} trace
 * @param {State} state
 */
export function readoutSpeech(read, trace, state) {
  const block = trace.blocks[state.block];
  const best = strongestTap(read);
  const [py, px] = read.points[best].map(v => v.toFixed(1));
  const lost = read.outside.filter(Boolean).length;
  return `Step ${state.pair + 1} of ${block.pairs}, block ${state.block + 1}. Query cell row ${read.y}, column ${read.x}`
    + `${pinnedWords(state)}${amongWords(state)}. Attention went ${direction(read.displacement)}, in cells. `
    + `Largest weight ${weightText(block, read.weights[best])} at row ${py}, column ${px}. `
    + `Sum of weights ${weightText(block, read.sum)}.`
    + (lost ? ` ${lost} of ${block.taps} points outside the frame.` : '')
    + (state.zoom > 1 ? ` Enlarged ${state.zoom.toFixed(1)} times.` : '');
}

/**
 * What the run beside it read at the same place, for the live region.
 * @param {string} name
 * @param {Pick<Shown, 'read' | 'readers'>} shown
 */
export const besideSpeech = (name, { read, readers }) => (readers
  ? ` ${name}: ${readers.length === 1 ? '1 query reads' : `${readers.length} queries read`} it.`
  : ` ${name}: attention went ${direction(read.displacement)}.`);

/**
 * " of the pins A, B, D"
 * @param {State} state
 */
const amongWords = state => (letterOf(state)
  ? ` of the pins ${LETTERS.filter((_, index) => state.pins[index]).join(', ')}` : '');

/**
 * The readers of a place as a sentence, for the live region.
 * @param {Reader[]} readers
 * @param {State} state
 */
export function readersSpeech(readers, { pair, y, x, pinned }) {
  const who = readers.length === 1 ? '1 query reads' : `${readers.length} queries read`;
  const most = readers[0]
    ? ` Most: row ${readers[0].y}, column ${readers[0].x}, weight ${readers[0].weight.toFixed(3)}.` : '';
  return `Step ${pair + 2}, cell row ${y}, column ${x}${pinned ? ', pinned' : ''}: ${who} it.${most}`;
}
