// The painter of marks as SVG, and the pair of pictures as one file of it.
import { escapeHtml } from '../state/text.mjs';
import { GROUND, HEAT_STEPS, TAG_BASE, heatStep } from './palette.mjs';
import { eachArrow, strokePath } from './shapes.mjs';
/** @import { Disc, HeatMap, Mark, Path, Picture, Stroke, Tag } from './types' */

/**
 * An input frame as a data URL, and its size in pixels.
 * @typedef {{url: string, width: number, height: number}} Still
 * @typedef {{[index: number]: Still}} Stills
 */

const [BETWEEN, LINE, LETTERS] = [16, 17, 150]; // pixels between pictures, of a line of text; letters on a line
const NAMESPACE = ['http:', '//www.w3.org/2000/svg'].join(''); // a name, and in two parts: pages are searched for addresses

/**
 * Markup with its long numbers cut to two decimals.
 * @param {string} markup
 */
const roundDigits = markup => markup.replace(/\d+\.\d{5,}/g, digits => `${+(+digits).toFixed(2)}`);

/**
 * A colour as an attribute, with its opacity beside it: not every reader of SVG knows rgba().
 * @param {'fill' | 'stroke'} name
 * @param {string} colour
 */
function ink(name, colour) {
  const [, rgb, alpha] = /^rgba\((\d+,\d+,\d+),([\d.]+)\)$/.exec(colour) ?? [];
  return rgb ? `${name}="rgb(${rgb})" ${name}-opacity="${alpha}"` : `${name}="${colour}"`;
}

/**
 * A path as the value of `d`.
 * @param {Path} path
 */
function pathData(path) {
  switch (path.shape) {
    case 'lines': return path.lines.map(line => `M${pairs(line).join('L')}`).join('');
    case 'rects': return path.rects.map(([x, y, width, height]) => `M${x},${y}h${width}v${height}h${-width}z`).join('');
    case 'circle': return ellipsePath(path.x, path.y, path.radius, path.radius);
    case 'arrows': {
      let d = '';
      eachArrow(path, (x0, y0, x1, y1, ...barbs) => {
        d += `M${x0},${y0}L${x1},${y1}M${barbs[0]},${barbs[1]}L${x1},${y1}L${barbs[2]},${barbs[3]}`;
      });
      return d;
    }
  }
}

/** @param {number[]} line */
const pairs = line => line.flatMap((v, i) => (i % 2 ? [] : [`${v},${line[i + 1]}`]));

/**
 * @param {number} x
 * @param {number} y
 * @param {number} across
 * @param {number} down
 */
const ellipsePath = (x, y, across, down) =>
  `M${x - across},${y}a${across},${down} 0 1 1 ${2 * across},0a${across},${down} 0 1 1 ${-2 * across},0z`;

/** @param {number[]} dash */
const dashes = dash => (dash.length ? ` stroke-dasharray="${dash.join(' ')}"` : '');

/** @param {Stroke} mark */
function strokeSvg({ parts, width, dash, casing, round }) {
  const ends = round ? ' stroke-linecap="round" stroke-linejoin="round"' : '';
  const drawn = parts.map(({ path, colour }) => ({ d: pathData(path), colour })).filter(({ d }) => d);
  const under = casing ? drawn.map(({ d }) =>
    `<path d="${d}" ${ink('stroke', casing.colour)} stroke-width="${casing.width}"${dashes(casing.dash)}${ends}/>`) : [];
  const over = drawn.map(({ d, colour }) =>
    `<path d="${d}" ${ink('stroke', colour)} stroke-width="${width}"${dashes(dash)}${ends}/>`);
  return [...under, ...over].join('');
}

/** @param {Disc} disc */
function discSvg({ x, y, radius, fill, edge, width, weight, half, dash = [] }) {
  const shape = `cx="${x}" cy="${y}" r="${radius}"`;
  const { casing } = strokePath({ shape: 'circle', x, y, radius }, edge, width);
  const title = weight === undefined ? ''
    : `<title>weight ${weight.toFixed(4)}${fill ? '' : ', outside the frame: counts 0'}</title>`;
  return (casing ? `<circle ${shape} ${ink('stroke', casing.colour)} stroke-width="${casing.width}"/>` : '')
    + `<circle ${shape} fill="${half ? 'none' : fill ?? 'none'}" stroke="${edge}" stroke-width="${width}"${dashes(dash)}
 paint-order="stroke">${title}</circle>`
    + (half ? `<path d="M${x - radius},${y}a${radius},${radius} 0 0 0 ${2 * radius},0z" fill="${fill}"/>` : '');
}

/**
 * @param {Picture} mark
 * @param {Still} still
 */
function pictureSvg({ x, y, width, height, box }, still) {
  return `<svg x="${x}" y="${y}" width="${width}" height="${height}"
 viewBox="${box.left} ${box.top} ${box.side} ${box.side}" preserveAspectRatio="none">
<image href="${still.url}" width="${still.width}" height="${still.height}"/></svg>`;
}

/** @param {Tag} tag */
function tagSvg({ x, y, size, text, colour, width }) {
  return `<rect x="${x - width}" y="${y - width}" width="${size + 2 * width}" height="${size + 2 * width}" fill="#000"/>
<rect x="${x}" y="${y}" width="${size}" height="${size}" fill="${colour}"/>
<text x="${x + size / 2}" y="${y + TAG_BASE * size}" font-size="${0.78 * size}" font-weight="700" text-anchor="middle"
 fill="#000">${escapeHtml(text)}</text>`;
}

/** @param {HeatMap} mark */
function heatSvg({ map, rows, columns, most, x, y, width, height }) {
  const [across, down] = [width / columns, height / rows];
  /** @type {Map<number, string>} */
  const cells = new Map(); // by colour
  map.forEach((value, i) => {
    const [left, top] = [x + across * (i % columns), y + down * Math.floor(i / columns)];
    const step = heatStep(value, most);
    cells.set(step, `${cells.get(step) ?? ''}M${left},${top}h${across}v${down}h${-across}z`);
  });
  return `<g fill-opacity=".72">${[...cells].map(([step, d]) =>
    `<path d="${d}" fill="rgb(${HEAT_STEPS[step].join(',')})"/>`).join('')}</g>`;
}

/**
 * A list of marks as SVG; `stills` are the clip's input frames, by number.
 * @param {Mark[]} marks
 * @param {Stills} stills
 */
export function svgMarks(marks, stills) {
  return marks.map(mark => {
    switch (mark.kind) {
      case 'stroke': return strokeSvg(mark);
      case 'disc': return discSvg(mark);
      case 'ground': return `<rect width="${mark.side}" height="${mark.side}" fill="${GROUND}"/>`;
      case 'picture': return pictureSvg(mark, stills[mark.index]);
      case 'heat': return heatSvg(mark);
      case 'ellipses': return mark.ellipses.map(({ x, y, across, down }) =>
        `<path d="${ellipsePath(x, y, across, down)}" ${ink('fill', mark.colour)}/>`).join('');
      case 'tag': return tagSvg(mark);
      case 'dots': return dotsSvg(mark.points, 2 * mark.size, 'rgba(0,0,0,.5)') + dotsSvg(mark.points, mark.size, '#fff');
    }
  }).join('');
}

/**
 * @param {number[]} points
 * @param {number} size
 * @param {string} colour
 */
function dotsSvg(points, size, colour) {
  const squares = pairs(points).map((_, i) =>
    `M${points[2 * i] - size / 2},${points[2 * i + 1] - size / 2}h${size}v${size}h${-size}z`);
  return squares.length ? `<path d="${squares.join('')}" ${ink('fill', colour)}/>` : '';
}

/**
 * The caption as lines of text, broken between words.
 * @param {string} text
 * @param {number} side
 */
function captionLines(text, side) {
  const lines = text.match(new RegExp(`.{1,${LETTERS}}(?:\\s|$)`, 'g')) ?? [text];
  return lines.map((line, i) => `<text x="0" y="${side + LINE * (i + 1)}">${escapeHtml(line.trim())}</text>`);
}

/**
 * Frame t and frame t + 1 side by side as one SVG picture, with its caption as text and as title.
 * @param {{query: Mark[], key: Mark[]}} marks
 * @param {number} side
 * @param {Stills} stills
 * @param {string} caption
 */
export function pairSvg({ query, key }, side, stills, caption) {
  const lines = captionLines(caption, side);
  const [width, height] = [2 * side + BETWEEN, side + LINE * lines.length + 8];
  return `<svg xmlns="${NAMESPACE}" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"
 fill="none" font-family="sans-serif" font-size="12">
<title>${escapeHtml(caption)}</title><rect width="${width}" height="${height}" fill="#fff"/>
<svg class="query" width="${side}" height="${side}">${roundDigits(svgMarks(query, stills))}</svg>
<svg class="key" x="${side + BETWEEN}" width="${side}" height="${side}">${roundDigits(svgMarks(key, stills))}</svg>
<g fill="#1b222b">${lines.join('')}</g></svg>
`;
}
