// The reverse read-out: the queries of frame t that read one cell of frame t + 1.
import { readerColour } from '../marks/palette.mjs';
/** @import { Reader } from '../trace/types' */
/** @import { State } from '../state/types' */

const LISTED = 9;

/**
 * The list as HTML; a button names its query as data-y and data-x.
 * @param {Reader[]} readers
 * @param {Pick<State, 'y' | 'x' | 'pinned'>} state
 */
export function readersHtml(readers, { y, x, pinned }) {
  const total = readers.reduce((sum, { weight }) => sum + weight, 0);
  const most = readers[0]?.weight ?? 1;
  const rows = readers.slice(0, LISTED).map(reader => `<tr><th scope="row"><button type="button" data-y="${reader.y}"
    data-x="${reader.x}">y ${reader.y}, x ${reader.x}</button></th><td><i style="width:${100 * reader.weight / most}%;
    background:${readerColour(reader.weight / most)}"></i></td><td>${reader.weight.toFixed(3)}</td></tr>`).join('');
  const more = readers.length > LISTED ? `, the ${LISTED} largest` : '';
  return `<h3>Who reads y ${y}, x ${x}? ${pinned ? '<span class="sifa-pin">pinned</span>' : ''}</h3>
    <table class="sifa-readers"><caption>${readers.length} queries of frame t${more}: <b>|weight|</b> × bilinear
    weight of their points at this cell</caption><tbody>${rows}</tbody></table>
    <dl><dt>Sum</dt><dd>${total.toFixed(3)}</dd></dl>`;
}
