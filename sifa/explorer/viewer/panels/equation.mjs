// The equation of one neighbour with live numbers, and all neighbours as a table.
import { weightText, withSign } from '../state/text.mjs';
import { own } from '../trace/own.mjs';
import { bilinearCorners, tapShare } from '../trace/terms.mjs';
import { boxes, children, put } from './html.mjs';
/** @import { Block, Place, ReadOut } from '../trace/types' */

const ADDED = { branch: 'LayerNorm(A) is added to fₜ(p)', inside: 'A is added to fₜ(p)' }; // by the block's placement

/**
 * A query's read-out, one of its neighbours, and how salient and how different from the next frame its cell is.
 * @typedef {{read: ReadOut, block: Block, tap: number, saliency: number, difference: number}} About
 *
 * A term: its name, symbol, value and meaning.
 * @typedef {[string, string, string, string]} Term
 */

/**
 * @param {Place} place
 * @param {(v: number) => string} write
 */
const couple = ([y, x], write = v => v.toFixed(2)) => `(${write(y)}, ${write(x)})`;

/**
 * Place [dy, dx] of a neighbour without its offset, from the query, as text.
 * @param {ReadOut} read
 * @param {number} tap
 */
const placeOf = (read, tap) => read.taps[tap].map((v, axis) => {
  const from = v - [read.y, read.x][axis];
  return withSign(from, from % 1 ? 2 : 0);
}).join(', ');

/**
 * The chain of terms that the block computed. Values are the trace's own or follow from them; feature values are not in
 * a trace and stay symbols. Of a block whose weights have a `meaning` of their own, only places and weights are known.
 * @param {About} about
 * @returns {Term[]}
 */
export function equationTerms(about) {
  return [...gateTerms(about), ...placeTerms(about), ...sumTerms(about)];
}

/**
 * From the query cell to its offset.
 * @param {About} about
 * @returns {Term[]}
 */
function gateTerms({ read, block, tap, saliency, difference }) {
  const { offsets, saliency: gate = 'paper' } = block.operator ?? {};
  const plain = Boolean(block.meaning);
  const learned = !plain && offsets !== 'zero';
  /** @type {Term[]} */
  const changed = [['difference', '∂f = fₜ₊₁ − fₜ', `pictures: ${difference.toFixed(3)}`,
    'of features; the number is of the two pictures']];
  /** @type {Term[]} */
  const gated = [['gate', `fₘ = ${gate === 'none' ? '' : 'σ(∂f) ⊙ '}fₜ₊₁${gate === 'released' ? ' + fₜ₊₁' : ''}`,
    `RMS ${saliency.toFixed(3)}`, 'what the 3 × 3 convolution reads: saliency']];
  return [
    ['query', 'p', couple([read.y, read.x], String), 'the query cell (y, x) of frame t'],
    ...(learned && gate !== 'none' ? changed : []),
    ...(learned ? gated : []),
    ['offset', `Δpₖ${learned ? ' = conv(fₘ)' : plain ? '' : ' = 0'}`, couple(read.offsets[tap], withSign),
      'offset (dy, dx), in cells'],
  ];
}

/**
 * From the place of the neighbour to the four cells that it is mixed from.
 * @param {About} about
 * @returns {Term[]}
 */
function placeTerms({ read, block, tap }) {
  return [
    ['tap', 'pₖ', `(${placeOf(read, tap)})`, 'place without the offset'],
    ['point', 'p′ = p + pₖ + Δpₖ', couple(read.points[tap]), 'where frame t + 1 is read'],
    ...bilinearCorners(read.points[tap], block).map(({ y, x, weight, outside }, i) => /** @type {Term} */ ([
      `corner${i}`, `G(p′, (${y}, ${x}))`, weight.toFixed(3),
      outside ? 'outside the frame: counts 0' : 'bilinear weight'])),
  ];
}

/**
 * From what was read to the sum.
 * @param {About} about
 * @returns {Term[]}
 */
function sumTerms({ read, block, tap }) {
  const inside = bilinearCorners(read.points[tap], block).reduce((sum, { weight, outside }) => sum + (outside ? 0 : weight), 0);
  const { share, part } = tapShare(read, tap);
  const weight = weightText(block, read.weights[tap], 4);
  const mean = couple(read.displacement, withSign);
  const meanWords = 'weighted mean: the blue arrow';
  if (block.meaning) {
    return [['weight', 'wₖ', weight, block.meaning], ['displacement', 'Σ |wₖ| (p′ − p) / Σ |w|', mean, meanWords]];
  }
  const { placement = 'branch', weights, position } = block.operator ?? {};
  const f = weights === 'cosine' ? 'f̂' : 'f';
  const value = position === 'relative' ? '(V′ₖ + P (pₖ + Δpₖ))' : 'V′ₖ';
  const added = own(ADDED, placement) ?? 'the sum';
  return [
    ...comparedTerms(block),
    ['value', `V′ₖ = Σ G ${f}ₜ₊₁`, `${inside.toFixed(3)} inside`, 'the four corners mixed'],
    ['weight', `wₖ = ${block.normalised ? `softmax(⟨${f}ₜ(p), V′ₖ⟩ / √C)` : '⟨fₜ(p), V′ₖ⟩ / C'}`, weight,
      'of this neighbour; C channels'],
    ['share', '|wₖ| / Σ |w|', `${(100 * share).toFixed(1)} %`, `adds ${couple(part, withSign)} to the mean`],
    ['displacement', 'Σ |wₖ| (p′ − p) / Σ |w|', mean, meanWords],
    ['output', `A = Σ wₖ ${value}`, `Σ w = ${weightText(block, read.sum)}`, added],
  ];
}

/**
 * What is compared and added up, where that is not the features themselves.
 * @param {Block} block
 * @returns {Term[]}
 */
function comparedTerms({ operator }) {
  const { weights, scale = '', projected } = operator ?? {};
  if (weights !== 'cosine') return [];
  const centred = projected ? 'M (f − mean f)' : 'f − mean f';
  return [['compared', `f̂ = √(s √C) · unit(${centred})`, `s = ${scale}`, 'features from their mean, all of one length']];
}

/** A strip of terms, built once per chain. */
export class EquationStrip {
  #shape = '';
  /** @type {{button: HTMLElement, spans: HTMLElement[]}[]} */
  #parts = [];

  /** @param {HTMLElement} strip */
  constructor(strip) { this.strip = strip; }

  /** @param {Term[]} terms */
  #build(terms) {
    this.strip.innerHTML = `<ol>${terms.map(([name]) => `<li><button type="button" data-term="${name}"><span></span> <b></b>
      <small></small></button></li>`).join('')}</ol>`;
    this.#parts = boxes(this.strip, 'button').map(button => ({ button, spans: children(button) }));
  }

  /**
   * Put in the numbers of a query, and light up the term that is pointed at.
   * @param {About} about
   * @param {string} lit
   */
  write(about, lit) {
    const terms = equationTerms(about);
    const shape = terms.map(([name]) => name).join();
    if (this.#shape !== shape) this.#build(terms);
    this.#shape = shape;
    terms.forEach(([name, ...texts], i) => {
      const { button, spans } = this.#parts[i];
      spans.forEach((span, k) => put(span, texts[k]));
      button.classList.toggle('sifa-lit', name === lit);
    });
  }
}

/**
 * All neighbours of a query as a table.
 * @param {ReadOut} read
 * @param {Block} block
 * @param {number} pair
 * @param {string} letter of the pin, '' none
 */
export function neighbourTable(read, block, pair, letter = '') {
  const heads = ['Grid place (dy, dx)', 'Offset dy', 'Offset dx', 'Read at y', 'Read at x', 'Weight', 'Frame'];
  const rows = read.taps.map((_, tap) => {
    const cells = [...read.offsets[tap].map(v => withSign(v)), ...read.points[tap].map(v => v.toFixed(2)),
      weightText(block, read.weights[tap], 4), read.outside[tap] ? 'outside, 0' : 'inside'];
    return `<tr data-tap="${tap}"><th scope="row">${placeOf(read, tap)}</th>${cells.map(cell => `<td>${cell}</td>`).join('')}</tr>`;
  });
  const whose = `${letter && `pin ${letter}, `}cell y ${read.y}, x ${read.x}`;
  return `<table><caption>Neighbours of ${whose}, step ${pair + 1}, in cells</caption>
    <thead><tr>${heads.map(head => `<th scope="col">${head}</th>`).join('')}</tr></thead>
    <tbody>${rows.join('')}</tbody></table>`;
}
