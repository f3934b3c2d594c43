// The equation of one neighbour with live numbers, and all neighbours as a table.
import { put } from './template.mjs';
import { bilinearCorners, tapShare } from './terms.mjs';
import { signed, weightText } from './words.mjs';

const couple = ([y, x], write = v => v.toFixed(2)) => `(${write(y)}, ${write(x)})`;

/** Place [dy, dx] of a neighbour without its offset, from the query, as text. */
const placeOf = (read, tap) => read.taps[tap].map((v, axis) => {
  const from = v - [read.y, read.x][axis];
  return signed(from, from % 1 ? 2 : 0);
}).join(', ');

/**
 * The chain of terms that the block computed: [name, symbol, value, meaning]. Values are the trace's own or follow from
 * them; feature values are not in a trace and stay symbols. Of a block whose weights have a `meaning` of their own, only
 * places and weights are known.
 * @param {{read, block, tap: number, saliency: number, difference: number}} about
 * @returns {string[][]}
 */
export function equationTerms({ read, block, tap, saliency, difference }) {
  const { offsets, saliency: gate = 'paper', placement = 'branch' } = block.operator ?? {};
  const known = !block.meaning;
  const learned = known && offsets !== 'zero';
  const corners = bilinearCorners(read.points[tap], block);
  const { share, part } = tapShare(read, tap);
  const inside = corners.reduce((sum, { weight, outside }) => sum + (outside ? 0 : weight), 0);
  return [
    ['query', 'p', couple([read.y, read.x], String), 'the query cell (y, x) of frame t'],
    learned && gate !== 'none' && ['difference', '∂f = fₜ₊₁ − fₜ', `pictures: ${difference.toFixed(3)}`,
      'of features; the number is of the two pictures'],
    learned && ['gate', `fₘ = ${gate === 'none' ? '' : 'σ(∂f) ⊙ '}fₜ₊₁${gate === 'released' ? ' + fₜ₊₁' : ''}`,
      `RMS ${saliency.toFixed(3)}`, 'what the 3 × 3 convolution reads: saliency'],
    ['offset', `Δpₖ${learned ? ' = conv(fₘ)' : known ? ' = 0' : ''}`, couple(read.offsets[tap], signed),
      'offset (dy, dx), in cells'],
    ['tap', 'pₖ', `(${placeOf(read, tap)})`, 'place without the offset'],
    ['point', 'p′ = p + pₖ + Δpₖ', couple(read.points[tap]), 'where frame t + 1 is read'],
    ...corners.map(({ y, x, weight, outside }, i) => [
      `corner${i}`, `G(p′, (${y}, ${x}))`, weight.toFixed(3),
      outside ? 'outside the frame: counts 0' : 'bilinear weight']),
    known && ['value', 'V′ₖ = Σ G fₜ₊₁', `${inside.toFixed(3)} inside`, 'the four corners mixed'],
    ['weight', known ? `wₖ = ${block.normalised ? 'softmax(⟨fₜ(p), V′ₖ⟩ / √C)' : '⟨fₜ(p), V′ₖ⟩ / C'}` : 'wₖ',
      weightText(block, read.weights[tap], 4), block.meaning || 'of this neighbour; C channels'],
    known && ['share', '|wₖ| / Σ |w|', `${(100 * share).toFixed(1)} %`, `adds ${couple(part, signed)} to the mean`],
    ['displacement', 'Σ |wₖ| (p′ − p) / Σ |w|', couple(read.displacement, signed), 'weighted mean: the blue arrow'],
    known && ['output', 'A = Σ wₖ V′ₖ', `Σ w = ${weightText(block, read.sum)}`,
      { branch: 'LayerNorm(A) is added to fₜ(p)', inside: 'A is added to fₜ(p)' }[placement] ?? 'the sum'],
  ].filter(Boolean);
}

/** A strip of terms; write(about, lit) puts in numbers, built once per chain. */
export function equationStrip(box) {
  let shape = '', parts = [];

  function build(terms) {
    box.innerHTML = `<ol>${terms.map(([name]) => `<li><button type="button" data-term="${name}"><span></span> <b></b>
      <small></small></button></li>`).join('')}</ol>`;
    parts = [...box.querySelectorAll('button')].map(button => [button, ...button.children]);
  }

  return function write(about, lit) {
    const terms = equationTerms(about);
    if (shape !== (shape = terms.map(([name]) => name).join())) build(terms);
    terms.forEach(([name, ...texts], i) => {
      const [button, ...spans] = parts[i];
      spans.forEach((span, k) => put(span, texts[k]));
      button.classList.toggle('sifa-lit', name === lit);
    });
  };
}

/** All neighbours of a query as a table. */
export function neighbourTable(read, block, pair) {
  const heads = ['Grid place (dy, dx)', 'Offset dy', 'Offset dx', 'Read at y', 'Read at x', 'Weight', 'Frame'];
  const rows = read.taps.map((_, tap) => {
    const cells = [...read.offsets[tap].map(v => signed(v)), ...read.points[tap].map(v => v.toFixed(2)),
      weightText(block, read.weights[tap], 4), read.outside[tap] ? 'outside, 0' : 'inside'];
    return `<tr><th scope="row">${placeOf(read, tap)}</th>${cells.map(cell => `<td>${cell}</td>`).join('')}</tr>`;
  });
  return `<table><caption>Neighbours of cell y ${read.y}, x ${read.x}, step ${pair + 1}, in cells</caption>
    <thead><tr>${heads.map(head => `<th scope="col">${head}</th>`).join('')}</tr></thead>
    <tbody>${rows.join('')}</tbody></table>`;
}
