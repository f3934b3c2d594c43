// The page's skeleton and the small pieces of HTML that change with the trace. Names from files are always escaped.
import { gradient } from './palette.mjs';

export const escapeHtml = text => String(text).replace(/[&<>"']/g, c => `&#${c.charCodeAt(0)};`);
const signed = (v, digits = 2) => (v < 0 ? '\u2212' : '+') + Math.abs(v).toFixed(digits);
const percent = p => (p >= 0.9995 ? '100 %' : `${(100 * p).toFixed(1)} %`);

export const SKELETON = `
<header class="sifa-head">
  <div class="sifa-answer"></div>
  <div class="sifa-badge"></div>
</header>
<p class="sifa-error" role="alert" hidden></p>
<div class="sifa-bar" role="toolbar" aria-label="Time and block">
  <div class="sifa-group">
    <button type="button" data-do="previous" aria-label="Previous step" title="Previous step (left arrow)">\u2039</button>
    <button type="button" data-do="play" aria-label="Play" title="Play or pause (space)">\u25B6</button>
    <button type="button" data-do="next" aria-label="Next step" title="Next step (right arrow)">\u203A</button>
    <label class="sifa-time"><span class="sifa-step"></span>
      <input type="range" min="0" step="1" value="0" aria-label="Time step"></label>
  </div>
  <div class="sifa-group">
    <button type="button" data-do="block-down" aria-label="Previous block" title="Previous block ([)">[</button>
    <select aria-label="Block"></select>
    <button type="button" data-do="block-up" aria-label="Next block" title="Next block (])">]</button>
  </div>
  <div class="sifa-group">
    <button type="button" data-do="quiver" aria-pressed="true" title="Arrows of the whole field (q)">Arrows</button>
    <button type="button" data-do="help" title="Keys and marks (?)" aria-label="Help">?</button>
  </div>
</div>
<div class="sifa-stage">
  <figure class="sifa-query"><figcaption></figcaption><canvas tabindex="0" role="application"
    aria-label="Query frame. Arrow keys move the query cell, Enter pins it."></canvas></figure>
  <figure class="sifa-key"><figcaption></figcaption><canvas role="img" aria-label="Next frame with the sampled points"></canvas>
    <p class="sifa-last" hidden>The last step has no next frame: SIFA adds nothing here.</p></figure>
  <aside class="sifa-panel">
    <section class="sifa-read"></section>
    <section class="sifa-scale"></section>
  </aside>
</div>
<p class="sifa-legend">
  <span><i class="sifa-m-query"></i>query cell, frame t</span>
  <span><i class="sifa-m-tap"></i>its place in the regular grid</span>
  <span><i class="sifa-m-line"></i>offset</span>
  <span><i class="sifa-m-point"></i>sampled point; size and colour are its weight</span>
  <span><i class="sifa-m-out"></i>outside the frame: counts 0</span>
  <span><i class="sifa-m-arrow"></i>where the attention went, weighted mean</span>
</p>
<div class="sifa-film" role="group" aria-label="Input frames"></div>
<p class="sifa-note"></p>
<div class="sifa-live" aria-live="polite"></div>
<dialog class="sifa-help" aria-label="Help">
  <h2>How to look</h2>
  <p>Every place of frame t asks: what in the next frame belongs to me? The model looks at a small grid of neighbours, moves
  each by a learned <b>offset</b>, reads the picture there, and gives each a <b>weight</b>. Move over the left picture to see
  the points appear in the right one.</p>
  <dl>
    <dt>hover, click</dt><dd>preview a cell, pin it</dd>
    <dt>\u2190 \u2192 or , .</dt><dd>step through time</dd>
    <dt>[ ]</dt><dd>change the block</dd>
    <dt>arrow keys on the left picture</dt><dd>move the query cell</dd>
    <dt>Enter, Esc</dt><dd>pin, unpin</dd>
    <dt>Space</dt><dd>play or pause</dd>
    <dt>q</dt><dd>arrows of the whole field</dd>
  </dl>
  <form method="dialog"><button>Close</button></form>
</dialog>`;

export function answerHtml(trace) {
  const order = trace.labels.map((_, i) => i).sort((a, b) => trace.probabilities[b] - trace.probabilities[a]);
  const bars = order.slice(0, 5).map(i => `<li><span class="sifa-name">${escapeHtml(trace.labels[i])}</span>
    <span class="sifa-track"><span style="width:${(100 * trace.probabilities[i]).toFixed(1)}%"></span></span>
    <span class="sifa-number">${percent(trace.probabilities[i])}</span></li>`);
  return `<h2>${escapeHtml(trace.labels[order[0]])}</h2><ol class="sifa-bars" aria-label="Five most probable classes">${bars.join('')}</ol>`;
}

export function badgeHtml(trace) {
  const known = trace.checkpoint.trained_on;
  if (!known) return '<span class="sifa-warn">Untrained weights: random numbers, nothing learned</span>';
  return `<span>Weights trained on ${escapeHtml(known)}</span>`;
}

/** "frames 8 to 12, 0.27 s" for input frames [first, end). */
export function framesText(trace, { first, end }) {
  const [a, b] = [trace.clip.indices[first], trace.clip.indices[end - 1]];
  return `source frame${a === b ? ` ${a}` : `s ${a}\u2013${b}`} at ${trace.clip.times[first].toFixed(2)} s`;
}

export function blockName(block, index, count) {
  return `Block ${index + 1} of ${count}: stage ${block.stage + 1}, ${block.height} \u00D7 ${block.width} cells`;
}

export function noteText(trace) {
  const { clip } = trace;
  const used = `Frames ${clip.indices[0]} to ${clip.indices.at(-1)} of ${clip.source_frames} in ${clip.name}, every ${clip.sampling_rate}${['', 'st', 'nd', 'rd'][clip.sampling_rate] ?? 'th'} one.`;
  const padded = clip.padded ? ` The clip is short: its last frame is repeated ${clip.padded} times.` : '';
  return `${used}${padded} The model sees the bright square.`;
}

export function readHtml(read, block, scale) {
  const cells = read.neighbours.map(n => `<td title="samples (y ${n.point[0].toFixed(2)}, x ${n.point[1].toFixed(2)})">
    <b>${signed(n.weight)}</b><i style="background:${n.outside ? 'transparent' : scale.colour(n.weight)}"></i>
    <small>${n.outside ? 'outside' : `${signed(n.offset[0])} ${signed(n.offset[1])}`}</small></td>`);
  const rows = Array.from({ length: block.kernel }, (_, r) => `<tr>${cells.slice(r * block.kernel, (r + 1) * block.kernel).join('')}</tr>`);
  return `<h3>Cell y ${read.y}, x ${read.x}</h3>
    <table class="sifa-k${block.kernel}"><caption>Weight, and offset (dy dx) in cells, of each neighbour</caption>${rows.join('')}</table>
    <dl><dt>Sum of the weights</dt><dd>${signed(read.sum, 3)}</dd>
    <dt>Attention went</dt><dd>${signed(read.displacement[0])} down, ${signed(read.displacement[1])} right</dd></dl>`;
}

export function scaleHtml(block, scale) {
  const kind = block.normalised ? 'Softmax weights: they sum to 1' : 'Raw dot products \u27E8query, value\u27E9 / C, not normalised';
  return `<div class="sifa-ramp" style="background:${gradient(scale.colours)}"></div>
    <div class="sifa-ends"><span>${scale.ends[0].toFixed(2)}</span>${block.normalised ? '' : '<span>0</span>'}<span>${scale.ends[1].toFixed(2)}</span></div>
    <small>${kind}.</small>`;
}

export function liveText(read, block) {
  const best = read.neighbours.reduce((a, b) => (Math.abs(b.weight) > Math.abs(a.weight) ? b : a));
  return `Cell row ${read.y}, column ${read.x}. Strongest neighbour samples row ${best.point[0].toFixed(1)}, column ${best.point[1].toFixed(1)}, weight ${best.weight.toFixed(2)}. Attention went ${read.displacement[0].toFixed(2)} down, ${read.displacement[1].toFixed(2)} right, of ${block.height} by ${block.width} cells.`;
}
