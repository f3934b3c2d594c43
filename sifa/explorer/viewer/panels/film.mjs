// The filmstrip: all input frames in their time steps, with source frame numbers and times. One button per step.
import { drawThumbnail, still } from './draw.mjs';
import { framesOfStep } from './geometry.mjs';
import { sourceFrames, sourceTimes } from './words.mjs';

const THUMB_HEIGHT = 96; // pixels; drawn smaller

/** Fill the strip for a block's time steps; `choose` is told the step that was clicked. */
export function fillFilm(strip, trace, images, block, choose) {
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
    button.style.flexGrow = covered.end - covered.first;
    button.setAttribute('aria-label',
      `Step ${step + 1}, source frames ${sourceFrames(trace, covered)}, ${sourceTimes(trace, covered)}`);
    button.append(line('sifa-film-step', `${step + 1}`), row(thumbs, trace, covered),
      line('sifa-film-time', sourceTimes(trace, { first: covered.first, end: covered.first + 1 })));
    button.addEventListener('click', () => choose(step));
    return button;
  }));
}

function row(thumbs, trace, { first, end, middle }) {
  const frames = document.createElement('span');
  frames.className = 'sifa-film-frames';
  for (let i = first; i < end; i++) {
    const frame = document.createElement('span');
    frame.className = i === middle ? 'sifa-shown' : '';
    frame.append(thumbs[i], line('', trace.clip.indices[i]));
    frames.append(frame);
  }
  return frames;
}

function line(name, text) {
  const span = document.createElement('span');
  span.className = name;
  span.textContent = text;
  return span;
}

/** Outline the query step and the key step. */
export function markFilm(strip, pair) {
  [...strip.children].forEach((button, step) => {
    const words = `${step + 1}${[' \u00B7 t', ' \u00B7 t + 1'][step - pair] ?? ''}`;
    if (button.firstChild.textContent === words) return;
    button.firstChild.textContent = words;
    button.classList.toggle('sifa-from', step === pair);
    button.classList.toggle('sifa-to', step === pair + 1);
    if (step === pair) button.setAttribute('aria-current', 'step');
    else button.removeAttribute('aria-current');
  });
}

/** Bring both steps into view without moving the page; after painting, when places are known without another layout. */
export function followFilm(strip, pair) {
  const [from, to] = [strip.children[pair], strip.children[pair + 1]];
  if (!to) return;
  const start = from.offsetLeft - strip.offsetLeft;
  const end = to.offsetLeft + to.offsetWidth - strip.offsetLeft;
  if (start < strip.scrollLeft || end > strip.scrollLeft + strip.clientWidth) {
    strip.scrollLeft = (start + end - strip.clientWidth) / 2;
  }
}
