// The read-out beside the pictures: the neighbours laid out like the grid, their sum and mean, and the colour bar.
// Built once per kernel; moving the query cell then changes only numbers, so that hovering stays cheap.
import { letterOf } from '../state/pins.mjs';
import { direction, escapeHtml, weightText, withSign } from '../state/text.mjs';
import { amountOf, evenness, nearlyEven } from '../trace/terms.mjs';
import { box, boxes, children, part, put } from './html.mjs';
/** @import { Block, ReadOut } from '../trace/types' */
/** @import { State } from '../state/types' */
/** @import { Scale } from '../marks/types' */

const CELL = '<td><b></b><i><s></s></i><small></small></td>';
const AMOUNTS = { more: 'more than even', even: 'about even', less: 'less than even' };

/**
 * "12 %"
 * @param {number} times of an even share
 * @param {number} count
 */
const shareText = (times, count) => `${Math.round(100 * times / count)} %`;

/**
 * "10 % to 12 %"
 * @param {number[]} times
 */
const evenSpan = times => `${shareText(Math.min(...times), times.length)} to ${shareText(Math.max(...times), times.length)}`;

/**
 * What weights of a block are, in words.
 * @param {Block} block
 */
function meaningOf({ meaning, normalised }) {
  if (meaning) return escapeHtml(meaning);
  return normalised ? 'Softmax weights: never negative, sum 1'
    : 'Raw weights ⟨query, value⟩ / C: may be negative, any sum';
}

/** The panel in its two sections: the numbers of a cell, and the legend of its weights. */
export class ReadOutPanel {
  #shape = '';
  #hue = '';
  /** @type {{cell: HTMLElement, weight: HTMLElement, bar: HTMLElement, offset: HTMLElement}[]} */
  #cells = [];
  /** @type {{[name in 'sum' | 'mean' | 'even' | 'low' | 'high' | 'title' | 'pin']: HTMLElement} | null} */
  #words = null;
  /** @type {Element | null} */
  #ticks = null;

  /**
   * @param {HTMLElement} reading
   * @param {HTMLElement} legend
   */
  constructor(reading, legend) {
    this.reading = reading;
    this.legend = legend;
  }

  /**
   * @param {Block} block
   */
  #build(block) {
    const { reading, legend } = this;
    const rows = `<tr>${CELL.repeat(block.kernel)}</tr>`.repeat(block.kernel);
    reading.innerHTML = `<h3><span></span> <span class="sifa-pin">pinned</span></h3>
      <table class="${block.kernel > 3 ? 'sifa-dense' : ''}">
      <caption title="Weight; a bar to the left: less than an even share, to the right: more; offset dy, dx in cells"
        ><b>Weight</b>, less | more than even, offset</caption>${rows}</table>
      <p class="sifa-even"></p><dl><dt>Sum of weights</dt><dd></dd><dt>Mean, in cells</dt><dd></dd></dl>`;
    legend.innerHTML = `<svg class="sifa-ticks" viewBox="0 0 100 6" preserveAspectRatio="none"><path/></svg>
      <div class="sifa-line"></div>
      <div class="sifa-ends"><span></span>${block.normalised ? '' : '<span>0</span>'}<span></span></div>
      <small>${meaningOf(block)}</small>`;
    const all = boxes(reading, 'td');
    all.splice(block.taps).forEach(surplus => surplus.remove());
    this.#cells = all.map((cell, tap) => {
      cell.dataset.tap = `${tap}`;
      const [weight, strip, offset] = children(cell);
      return { cell, weight, bar: box(strip, 's'), offset };
    });
    const [sum, mean] = boxes(reading, 'dd');
    const ends = children(box(legend, '.sifa-ends'));
    const [title, pin] = boxes(reading, 'h3 span');
    this.#words = { sum, mean, even: box(reading, '.sifa-even'), low: ends[0], high: ends[ends.length - 1], title, pin };
    this.#ticks = part(legend, 'path', Element);
  }

  /**
   * @param {ReadOut} read
   * @param {Block} block
   * @param {Scale} scale
   * @param {State} state
   * @param {number} chosen the neighbour to outline, -1 none
   * @param {string} hue of the query
   */
  write(read, block, scale, state, chosen, hue) {
    const shape = `${block.taps} ${block.normalised} ${block.meaning}`;
    if (this.#shape !== shape) this.#build(block);
    this.#shape = shape;
    const words = this.#words;
    if (!words) return;
    put(words.title, `Cell y ${read.y}, x ${read.x}`);
    const letter = letterOf(state);
    words.pin.hidden = !state.pinned;
    put(words.pin, letter ? `pinned as ${letter}` : 'pinned');
    words.pin.style.background = letter ? hue : '';
    words.pin.style.color = letter ? '#000' : '';
    put(words.sum, weightText(block, read.sum));
    put(words.mean, direction(read.displacement));
    const times = evenness(read);
    const even = nearlyEven(times);
    put(words.even, even ? `Nearly even, ${evenSpan(times)}. Where the points are says more than what each counts.`
      : `\u25CF more, \u25D0 about, \u25CB less than even (${shareText(1, times.length)}): ${evenSpan(times)}`);
    words.even.classList.toggle('sifa-nearly', even);
    const bars = even ? 'var(--soft)' : hue;
    if (this.#hue !== bars) this.reading.style.setProperty('--hue', this.#hue = bars);
    this.#cells.forEach(({ cell, weight, bar, offset }, tap) => {
      const lost = read.outside[tap];
      put(weight, weightText(block, read.weights[tap]));
      put(offset, read.offsets[tap].map(v => withSign(v)).join(' '));
      const away = Math.max(-1, Math.min(1, times[tap] - 1));
      bar.style.left = `${(50 * (1 + Math.min(0, away))).toFixed(1)}%`;
      bar.style.width = `${(50 * Math.abs(away)).toFixed(1)}%`;
      cell.className = `${lost ? 'sifa-lost' : ''}${tap === chosen ? ' sifa-chosen' : ''}`;
      cell.title = `reads frame t+1 at y ${read.points[tap][0].toFixed(2)}, x ${read.points[tap][1].toFixed(2)}`
        + `, ${shareText(times[tap], times.length)} of all: ${AMOUNTS[amountOf(times[tap])]}`
        + (lost ? '; outside the frame, counts 0' : '');
    });
    this.#ticks?.setAttribute('d', read.weights.map(w => `M${(100 * scale.share(w)).toFixed(1)} 0v6`).join(''));
    put(words.low, weightText(block, scale.ends[0]));
    put(words.high, weightText(block, scale.ends[1]));
  }
}
