// What the dialog exports: each entry makes a file of what is shown, with a caption that names clip, block, frames,
// cell and weights.
import { readersOf } from './fields.mjs';
import { framesOfStep } from './geometry.mjs';
import { caption } from './words.mjs';
import { COLUMNS, csv, csvRows, npz, withDescription } from './files.mjs';
import { svg } from './svg.mjs';
import { gif } from './gif.mjs';
import { chosenWhatIf, ghostOf, trueField } from './whatif.mjs';

const INK = { light: ['#ffffff', '#1b222b'], dark: ['#14181d', '#e8edf3'] };
const [TEXT_LINE, MARGIN_WIDTH] = [17, 12]; // CSS pixels
const FILM_STEP = 600; // ms per step of a film
const GIF_SIDE = 1000; // pixels, the most across

/** The line that makes an export complete, with what `marks` says of a picture; without its `cell` for what holds every cell. */
function fullCaption({ trace, images, state }, marks = '', cell = true) {
  const covered = step => framesOfStep(step, trace.blocks[state.block], images.length);
  const { variant, file, sha256 } = trace.checkpoint;
  return `${trace.clip.name}. ${caption(trace, state, covered(state.pair), covered(state.pair + 1), cell)} `
    + `${marks}Weights: ${file || variant}${sha256 ? ` (${sha256.slice(0, 8)})` : ''}.`;
}

const captionOfAll = now => fullCaption(now, '', false);

/** The same for a picture, which also has marks of every cell; an SVG (`vector`) has only the arrows of these. */
function pictureCaption(now, vector) {
  const { trace, state } = now;
  const { quiver, arrows, overlay, flow, reverse } = state;
  const laid = [
    overlay !== 'none' && !(reverse && overlay === 'track') && overlay,
    flow && trueField(trace, state) && 'true motion',
    !reverse && ghostOf(trace, state) && `dashed: what if: ${chosenWhatIf(trace, state).title}`,
  ].filter(Boolean).join(', ');
  return fullCaption(now, (quiver ? `Arrows: ${arrows}. ` : '')
    + (laid && `${vector ? 'Not drawn' : 'Also drawn'}: ${laid}. `));
}

const stem = trace => trace.clip.name.replace(/\.\w+$/, '');

/** A file named after clip, block and step. */
const made = ({ trace, state }, ending, type, ...parts) => ({
  file: `${stem(trace)}_block${state.block + 1}_step${state.pair + 1}${ending}`, blob: new Blob(parts, { type }),
});

function wrapped(ctx, text, width) {
  const lines = [''];
  for (const word of text.split(' ')) {
    const longer = lines.at(-1) ? `${lines.at(-1)} ${word}` : word;
    if (ctx.measureText(longer).width > width && lines.at(-1)) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}

/**
 * All pictures on the page side by side, each under its title, and the caption below. A `film` has one canvas, room for
 * its `longest` caption, and titles that name no frames, since the page's are those of one step.
 */
function composed(root, ratio, text, film) {
  const { canvas: target, longest } = film ?? { canvas: document.createElement('canvas'), longest: text };
  const figures = [...root.querySelectorAll('figure')].filter(figure => figure.querySelector('canvas')?.clientWidth);
  const title = film ? 'figcaption b' : 'figcaption';
  const shown = figures.map(
    figure => [figure.querySelector('canvas'), figure.querySelector(title)?.textContent ?? '']);
  const widths = shown.map(([canvas]) => canvas.clientWidth + MARGIN_WIDTH);
  const ctx = target.getContext('2d', { alpha: false, willReadFrequently: true });
  const width = widths.reduce((a, b) => a + b, MARGIN_WIDTH);
  const tall = Math.max(...shown.map(([canvas]) => canvas.clientHeight));
  const font = '13px system-ui, sans-serif';
  ctx.font = font;
  const lines = wrapped(ctx, text, width - 2 * MARGIN_WIDTH);
  const room = TEXT_LINE * Math.max(lines.length, wrapped(ctx, longest, width - 2 * MARGIN_WIDTH).length);
  const titles = shown.map(
    ([, title], i) => wrapped(ctx, title.trim().replace(/\s+/g, ' '), widths[i] - MARGIN_WIDTH));
  const top = MARGIN_WIDTH + TEXT_LINE * Math.max(...titles.map(title => title.length));
  const size = [width, top + tall + room + 2 * MARGIN_WIDTH].map(v => 2 * Math.round(v * ratio / 2));
  if (!target.dataset.sized) [target.width, target.height, target.dataset.sized] = [...size, 'yes'];
  const [ground, ink] = INK[root.classList.contains('sifa-dark') ? 'dark' : 'light'];
  ctx.setTransform(1, 0, 0, 1, 0, 0);
  ctx.fillStyle = ground;
  ctx.fillRect(0, 0, target.width, target.height);
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  Object.assign(ctx, { fillStyle: ink, font });
  let left = MARGIN_WIDTH;
  shown.forEach(([canvas], i) => {
    titles[i].forEach((line, n) => ctx.fillText(line, left, MARGIN_WIDTH + TEXT_LINE * n + 9));
    ctx.drawImage(canvas, left, top, canvas.clientWidth, canvas.clientHeight);
    left += widths[i];
  });
  lines.forEach((line, n) => ctx.fillText(line, MARGIN_WIDTH, top + tall + MARGIN_WIDTH + TEXT_LINE * n + 11));
  return target;
}

function png(scale) {
  return {
    kind: 'picture', words: `PNG ${scale}\u00D7`,
    async make(now, paint, root) {
      const text = pictureCaption(now);
      paint(now.state, scale);
      const canvas = composed(root, scale, text);
      paint(now.state);
      const blob = await new Promise(done => { canvas.toBlob(done); });
      const bytes = new Uint8Array(await blob.arrayBuffer());
      return made(now, '.png', blob.type, withDescription(bytes, text));
    },
  };
}

/** Paint one film step after another, each with its caption; `each(canvas)` may take its time, and the view change. */
async function filmed(now, paint, root, ratio, each) {
  const canvas = document.createElement('canvas');
  const states = Array.from({ length: now.trace.blocks[now.state.block].pairs }, (_, pair) => ({ ...now.state, pair }));
  const texts = states.map(state => pictureCaption({ ...now, state }));
  const longest = texts.reduce((a, b) => (b.length > a.length ? b : a));
  for (const [i, state] of states.entries()) {
    paint(state, ratio);
    await each(composed(root, ratio, texts[i], { canvas, longest }));
  }
  paint(root.sifa.state);
}

async function makeGif(now, paint, root) {
  const wide = composed(root, 1, '').width;
  const frames = [];
  await filmed(now, paint, root, Math.min(1, GIF_SIDE / wide), canvas => {
    frames.push(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height));
  });
  return made(now, '.gif', 'image/gif', gif(frames, FILM_STEP / 10, pictureCaption(now)));
}

async function makeWebm(now, paint, root) {
  const type = 'video/webm';
  if (!window.MediaRecorder?.isTypeSupported(type) || !HTMLCanvasElement.prototype.captureStream) {
    throw new Error('This browser cannot record a canvas as WebM. Take the GIF, or export the film by Python.');
  }
  const chunks = [];
  let recorder, track;
  await filmed(now, paint, root, 1, async canvas => {
    if (!recorder) {
      const stream = canvas.captureStream(0);
      [track] = stream.getTracks();
      recorder = new MediaRecorder(stream, { mimeType: type, videoBitsPerSecond: 4_000_000 });
      recorder.ondataavailable = event => chunks.push(event.data);
      recorder.start();
    }
    const ctx = canvas.getContext('2d');
    for (let shown = 0; shown < FILM_STEP; shown += FILM_STEP / 6) { // again and again: a busy computer skips some
      ctx.putImageData(ctx.getImageData(0, 0, 1, 1), 0, 0); // or else nothing is new, and no frame is taken
      track.requestFrame();
      await new Promise(done => { setTimeout(done, FILM_STEP / 6); });
    }
  });
  await new Promise(done => { recorder.onstop = done; recorder.stop(); });
  return made(now, '.webm', type, ...chunks);
}

/** By name: kind, words of the button, and make(now, paint, root) -> {file, blob}, which throws Error with words. */
export const EXPORTS = {
  png1: png(1), png2: png(2), png3: png(3), png4: png(4),
  svg: {
    kind: 'picture', words: 'SVG',
    async make(now) {
      return made(now, '.svg', 'image/svg+xml', await svg(now, pictureCaption(now, true)));
    },
  },
  gif: { kind: 'film', words: 'GIF', make: makeGif },
  webm: { kind: 'film', words: 'WebM', make: makeWebm },
  cell: {
    kind: 'numbers', words: 'CSV of this cell',
    make(now) {
      const { block, pair, y, x, reverse } = now.state;
      const shown = now.trace.blocks[block];
      const [columns, rows] = reverse ? ['y,x,weight', readersOf(shown, pair, y, x).map(Object.values)]
        : [COLUMNS, csvRows(shown, pair, [[y, x]])];
      const ending = `${reverse ? '_readers' : ''}_y${y}_x${x}.csv`;
      return made(now, ending, 'text/csv', csv(fullCaption(now), columns, rows));
    },
  },
  pair: {
    kind: 'numbers', words: 'CSV of all cells of this step',
    make(now) {
      const shown = now.trace.blocks[now.state.block];
      const { height, width } = shown;
      const cells = Array.from({ length: height * width }, (_, i) => [Math.floor(i / width), i % width]);
      const rows = csvRows(shown, now.state.pair, cells);
      return made(now, '_all.csv', 'text/csv', csv(captionOfAll(now), COLUMNS, rows));
    },
  },
  npz: {
    kind: 'numbers', words: 'NPZ of all blocks',
    make: now => ({
      file: `${stem(now.trace)}.npz`,
      blob: new Blob([npz(now.trace, `${captionOfAll(now)} Offsets and weights of all blocks.`)]),
    }),
  },
};
