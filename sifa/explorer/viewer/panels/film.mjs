// The filmstrip: all input frames in their time steps, with source frame numbers and times. One button per step.
import { drawThumbnail, still } from '../marks/canvas.mjs';
import { sourceFrames, sourceTimes } from '../state/words.mjs';
import { framesOfStep } from '../trace/geometry.mjs';
import { children } from './html.mjs';
/** @import { Block, Span, Trace } from '../trace/types' */

const THUMB_HEIGHT = 96; // pixels; drawn smaller

/**
 * Fill the strip for a block's time steps; a button names its step as data-step.
 * @param {HTMLElement} strip
 * @param {Trace} trace
 * @param {ImageBitmap[]} images
 * @param {Block} block
 */
export function fillFilm(strip, trace, images, block) {
  const thumbs = images.map(image => {
    const thumb = document.createElement('canvas');
    thumb.height = THUMB_HEIGHT;
    thumb.width = Math.round(THUMB_HEIGHT * image.width / image.height);
    drawThumbnail(thumb, image, trace.crop);
    return still(thumb, 'image/jpeg');
  });
  strip.replaceChildren(...Array.from({ length: block.pairs + 1 }, (_, step) => {
    const covered = framesOfStep(step, block, images.length);
    const button = document.createElement('button');
    button.type = 'button';
    button.dataset.step = `${step}`;
    button.style.flexGrow = `${covered.end - covered.first}`;
    button.setAttribute('aria-label',
      `Step ${step + 1}, source frames ${sourceFrames(trace, covered)}, ${sourceTimes(trace, covered)}`);
    button.append(line('sifa-film-step', `${step + 1}`), row(thumbs, trace, covered),
      line('sifa-film-time', sourceTimes(trace, { first: covered.first, end: covered.first + 1 })));
    return button;
  }));
}

/**
 * @param {HTMLImageElement[]} thumbs
 * @param {Trace} trace
 * @param {Span} frames
 */
function row(thumbs, trace, { first, end, middle }) {
  const frames = document.createElement('span');
  frames.className = 'sifa-film-frames';
  for (let i = first; i < end; i++) {
    const frame = document.createElement('span');
    frame.className = i === middle ? 'sifa-shown' : '';
    frame.append(thumbs[i], line('', `${trace.clip.indices[i]}`));
    frames.append(frame);
  }
  return frames;
}

/**
 * @param {string} name
 * @param {string} text
 */
function line(name, text) {
  const span = document.createElement('span');
  span.className = name;
  span.textContent = text;
  return span;
}

/**
 * Outline the query step and the key step.
 * @param {HTMLElement} strip
 * @param {number} pair
 */
export function markFilm(strip, pair) {
  children(strip).forEach((button, step) => {
    const [words] = children(button);
    const text = `${step + 1}${[' \u00B7 t', ' \u00B7 t + 1'][step - pair] ?? ''}`;
    if (words.textContent === text) return;
    words.textContent = text;
    button.classList.toggle('sifa-from', step === pair);
    button.classList.toggle('sifa-to', step === pair + 1);
    if (step === pair) button.setAttribute('aria-current', 'step');
    else button.removeAttribute('aria-current');
  });
}

/**
 * Bring both steps into view without moving the page; after painting, when places are known without another layout.
 * @param {HTMLElement} strip
 * @param {number} pair
 */
export function followFilm(strip, pair) {
  const [from, to] = children(strip).slice(pair, pair + 2);
  if (!to) return;
  const start = from.offsetLeft - strip.offsetLeft;
  const end = to.offsetLeft + to.offsetWidth - strip.offsetLeft;
  if (start < strip.scrollLeft || end > strip.scrollLeft + strip.clientWidth) {
    strip.scrollLeft = (start + end - strip.clientWidth) / 2;
  }
}
