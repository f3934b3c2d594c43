// What around the pictures changes with time and block: titles, slider, lists, buttons and the filmstrip.
import { letterOf } from '../state/pins.mjs';
import { readersSentence, sentenceOf } from '../state/sentence.mjs';
import { escapeHtml } from '../state/text.mjs';
import { blockName, caption, samplingNote, sourceFrames, sourceTimes } from '../state/words.mjs';
import { arrowEvery, closeUpCells, framesOfStep } from '../trace/geometry.mjs';
import { answerHtml, barsHtml } from './answer.mjs';
import { fillFilm, followFilm, markFilm } from './film.mjs';
import { box, boxes, part, put } from './html.mjs';
import { letterHtml } from './pins.mjs';
import { markWay, wayHtml } from './way.mjs';
/** @import { Block, Trace } from '../trace/types' */
/** @import { Shown, State } from '../state/types' */

const ARROW_LEGEND = {
  displacement: 'the same for', offset: 'mean offset of', strongest: 'to the strongest neighbour of',
};
const NO_BLOCKS = 'This model has no SIFA block: it looks into no other frame, so there are no sampled points to explore.';

/**
 * The titles of frame t and frame t + 1.
 * @param {Pick<Shown, 'trace' | 'images' | 'state'>} shown
 */
export function frameTitles({ trace, images, state }) {
  const near = state.zoom > 1 ? `, <span class="sifa-zoom">${state.zoom.toFixed(1)}×</span>` : '';
  return ['Frame t', 'Frame t + 1'].map((name, later) => {
    const covered = framesOfStep(state.pair + later, trace.blocks[state.block], images.length);
    return `<span title="source frames ${escapeHtml(sourceFrames(trace, covered))}"><b>${name}</b> ${
      sourceTimes(trace, covered)}${near}</span>`;
  });
}

/**
 * What a query shows in plain words, with the letter of its pin.
 * @param {Pick<Shown, 'trace' | 'state' | 'read' | 'readers'>} shown
 */
export function sentenceHtml({ trace, state, read, readers }) {
  const parts = readers ? readersSentence(readers) : sentenceOf(trace, state, read);
  return (letterOf(state) && letterHtml(state.active))
    + parts.map(({ text, loud }) => (loud ? `<b>${escapeHtml(text)}</b>` : escapeHtml(text))).join('');
}

/** The controls of a root. */
export class Controls {
  #filmed = '';
  #said = '';

  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.film = box(root, '.sifa-film');
    this.caption = box(root, '.sifa-caption');
    this.sentence = box(root, '.sifa-sentence');
    this.way = box(root, '.sifa-way');
  }

  /**
   * A new trace: its answer and its blocks. A model without blocks has nothing more to show.
   * @param {Trace} trace
   */
  writeTrace(trace) {
    const { root } = this;
    const plain = !trace.blocks.length;
    const empty = box(root, '.sifa-empty');
    this.#filmed = '';
    root.classList.toggle('sifa-plain', plain);
    box(root, '.sifa-head').innerHTML = answerHtml(trace);
    box(root, '.sifa-clip').textContent = trace.clip.name;
    box(root, '.sifa-bars').innerHTML = barsHtml(trace);
    this.way.innerHTML = wayHtml(trace);
    box(root, '.sifa-note').textContent = plain ? '' : samplingNote(trace);
    box(root, '.sifa-bar select').replaceChildren(...trace.blocks.map(({ height, width }, i) =>
      new Option(`${i + 1} of ${trace.blocks.length} · ${height} × ${width}`, `${i}`)));
    box(root, '.sifa-error').hidden = true;
    empty.hidden = !plain;
    if (plain) empty.textContent = NO_BLOCKS;
    box(root, '.sifa-body').hidden = false;
    root.dataset.ready = 'yes';
  }

  /**
   * Words and marks that change with time and block.
   * @param {Shown} shown
   * @param {number} width CSS pixels of a picture
   */
  writePair({ trace, images, state }, width) {
    const { root, film } = this;
    const block = trace.blocks[state.block];
    const [query, key] = frameTitles({ trace, images, state });
    box(root, '.sifa-query figcaption').innerHTML = `${query} <small>motion as the model sees it \u00B7 click a spot</small>`;
    box(root, '.sifa-key figcaption').innerHTML = `${key} <small>dots: where it looked for that spot</small>`;
    this.writeClose(block, state);
    const words = `step ${state.pair + 1} of ${block.pairs}`;
    put(box(root, '.sifa-step'), words);
    Object.assign(part(root, '.sifa-bar input', HTMLInputElement),
      { max: block.pairs - 1, value: state.pair, ariaValueText: words });
    part(root, '.sifa-bar select', HTMLSelectElement).value = `${state.block}`;
    for (const [name, disabled] of Object.entries({
      previous: state.pair === 0, next: state.pair === block.pairs - 1,
      shallower: state.block === 0, deeper: state.block === trace.blocks.length - 1,
    })) box(root, `[data-do=${name}]`).setAttribute('aria-disabled', `${disabled}`);
    const steps = `${block.stride[0]} ${block.pairs}`;
    if (this.#filmed !== steps) fillFilm(film, trace, images, block);
    this.#filmed = steps;
    markFilm(film, state.pair);
    setTimeout(() => followFilm(film, state.pair));
    markWay(this.way, state.block);
    this.#writeDensity(block, state, width);
  }

  /**
   * The title of the close-up.
   * @param {Block} block
   * @param {State} state
   */
  writeClose(block, state) {
    box(this.root, '.sifa-close figcaption').innerHTML = `${letterOf(state) && letterHtml(state.active)}
      <b>Close-up</b> ${closeUpCells(block)} cells of frame ${state.reverse ? 't' : 't + 1'}`;
  }

  /** @param {boolean} playing */
  writePlaying(playing) {
    const button = box(this.root, '[data-do=play]');
    button.textContent = playing ? '\u275A\u275A' : '\u25B6';
    button.setAttribute('aria-label', playing ? 'Pause' : 'Play');
  }

  /**
   * Which read-out is seen: of a query, or of who reads a place.
   * @param {boolean} reverse
   */
  writeReverse(reverse) {
    for (const [name, hidden] of Object.entries({ read: reverse, scale: reverse, asked: !reverse })) {
      box(this.root, `.sifa-${name}`).hidden = hidden;
    }
  }

  /**
   * How many arrows the field has.
   * @param {Block} block
   * @param {State} state
   * @param {number} width
   */
  #writeDensity(block, { arrows, density }, width) {
    const every = arrowEvery(block, width, density);
    const which = every === 1 ? 'each cell' : `every ${every}${every === 2 ? 'nd' : every === 3 ? 'rd' : 'th'} cell`;
    for (const words of boxes(this.root, '.sifa-density')) {
      words.textContent = `${ARROW_LEGEND[arrows]} ${which}, true to scale`;
    }
  }

  /** @param {Shown} shown */
  writeSentence(shown) {
    const words = sentenceHtml(shown);
    if (this.#said !== words) this.sentence.innerHTML = `<span>${this.#said = words}</span>`;
  }

  /** @param {Shown} shown */
  writeCaption({ trace, images, state }) {
    const covered = (/** @type {number} */ step) => framesOfStep(step, trace.blocks[state.block], images.length);
    put(this.caption, caption(trace, state, covered(state.pair), covered(state.pair + 1)));
  }
}
