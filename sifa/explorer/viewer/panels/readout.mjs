// The read-out beside the pictures: the neighbours laid out like the grid, their sum and mean, and the colour bar.
// Built once per kernel; moving the query cell then changes only numbers, so that hovering stays cheap.
import { gradient } from './palette.mjs';
import { escapeHtml, put } from './template.mjs';
import { direction, signed, weightText } from './words.mjs';

const CELL = '<td><b></b><i></i><small></small></td>';

/**
 * @returns {(read: ReadOut, block: Block, scale, pinned: boolean, chosen: number) => void} that writes a read-out;
 * `chosen` is the neighbour to outline, -1 none
 */
export function readOutPanel(reading, legend) {
  let shape = '', cells = [], ticks, words = {};

  function build(block, scale) {
    const rows = `<tr>${CELL.repeat(block.kernel)}</tr>`.repeat(block.kernel);
    reading.innerHTML = `<h3><span></span> <span class="sifa-pin">pinned</span></h3>
      <table class="${block.kernel > 3 ? 'sifa-dense' : ''}">
      <caption><b>Weight</b>, and offset (dy dx) in cells</caption>${rows}</table>
      <dl><dt>Sum of weights</dt><dd></dd><dt>Mean, in cells</dt><dd></dd></dl>`;
    legend.innerHTML = `<svg class="sifa-ticks" viewBox="0 0 100 6" preserveAspectRatio="none"><path/></svg><div class="sifa-ramp"></div>
      <div class="sifa-ends"><span></span>${block.normalised ? '' : '<span>0</span>'}<span></span></div>
      <small>${block.meaning ? escapeHtml(block.meaning) : block.normalised ? 'Softmax weights: never negative, sum 1'
        : 'Raw weights ⟨query, value⟩ / C: may be negative, any sum'}</small>`;
    const all = [...reading.querySelectorAll('td')];
    all.splice(block.taps).forEach(surplus => surplus.remove());
    cells = all.map((cell, tap) => {
      cell.dataset.tap = tap;
      const [weight, strip, offset] = cell.children;
      return { cell, weight, strip, offset };
    });
    const [sum, mean] = reading.querySelectorAll('dd');
    const { firstChild: low, lastChild: high } = legend.querySelector('.sifa-ends');
    legend.querySelector('.sifa-ramp').style.background = gradient(scale.colours);
    const [title, pin] = reading.querySelectorAll('h3 span');
    words = { sum, mean, low, high, title, pin };
    ticks = legend.querySelector('path');
  }

  return function write(read, block, scale, pinned, chosen) {
    if (shape !== (shape = `${block.taps} ${block.normalised} ${block.meaning}`)) build(block, scale);
    put(words.title, `Cell y ${read.y}, x ${read.x}`);
    words.pin.hidden = !pinned;
    put(words.sum, weightText(block, read.sum));
    put(words.mean, direction(read.displacement));
    cells.forEach(({ cell, weight, strip, offset }, tap) => {
      const lost = read.outside[tap];
      put(weight, weightText(block, read.weights[tap]));
      put(offset, read.offsets[tap].map(v => signed(v)).join(' '));
      strip.style.background = lost ? 'none' : scale.colour(read.weights[tap]);
      cell.className = `${lost ? 'sifa-lost' : ''}${tap === chosen ? ' sifa-chosen' : ''}`;
      cell.title = `reads frame t+1 at y ${read.points[tap][0].toFixed(2)}, x ${read.points[tap][1].toFixed(2)}`
        + (lost ? ': outside the frame, counts 0' : '');
    });
    ticks.setAttribute('d', read.weights.map(w => `M${(100 * scale.share(w)).toFixed(1)} 0v6`).join(''));
    [words.low, words.high].forEach((word, i) => put(word, weightText(block, scale.ends[i])));
  };
}
