// The equation of one neighbour with live numbers, and all neighbours as a table.
import { put } from './template.mjs';
import { bilinearCorners, tapShare } from './terms.mjs';
import { signed, weightText } from './words.mjs';

const couple = ([y, x], write = v => v.toFixed(2)) => `(${write(y)}, ${write(x)})`;

/**
 * The chain of terms: [name, symbol, value, meaning]. Values are the trace's own or follow from them; feature values
 * are not in a trace and stay symbols.
 * @param {{read, block, tap: number, saliency: number, difference: number}} about
 * @returns {string[][]}
 */
export function equationTerms({ read, block, tap, saliency, difference }) {
  const corners = bilinearCorners(read.points[tap], block);
  const { share, part } = tapShare(read, tap);
  const place = read.taps[tap].map((v, axis) => v - [read.y, read.x][axis]);
  const product = '\u27E8f\u209C(p), V\u2032\u2096\u27E9 / C';
  return [
    ['query', 'p', couple([read.y, read.x], String), 'the query cell (y, x) of frame t'],
    ['difference', '\u2202f = f\u209C\u208A\u2081 \u2212 f\u209C', `pictures: ${difference.toFixed(3)}`,
      'difference of features; its number is that of the two pictures here'],
    ['gate', 'f\u2098 = \u03C3(\u2202f) \u2299 f\u209C\u208A\u2081', `RMS ${saliency.toFixed(3)}`,
      'gated features, which the 3 \u00D7 3 convolution reads: saliency'],
    ['offset', '\u0394p\u2096 = conv(f\u2098)', couple(read.offsets[tap], signed), 'learned offset (dy, dx), in cells'],
    ['tap', 'p\u2096', couple(place, v => signed(v, 0)), 'place in the regular grid'],
    ['point', 'p\u2032 = p + p\u2096 + \u0394p\u2096', couple(read.points[tap]), 'where frame t + 1 is read'],
    ...corners.map(({ y, x, weight, outside }, i) => [
      `corner${i}`, `G(p\u2032, (${y}, ${x}))`, weight.toFixed(3),
      outside ? 'outside the frame: counts 0' : 'bilinear weight']),
    ['value', 'V\u2032\u2096 = \u03A3 G f\u209C\u208A\u2081',
      `${corners.filter(c => !c.outside).reduce((sum, c) => sum + c.weight, 0).toFixed(3)} inside`,
      'the four corners mixed; the features are not in the trace'],
    ['weight', block.normalised ? `w\u2096 = softmax(${product})` : `w\u2096 = ${product}`,
      weightText(block, read.weights[tap], 4), 'weight of this neighbour; C channels'],
    ['share', '|w\u2096| / \u03A3 |w|', `${(100 * share).toFixed(1)} %`, `adds ${couple(part, signed)} to the mean`],
    ['displacement', '\u03A3 |w\u2096| (p\u2032 \u2212 p) / \u03A3 |w|', couple(read.displacement, signed),
      'where the attention went: the weighted mean'],
    ['output', 'A = \u03A3 w\u2096 V\u2032\u2096', `\u03A3 w = ${weightText(block, read.sum, 4)}`,
      'what is added to the features of p'],
  ];
}

/** A strip of terms; write(about, lit) puts in numbers, built once per kernel. */
export function equationStrip(box) {
  let parts = [];

  function build(terms) {
    box.innerHTML = `<ol>${terms.map(([name]) => `<li><button type="button" data-term="${name}"><span></span> <b></b>
      <small></small></button></li>`).join('')}</ol>`;
    parts = [...box.querySelectorAll('button')].map(button => [button, ...button.children]);
  }

  return function write(about, lit) {
    const terms = equationTerms(about);
    if (box.querySelectorAll('[data-term]').length !== terms.length) build(terms);
    terms.forEach(([name, ...texts], i) => {
      const [button, ...spans] = parts[i];
      spans.forEach((span, k) => put(span, texts[k]));
      button.classList.toggle('sifa-lit', name === lit);
    });
  };
}

/** Rows of the table of neighbours. */
export function neighbourRows(read, block) {
  return read.taps.map((place, tap) => {
    const [dy, dx] = place.map((v, axis) => signed(v - [read.y, read.x][axis], 0));
    const cells = [signed(read.offsets[tap][0]), signed(read.offsets[tap][1]), read.points[tap][0].toFixed(2),
      read.points[tap][1].toFixed(2), weightText(block, read.weights[tap], 4),
      read.outside[tap] ? 'outside, 0' : 'inside'];
    return `<tr><th scope="row">${dy || 0}, ${dx || 0}</th>${cells.map(cell => `<td>${cell}</td>`).join('')}</tr>`;
  }).join('');
}

export function neighbourTable(read, block, pair) {
  const heads = ['Grid place (dy, dx)', 'Offset dy', 'Offset dx', 'Read at y', 'Read at x', 'Weight', 'Frame'];
  return `<table><caption>Neighbours of cell y ${read.y}, x ${read.x}, step ${pair + 1}, in cells</caption>
    <thead><tr>${heads.map(head => `<th scope="col">${head}</th>`).join('')}</tr></thead>
    <tbody>${neighbourRows(read, block)}</tbody></table>`;
}
