// The pair of pictures as SVG: both frames as they are stored, and every mark as a shape.
import { arrowEvery, cropBox, displacementField, framesOfStep, readout, wholeView } from './geometry.mjs';
import { KEY, QUERY, weightScale } from './palette.mjs';
import { escapeHtml } from './template.mjs';

const [SVG_SIDE, BETWEEN, SVG_LINE] = [480, 16, 17]; // pixels
const NAMESPACE = `http:${'//www.w3.org/2000/svg'}`; // a name, and in two parts: pages are searched for addresses
const LETTERS = 150; // of the caption, on one line

const rounded = v => +v.toFixed(2);

async function dataUrl(blob) {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  return `data:image/jpeg;base64,${btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join(''))}`;
}

/** A path stroked dark, then in a colour, so that it is legible on any picture. */
const stroked = (d, colour, width) => `<path d="${d}" stroke="#000" stroke-opacity=".75" stroke-width="${
  rounded(2.2 * width)}"/><path d="${d}" stroke="${colour}" stroke-width="${width}"/>`;

function svgArrow([x0, y0], [x1, y1], most) {
  const head = Math.min(most, 0.45 * Math.hypot(x1 - x0, y1 - y0));
  const angle = Math.atan2(y1 - y0, x1 - x0);
  const barb = turn => [x1 + head * Math.cos(angle + turn), y1 + head * Math.sin(angle + turn)].map(rounded);
  return `M${[x0, y0].map(rounded)}L${[x1, y1].map(rounded)}M${barb(2.55)}L${[x1, y1].map(rounded)}L${barb(-2.55)}`;
}

function svgFrame(image, url, trace, block, view) {
  const box = cropBox(trace.crop);
  const [left, top] = view.px(-0.5, -0.5);
  const [right, bottom] = view.px(block.height - 0.5, block.width - 0.5);
  return `<rect width="${SVG_SIDE}" height="${SVG_SIDE}" fill="#23272e"/>
<svg x="${rounded(left)}" y="${rounded(top)}" width="${rounded(right - left)}" height="${rounded(bottom - top)}"
 viewBox="${[box.left, box.top, box.side, box.side].map(rounded).join(' ')}" preserveAspectRatio="none">
<image href="${url}" width="${image.width}" height="${image.height}"/></svg>`;
}

function svgCell(view, { y, x }, style) {
  const [cx, cy] = view.px(y, x);
  const corner = `x="${rounded(cx - view.cw / 2)}" y="${rounded(cy - view.ch / 2)}"`;
  return `<rect ${corner} width="${rounded(view.cw)}" height="${rounded(view.ch)}" stroke="${QUERY}" ${style}/>`;
}

function svgQuiver(view, block, field) {
  const every = arrowEvery(block, SVG_SIDE);
  let d = '';
  for (let y = every >> 1; y < block.height; y += every) {
    for (let x = every >> 1; x < block.width; x += every) {
      const i = 2 * (y * block.width + x);
      d += svgArrow(view.px(y, x), view.px(y + field[i], x + field[i + 1]), 5);
    }
  }
  return stroked(d, '#fff', 1.2);
}

function svgNeighbours(view, read, scale) {
  const reach = Math.max(3.2, Math.min(11, 0.33 * view.cw));
  const place = point => view.px(...point).map(rounded);
  const lines = read.points.map((point, tap) => `M${place(read.taps[tap])}L${place(point)}`);
  const points = read.points.map((point, tap) => {
    const [cx, cy] = place(point);
    const fill = read.outside[tap] ? 'none' : scale.colour(read.weights[tap]);
    const about = `weight ${read.weights[tap].toFixed(4)}${read.outside[tap] ? ', outside the frame: counts 0' : ''}`;
    const shape = `cx="${cx}" cy="${cy}" r="${rounded(reach * (0.38 + 0.62 * scale.size(read.weights[tap])))}"`;
    return `<circle ${shape} stroke="#000" stroke-opacity=".75" stroke-width="3.3"/>`
      + `<circle ${shape} fill="${fill}" stroke="#fff" stroke-width="1.5"><title>${about}</title></circle>`;
  });
  const arm = Math.min(3.2, 0.4 * reach);
  const crosses = read.taps.map(place => {
    const [x, y] = view.px(...place);
    const across = `M${rounded(x - arm)},${rounded(y)}h${rounded(2 * arm)}`;
    return `${across}M${rounded(x)},${rounded(y - arm)}v${rounded(2 * arm)}`;
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
  const arrowTo = svgArrow(view.px(state.y, state.x), view.px(state.y + dy, state.x + dx), 9);
  const [from, to] = await Promise.all([state.pair, state.pair + 1].map(async step => {
    const { middle } = framesOfStep(step, block, images.length);
    return svgFrame(images[middle], await dataUrl(trace.pictures[middle]), trace, block, view);
  }));
  const lines = captionLines(caption);
  const [width, height] = [2 * SVG_SIDE + BETWEEN, SVG_SIDE + SVG_LINE * lines.length + 8];
  return `<svg xmlns="${NAMESPACE}" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"
 fill="none" stroke-linejoin="round" stroke-linecap="round" font-family="sans-serif" font-size="12">
<title>${escapeHtml(caption)}</title><rect width="${width}" height="${height}" fill="#fff"/>
<svg class="query" width="${SVG_SIDE}" height="${SVG_SIDE}">${from}
${state.quiver ? svgQuiver(view, block, displacementField(block, state.pair)) : ''}
${svgCell(view, read, 'stroke-width="3"')}${stroked(arrowTo, KEY, 2.4)}</svg>
<svg class="key" x="${SVG_SIDE + BETWEEN}" width="${SVG_SIDE}" height="${SVG_SIDE}">${to}
${svgCell(view, read, 'stroke-width="1.2" stroke-dasharray="3 3"')}
${svgNeighbours(view, read, weightScale(block, state.pair))}${stroked(arrowTo, KEY, 2.4)}</svg>
<g fill="#1b222b">${lines.join('')}</g></svg>
`;
}
