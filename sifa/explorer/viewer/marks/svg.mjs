// The pair of pictures as SVG: both frames as they are stored, and every mark as a shape.
import { arrowField, readersOf } from './fields.mjs';
import { arrowEvery, cropBox, framesOfStep, readout, wholeView } from './geometry.mjs';
import { KEY, QUERY, readerColour, sectorColour, sectorOf, weightScale } from './palette.mjs';
import { escapeHtml } from './template.mjs';

const [SVG_SIDE, BETWEEN, SVG_LINE] = [480, 16, 17]; // pixels
const NAMESPACE = `http:${'//www.w3.org/2000/svg'}`; // a name, and in two parts: pages are searched for addresses
const LETTERS = 150; // of the caption, on one line

/** Markup with its long numbers cut to two decimals. */
const rounded = markup => markup.replace(/\d+\.\d{5,}/g, digits => +(+digits).toFixed(2));

async function dataUrl(blob) {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  return `data:image/jpeg;base64,${btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join(''))}`;
}

/** A path stroked dark, then in a colour, so that it is legible on any picture. */
const stroked = (d, colour, width) => `<path d="${d}" stroke="#000" stroke-opacity=".75" stroke-width="${
  2.2 * width}"/><path d="${d}" stroke="${colour}" stroke-width="${width}"/>`;

function svgArrow([x0, y0], [x1, y1], most) {
  const head = Math.min(most, 0.45 * Math.hypot(x1 - x0, y1 - y0));
  const angle = Math.atan2(y1 - y0, x1 - x0);
  const barb = turn => `${x1 + head * Math.cos(angle + turn)},${y1 + head * Math.sin(angle + turn)}`;
  return `M${x0},${y0}L${x1},${y1}M${barb(2.55)}L${x1},${y1}L${barb(-2.55)}`;
}

function svgFrame(image, url, trace, block, view) {
  const box = cropBox(trace.crop);
  const [left, top] = view.px(-0.5, -0.5);
  const [right, bottom] = view.px(block.height - 0.5, block.width - 0.5);
  return `<rect width="${SVG_SIDE}" height="${SVG_SIDE}" fill="#23272e"/>
<svg x="${left}" y="${top}" width="${right - left}" height="${bottom - top}"
 viewBox="${box.left} ${box.top} ${box.side} ${box.side}" preserveAspectRatio="none">
<image href="${url}" width="${image.width}" height="${image.height}"/></svg>`;
}

function svgCell(view, { y, x }, style, colour = QUERY) {
  const [cx, cy] = view.px(y, x);
  const corner = `x="${cx - view.cw / 2}" y="${cy - view.ch / 2}"`;
  return `<rect ${corner} width="${view.cw}" height="${view.ch}" stroke="${colour}" ${style}/>`;
}

function svgQuiver(view, block, { pair, arrows, density, tinted }) {
  const field = arrowField(block, pair, arrows);
  const every = arrowEvery(block, SVG_SIDE, density);
  const paths = new Map(); // by colour
  for (let y = every >> 1; y < block.height; y += every) {
    for (let x = every >> 1; x < block.width; x += every) {
      const i = 2 * (y * block.width + x);
      const colour = tinted ? sectorColour(sectorOf([field[i], field[i + 1]])) : '#fff';
      const arrow = svgArrow(view.px(y, x), view.px(y + field[i], x + field[i + 1]), 5);
      paths.set(colour, (paths.get(colour) ?? '') + arrow);
    }
  }
  return [...paths].map(([colour, d]) => stroked(d, colour, 1.2)).join('');
}

const svgDisc = ([cx, cy], radius, fill, about) => {
  const shape = `cx="${cx}" cy="${cy}" r="${radius}"`;
  return `<circle ${shape} stroke="#000" stroke-opacity=".75" stroke-width="3.3"/>`
    + `<circle ${shape} fill="${fill}" stroke="#fff" stroke-width="1.5"><title>${about}</title></circle>`;
};

/** The queries that read a place: a disc each, whose area and colour follow its weight. */
function svgReaders(view, readers) {
  const large = 0.46 * Math.min(view.cw, view.ch);
  return readers.map(({ y, x, weight }) => {
    const share = weight / readers[0].weight;
    const about = `weight ${weight.toFixed(4)}`;
    return svgDisc(view.px(y, x), Math.max(1.6, large * Math.sqrt(share)), readerColour(share), about);
  }).reverse().join('');
}

function svgNeighbours(view, read, scale) {
  const reach = Math.max(3.2, Math.min(11, 0.33 * view.cw));
  const lines = read.points.map((point, tap) => `M${view.px(...read.taps[tap])}L${view.px(...point)}`);
  const points = read.points.map((point, tap) => {
    const fill = read.outside[tap] ? 'none' : scale.colour(read.weights[tap]);
    const about = `weight ${read.weights[tap].toFixed(4)}${read.outside[tap] ? ', outside the frame: counts 0' : ''}`;
    return svgDisc(view.px(...point), reach * (0.38 + 0.62 * scale.size(read.weights[tap])), fill, about);
  });
  const arm = Math.min(3.2, 0.4 * reach);
  const crosses = read.taps.map(place => {
    const [x, y] = view.px(...place);
    return `M${x - arm},${y}h${2 * arm}m${-arm},${-arm}v${2 * arm}`;
  });
  return stroked(lines.join(''), '#fff', 1.1) + points.join('') + stroked(crosses.join(''), '#fff', 1.2);
}

/** The caption as lines of text, broken between words. */
function captionLines(text) {
  const lines = text.match(new RegExp(`.{1,${LETTERS}}(?:\\s|$)`, 'g')) ?? [text];
  return lines.map((line, i) => `<text x="0" y="${SVG_SIDE + SVG_LINE * (i + 1)}">${escapeHtml(line.trim())}</text>`);
}

/** What is shown as one SVG picture, with its caption as text and as title. */
export async function svg({ trace, images, state }, caption) {
  const block = trace.blocks[state.block];
  const view = wholeView(block, SVG_SIDE);
  const read = readout(block, state.pair, state.y, state.x);
  const [dy, dx] = read.displacement;
  const arrowTo = stroked(svgArrow(view.px(state.y, state.x), view.px(state.y + dy, state.x + dx), 9), KEY, 2.4);
  const faint = 'stroke-width="1.2" stroke-dasharray="3 3"';
  const marks = state.reverse ? [
    svgReaders(view, readersOf(block, state.pair, state.y, state.x)) + svgCell(view, read, faint, KEY),
    svgCell(view, read, 'stroke-width="3"', KEY),
  ] : [
    svgCell(view, read, 'stroke-width="3"') + (state.quiver ? arrowTo : ''),
    svgCell(view, read, faint) + svgNeighbours(view, read, weightScale(block, state.pair)) + arrowTo,
  ];
  const [from, to] = await Promise.all([state.pair, state.pair + 1].map(async step => {
    const { middle } = framesOfStep(step, block, images.length);
    return svgFrame(images[middle], await dataUrl(trace.pictures[middle]), trace, block, view);
  }));
  const lines = captionLines(caption);
  const [width, height] = [2 * SVG_SIDE + BETWEEN, SVG_SIDE + SVG_LINE * lines.length + 8];
  return `<svg xmlns="${NAMESPACE}" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"
 fill="none" stroke-linejoin="round" stroke-linecap="round" font-family="sans-serif" font-size="12">
<title>${escapeHtml(caption)}</title><rect width="${width}" height="${height}" fill="#fff"/>
${rounded(`<svg class="query" width="${SVG_SIDE}" height="${SVG_SIDE}">${from}
${state.quiver ? svgQuiver(view, block, state) : ''}${marks[0]}</svg>
<svg class="key" x="${SVG_SIDE + BETWEEN}" width="${SVG_SIDE}" height="${SVG_SIDE}">${to}
${marks[1]}</svg>`)}
<g fill="#1b222b">${lines.join('')}</g></svg>
`;
}
