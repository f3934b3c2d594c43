// All pictures of the page in one, with titles and a caption: what picture files and films are made of.
import { contextOf } from '../marks/canvas.mjs';

const INK = { light: ['#ffffff', '#1b222b'], dark: ['#14181d', '#e8edf3'] };
const [TEXT_LINE, MARGIN_WIDTH] = [17, 12]; // CSS pixels

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {string} text
 * @param {number} width
 */
function wrap(ctx, text, width) {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines[lines.length - 1];
    const longer = last ? `${last} ${word}` : word;
    if (ctx.measureText(longer).width > width && last) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}

/**
 * The pictures on the page that are visible, and their titles.
 * @param {HTMLElement} root
 * @param {string} title selector of a title in its figure
 */
function picturesOn(root, title) {
  return [...root.querySelectorAll('figure')].flatMap(figure => {
    const canvas = figure.querySelector('canvas');
    if (!canvas?.clientWidth) return [];
    const { dataset: { run } } = figure; // side by side with another run
    const words = (figure.querySelector(title)?.textContent ?? '').trim().replace(/\s+/g, ' ');
    return [{ canvas, title: run ? `${run}. ${words}` : words }];
  });
}

/**
 * All pictures on the page side by side, each under its title, and the caption below. A `film` has one canvas, room for
 * its `longest` caption, and titles that name no frames, since the page's are those of one step.
 * @param {HTMLElement} root
 * @param {number} ratio
 * @param {string} text
 * @param {{canvas: HTMLCanvasElement, longest: string}} [film]
 */
export function compose(root, ratio, text, film) {
  const { canvas: target, longest } = film ?? { canvas: document.createElement('canvas'), longest: text };
  const shown = picturesOn(root, film ? 'figcaption b' : 'figcaption');
  const widths = shown.map(({ canvas }) => canvas.clientWidth + MARGIN_WIDTH);
  const ctx = contextOf(target, { alpha: false, willReadFrequently: true });
  const width = widths.reduce((a, b) => a + b, MARGIN_WIDTH);
  const tall = Math.max(...shown.map(({ canvas }) => canvas.clientHeight));
  const font = '13px system-ui, sans-serif';
  ctx.font = font;
  const lines = wrap(ctx, text, width - 2 * MARGIN_WIDTH);
  const room = TEXT_LINE * Math.max(lines.length, wrap(ctx, longest, width - 2 * MARGIN_WIDTH).length);
  const titles = shown.map(({ title }, i) => wrap(ctx, title, widths[i] - MARGIN_WIDTH));
  const top = MARGIN_WIDTH + TEXT_LINE * Math.max(...titles.map(title => title.length));
  if (!target.dataset.sized) {
    const even = (/** @type {number} */ v) => 2 * Math.round(v * ratio / 2);
    [target.width, target.height, target.dataset.sized] = [even(width), even(top + tall + room + 2 * MARGIN_WIDTH), 'yes'];
  }
  const [ground, ink] = INK[root.classList.contains('sifa-dark') ? 'dark' : 'light'];
  ctx.setTransform(1, 0, 0, 1, 0, 0);
  ctx.fillStyle = ground;
  ctx.fillRect(0, 0, target.width, target.height);
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  Object.assign(ctx, { fillStyle: ink, font });
  let left = MARGIN_WIDTH;
  shown.forEach(({ canvas }, i) => {
    titles[i].forEach((line, n) => ctx.fillText(line, left, MARGIN_WIDTH + TEXT_LINE * n + 9));
    ctx.drawImage(canvas, left, top, canvas.clientWidth, canvas.clientHeight);
    left += widths[i];
  });
  lines.forEach((line, n) => ctx.fillText(line, MARGIN_WIDTH, top + tall + MARGIN_WIDTH + TEXT_LINE * n + 11));
  return target;
}
