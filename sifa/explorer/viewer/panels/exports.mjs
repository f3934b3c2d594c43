// What the dialog exports: each entry makes a file of what is shown, with a caption that names clip, block, frames,
// cell and weights.
import { contextOf } from '../marks/canvas.mjs';
import { gif } from '../marks/gif.mjs';
import { pairMarks } from '../marks/list.mjs';
import { pairSvg } from '../marks/svg.mjs';
import { LETTERS, lettered, setPins } from '../state/pins.mjs';
import { framesEach } from '../state/state.mjs';
import { chosenWhatIf, ghostOf } from '../state/whatif.mjs';
import { caption } from '../state/words.mjs';
import { readersOf, trueField } from '../trace/fields.mjs';
import { COLUMNS, csv, csvRows, npz, withDescription } from '../trace/files.mjs';
import { framesOfStep, readout } from '../trace/geometry.mjs';
import { compose } from './montage.mjs';
import { filmOf } from './video.mjs';
/** @import { Place, Trace } from '../trace/types' */
/** @import { State } from '../state/types' */
/** @import { Film } from './video.mjs' */

/**
 * What is shown now, with words for what is compared, and what paints another state of it.
 * @typedef {{trace: Trace, images: ImageBitmap[], state: State, beside: string}} Now
 * @typedef {(state: State, ratio?: number) => void} Paint
 *
 * A file and its name.
 * @typedef {{file: string, blob: Blob}} Made
 *
 * A kind of file: words of its button, and what makes it, which throws Error with words. `latest` gives the state that
 * is shown once a film is made.
 * @typedef {{
 *   kind: string, words: string, make: (now: Now, paint: Paint, root: HTMLElement, latest: () => State) => Made | Promise<Made>
 * }} Export
 */

const SVG_SIDE = 480; // pixels of a picture
const FILM_STEP = 600; // ms per step of a film
const GIF_SIDE = 1000; // pixels, the most across

/**
 * The line that makes an export complete, with what `marks` says of a picture; without its `cell` for what holds every cell.
 * @param {Now} now
 */
function fullCaption({ trace, images, state }, marks = '', cell = true) {
  const covered = (/** @type {number} */ step) => framesOfStep(step, trace.blocks[state.block], images.length);
  const { variant, file, sha256 } = trace.checkpoint;
  return `${trace.clip.name}. ${caption(trace, state, covered(state.pair), covered(state.pair + 1), cell)} `
    + `${marks}Weights: ${file || variant}${sha256 ? ` (${sha256.slice(0, 8)})` : ''}.`;
}

const captionOfAll = (/** @type {Now} */ now) => fullCaption(now, '', false);

/**
 * The same for a picture, which also has marks of every cell; an SVG (`vector`) has only the arrows of these.
 * @param {Now} now
 */
function pictureCaption(now, vector = false) {
  const { trace, state } = now;
  const { quiver, arrows, overlay, flow, reverse } = state;
  const laid = [
    overlay !== 'none' && !(reverse && overlay === 'track') && overlay,
    flow && trueField(trace, state) && 'true motion',
    !reverse && ghostOf(trace, state) && `dashed: what if: ${chosenWhatIf(trace, state)?.title}`,
  ].filter(Boolean).join(', ');
  return fullCaption(now, (quiver ? `Arrows: ${arrows}. ` : '')
    + (vector ? '' : now.beside) + (laid && `${vector ? 'Not drawn' : 'Also drawn'}: ${laid}. `));
}

const stem = (/** @type {Trace} */ trace) => trace.clip.name.replace(/\.\w+$/, '');

/**
 * A file named after clip, block and step.
 * @param {Now} now
 * @param {string} ending
 * @param {string} type
 * @param {BlobPart[]} parts
 * @returns {Made}
 */
const made = ({ trace, state }, ending, type, ...parts) => ({
  file: `${stem(trace)}_block${state.block + 1}_step${state.pair + 1}${ending}`, blob: new Blob(parts, { type }),
});

/**
 * @param {number} scale
 * @returns {Export}
 */
function png(scale) {
  return {
    kind: 'picture', words: `PNG ${scale}\u00D7`,
    async make(now, paint, root) {
      const text = pictureCaption(now);
      paint(now.state, scale);
      const canvas = compose(root, scale, text);
      paint(now.state);
      /** @type {Blob | null} */
      const blob = await new Promise(done => { canvas.toBlob(done); });
      if (!blob) throw new Error('This browser could not write the picture. Choose a smaller one.');
      return made(now, '.png', blob.type, withDescription(new Uint8Array(await blob.arrayBuffer()), text));
    },
  };
}

/** @type {Export['make']} */
async function makeSvg(now) {
  const marks = pairMarks(now.trace, now.state, SVG_SIDE);
  const used = [...marks.query, ...marks.key].flatMap(mark => (mark.kind === 'picture' ? [mark.index] : []));
  const stills = Object.fromEntries(await Promise.all(used.map(async i => {
    const { width, height } = now.images[i];
    return [i, { url: await dataUrl(now.trace.pictures[i]), width, height }];
  })));
  const markup = pairSvg(marks, SVG_SIDE, stills, pictureCaption(now, true));
  return made(now, '.svg', 'image/svg+xml', markup);
}

/** @param {Blob} picture */
async function dataUrl(picture) {
  const bytes = new Uint8Array(await picture.arrayBuffer());
  return `data:image/jpeg;base64,${btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join(''))}`;
}

/**
 * Paint one film step after another, each with its caption and in `beats` pictures; `each(canvas)` may take its time, and the
 * view change.
 * @param {Now} now
 * @param {Paint} paint
 * @param {HTMLElement} root
 * @param {() => State} latest
 * @param {number} ratio
 * @param {(canvas: HTMLCanvasElement) => void | Promise<void>} each
 */
async function eachPicture(now, paint, root, latest, ratio, each, beats = 1) {
  const canvas = document.createElement('canvas');
  const states = Array.from({ length: now.trace.blocks[now.state.block].pairs * beats }, (_, i) =>
    ({ ...now.state, pair: Math.floor(i / beats), playing: true, beat: i % beats }));
  const texts = states.map(state => pictureCaption({ ...now, state }));
  const longest = texts.reduce((a, b) => (b.length > a.length ? b : a));
  for (const [i, state] of states.entries()) {
    paint(state, ratio);
    await each(compose(root, ratio, texts[i], { canvas, longest }));
  }
  paint(latest());
}

/** @type {Export['make']} */
async function makeGif(now, paint, root, latest) {
  const wide = compose(root, 1, '').width;
  /** @type {ImageData[]} */
  const frames = [];
  await eachPicture(now, paint, root, latest, Math.min(1, GIF_SIDE / wide), canvas => {
    frames.push(contextOf(canvas).getImageData(0, 0, canvas.width, canvas.height));
  });
  return made(now, '.gif', 'image/gif', gif(frames, FILM_STEP / 10, pictureCaption(now)));
}

/** @type {Export['make']} */
async function makeVideo(now, paint, root, latest) {
  const each = framesEach(now.trace, now.state.block);
  /** @type {Film[]} */
  const films = []; // one, once its size is known
  await eachPicture(now, paint, root, latest, 1, async canvas => {
    if (!films.length) films.push(await filmOf(canvas, FILM_STEP / each));
    await films[0].add(canvas);
  }, each);
  const [film] = films;
  const blob = await film.end();
  return made(now, film.ending, blob.type, blob);
}

/**
 * The query cell, or all pins where they have letters: each with its letter or ''.
 * @param {Now} now
 * @returns {{letter: string, active: boolean, place: Place}[]}
 */
function queriesOf({ trace, state }) {
  if (!lettered(state)) return [{ letter: '', active: true, place: [state.y, state.x] }];
  return setPins(state, trace).map(({ index, active, y, x }) => ({ letter: LETTERS[index], active, place: [y, x] }));
}

/**
 * What of a file's name says which cells it is of.
 * @param {State} state
 */
function cellStem(state) {
  if (state.reverse) return `_readers_y${state.y}_x${state.x}`;
  return lettered(state) ? `_pins_${LETTERS.filter((_, i) => state.pins[i]).join('')}` : `_y${state.y}_x${state.x}`;
}

/** @type {Export['make']} */
function makeCell(now) {
  const { block, pair, y, x, reverse } = now.state;
  const shown = now.trace.blocks[block];
  const text = () => {
    const readers = reverse ? readersOf(shown, pair, y, x).map(each => [each.y, each.x, each.weight]) : [];
    if (reverse) return csv(fullCaption(now), 'y,x,weight', readers);
    if (!lettered(now.state)) return csv(fullCaption(now), COLUMNS, csvRows(shown, pair, [[y, x]]));
    return csv(fullCaption(now), `pin,${COLUMNS}`, queriesOf(now).flatMap(({ letter, place }) =>
      csvRows(shown, pair, [place]).map(row => [letter, ...row])));
  };
  return made(now, `${cellStem(now.state)}.csv`, 'text/csv', text());
}

/** @type {Export['make']} */
function makeJson(now) {
  const { block, pair, y, x, reverse } = now.state;
  const shown = now.trace.blocks[block];
  const cells = () => queriesOf(now).map(({ letter, active, place }) => {
    const { displacement, sum } = readout(shown, pair, ...place);
    const names = COLUMNS.split(',').slice(2);
    const neighbours = csvRows(shown, pair, [place]).map(([, , ...row]) => Object.fromEntries(row.map((v, i) => [names[i], v])));
    return { pin: letter || null, active, y: place[0], x: place[1], displacement, weights_sum: sum, neighbours };
  });
  const said = {
    caption: fullCaption(now), clip: now.trace.clip.name, block: shown.name, pair, unit: 'cells',
    ...(reverse ? { y, x, readers: readersOf(shown, pair, y, x) } : { cells: cells() }),
  };
  return made(now, `${cellStem(now.state)}.json`, 'application/json', `${JSON.stringify(said, null, 1)}\n`);
}

/** @type {Export['make']} */
function makePair(now) {
  const shown = now.trace.blocks[now.state.block];
  const { height, width } = shown;
  const cells = Array.from({ length: height * width }, (_, i) => /** @type {Place} */ ([Math.floor(i / width), i % width]));
  return made(now, '_all.csv', 'text/csv', csv(captionOfAll(now), COLUMNS, csvRows(shown, now.state.pair, cells)));
}

/** @type {Export['make']} */
const makeNpz = now => ({
  file: `${stem(now.trace)}.npz`,
  blob: new Blob([npz(now.trace, `${captionOfAll(now)} Offsets and weights of all blocks.`)]),
});

/**
 * All kinds of files, by name.
 * @type {{[name: string]: Export}}
 */
export const EXPORTS = {
  png1: png(1), png2: png(2), png3: png(3), png4: png(4),
  svg: { kind: 'picture', words: 'SVG', make: makeSvg },
  gif: { kind: 'film', words: 'GIF', make: makeGif },
  video: { kind: 'film', words: 'Video', make: makeVideo },
  cell: { kind: 'numbers', words: 'CSV of the cell or pins', make: makeCell },
  json: { kind: 'numbers', words: 'JSON of the cell or pins', make: makeJson },
  pair: { kind: 'numbers', words: 'CSV of all cells of this step', make: makePair },
  npz: { kind: 'numbers', words: 'NPZ of all blocks', make: makeNpz },
};
