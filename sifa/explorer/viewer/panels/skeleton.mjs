// The skeleton of the viewer, as HTML: a bar, and below it the stage with the answer, the pictures, a sentence and the scrubber;
// beside the pictures the close-up with its numbers and, below it, what is opened: the drawers Experiment and Inside.
import { mark } from './html.mjs';

/**
 * @param {string} name
 * @param {string} title
 * @param {{[value: string]: string}} options
 */
const menu = (name, title, options) => `<label><span>${title}</span>
  <select data-set="${name}" aria-label="${title}">${Object.entries(options).map(
    ([value, words]) => `<option value="${value}">${words}</option>`).join('')}</select></label>`;

const MENUS = [
  menu('arrows', 'Arrows', {
    displacement: 'displacement', offset: 'mean offset', strongest: 'strongest', off: 'off',
  }),
  menu('overlay', 'Overlay', {
    none: 'none', saliency: 'saliency', difference: 'frame difference', track: 'track',
  }),
  menu('drawer', 'Show', {
    none: 'nothing more', equation: 'equation', neighbours: 'table', sheet: 'contact sheet',
  }),
  menu('speed', 'Speed', { 0.25: '0.25\u00D7', 0.5: '0.5\u00D7', 1: '1\u00D7', 2: '2\u00D7', 4: '4\u00D7' }),
];

const LEGEND = [
  mark('<path class="q" d="M6.5 3.5h11v11h-11z"/>', 'query cell'),
  mark('<path d="M12 5v8M8 9h8"/>', 'neighbour in the regular grid'),
  mark('<path d="M4 14L20 4"/>', 'its offset'),
  mark('<circle class="w" cx="12" cy="9" r="6"/>', 'sampled point that counts more than even'),
  mark('<circle class="l" cx="12" cy="9" r="5"/><path class="h" d="M7 9a5 5 0 0 0 10 0z"/>', 'about even'),
  mark('<circle class="l" cx="12" cy="9" r="4"/>', 'less; its area is its share'),
  mark('<circle class="o" cx="12" cy="9" r="5"/>', 'outside the frame: counts 0'),
  mark('<path class="k" d="M4 9h15M14.5 5l4.5 4l-4.5 4"/>', 'where the attention went: weighted mean'),
  mark('<path d="M6 9h11M14 6.5l3 2.5l-3 2.5"/>', '<i class="sifa-density"></i>'),
  mark('<circle class="r" cx="12" cy="9" r="5"/><path class="k" d="M2 2h20v14H2z" transform="scale(.98)"/>',
    'the reverse: a place of frame t + 1, and the queries that read it'),
];

const DRAWER = `<section class="sifa-drawer" hidden>
      <div data-drawer="equation" role="group" aria-label="Equation">
        <header><b>Equation</b> of <span class="sifa-tap"></span>
          <span class="sifa-group">
          <button type="button" data-do="previousTap" aria-label="Previous neighbour" title="Previous neighbour (N)"
            >\u2039</button>
          <button type="button" data-do="nextTap" aria-label="Next neighbour" title="Next neighbour (n)"
            >\u203A</button></span>
          <small>Point at a term, or at a mark in the close-up; a click on a mark keeps its neighbour.</small></header>
        <div class="sifa-equation"></div>
      </div>
      <div data-drawer="neighbours" class="sifa-table" tabindex="0" role="region" aria-label="Table of neighbours"></div>
      <div data-drawer="sheet" role="group" aria-label="Contact sheet">
        <header><b>Contact sheet</b> ${menu('measure', 'Tiles', {
          offset: 'mean length of the offsets, in cells', entropy: 'entropy of the weights, 0 to 1',
          outside: 'share of points outside the frame',
        })}<span class="sifa-heat sifa-tiles-scale"></span>
          <small>One scale for all tiles; the number is a tile\u2019s mean. Click, or arrow keys and Enter, to go
          there.</small>
        </header>
        <div class="sifa-tiles"></div>
      </div>
    </section>`;

const CLOSE = `<button type="button" data-panel="none" aria-label="Close" title="Close (Esc)">\u00D7</button>`;

const INSIDE = `<section class="sifa-inside" aria-label="Inside" hidden>
    <header class="sifa-opened"><h3>Inside</h3>${CLOSE}</header>
    <nav class="sifa-way" aria-label="Where am I: the blocks of the model"></nav>
    <div class="sifa-menus" role="group" aria-label="Views">${MENUS.join('')}</div>
    <div class="sifa-views">
      <p class="sifa-heat" hidden></p>
      <div class="sifa-chart" role="group" aria-label="Attention track over time" hidden></div>
    </div>
    ${DRAWER}
    <div class="sifa-arrows" role="group" aria-label="Arrows">
      <svg class="sifa-wheel" viewBox="-24 -24 48 48" aria-hidden="true"></svg>
      <span class="sifa-wheel-words"></span>
      <span class="sifa-group">
      <button type="button" data-do="fewer" aria-label="Fewer arrows" title="Fewer arrows (D)">\u2212</button>
      <button type="button" data-do="more" aria-label="More arrows" title="More arrows (d)">+</button>
      <button type="button" data-do="tint" title="Colour arrows by direction (c)">Colours</button></span>
    </div>
    <div class="sifa-steps">
      <span class="sifa-group sifa-time">Step
        <button type="button" data-do="previous" aria-label="Previous step" title="Previous step (\u2190 or ,)">\u2039</button>
        <button type="button" data-do="next" aria-label="Next step" title="Next step (\u2192 or .)">\u203A</button></span>
      <span class="sifa-group">Block
        <button type="button" data-do="shallower" aria-label="Previous block" title="Previous block ([)">\u2039</button>
        <button type="button" data-do="deeper" aria-label="Next block" title="Next block (])">\u203A</button></span>
      <button type="button" data-do="full" title="Full screen (f)">Full screen</button>
    </div>
    <div class="sifa-film" role="group" aria-label="Time steps and their source frames"></div>
    <section class="sifa-scale"></section>
    <p class="sifa-caption"></p>
    <p class="sifa-note"></p>
    <div class="sifa-legend" aria-label="Legend">${LEGEND.join('')}</div>
  </section>`;

const EXPERIMENT = `<section class="sifa-experiment" aria-label="Experiment" hidden>
    <header class="sifa-opened"><h3>Experiment</h3>${CLOSE}</header>
    <p class="sifa-untried">What if the model were changed, or the clip? <span></span>
      <button type="button" data-ask="what-ifs" hidden>Try the what-ifs</button></p>
    <div class="sifa-bars"></div>
  </section>`;

const COMPARE = `<header class="sifa-compare" hidden>
  <div><h2>Compare</h2><p class="sifa-how" role="status"></p></div>
  <div class="sifa-group">
    <label class="sifa-against">with <select data-against aria-label="Compare with"></select></label>
    <label class="sifa-file"><span>Open .sifa</span><input type="file" accept=".sifa"
      aria-label="Open .sifa: compare with a file"></label>
    <button type="button" data-panel="none" title="Close (Esc)">Done</button>
  </div>
</header>
<p class="sifa-run" hidden></p>`;

const SECOND = `<section class="sifa-second" aria-label="The run beside it" hidden>
  <p class="sifa-run"></p>
  <div class="sifa-pair">
    <figure class="sifa-query-b"><figcaption></figcaption><canvas role="img"
      aria-label="Frame t of the run beside it"></canvas></figure>
    <figure class="sifa-key-b"><figcaption></figcaption><canvas role="img"
      aria-label="Frame t+1 of the run beside it, with its sampled points for the same place"></canvas></figure>
  </div>
  <p class="sifa-words"></p>
</section>`;

export const SKELETON = `
<div class="sifa-top">
  <b class="sifa-brand">SIFA explorer</b>
  <div class="sifa-slot"></div>
  <span class="sifa-clip"></span>
  <div class="sifa-tools" role="group" aria-label="Panels">
    <button type="button" data-panel="experiment" aria-expanded="false" title="What if? (y)">Experiment</button>
    <button type="button" data-panel="inside" aria-expanded="false" title="Views, numbers, blocks (i)">Inside</button>
    <button type="button" data-panel="compare" aria-expanded="false" title="Two runs side by side (v)">Compare</button>
    <button type="button" data-do="tour" title="A tour of what SIFA does (g)" hidden>Tour</button>
    <button type="button" data-do="help" title="Keys and marks (?)" aria-label="Help: keys and marks">?</button>
  </div>
</div>
<p class="sifa-error" role="alert" hidden></p>
<p class="sifa-empty">No clip yet. Choose one, and every place of its frames can be explored here.</p>
<div class="sifa-body" hidden>
<header class="sifa-head"></header>
${COMPARE}
<div class="sifa-pictures">
  <figure class="sifa-query"><figcaption></figcaption>
    <canvas tabindex="0" role="application"
      aria-label="Frame t, the query. Shift and arrow keys move the query cell, Enter pins it, Escape lets it go."></canvas>
  </figure>
  <figure class="sifa-key"><figcaption></figcaption>
    <canvas tabindex="0" role="application" aria-label="Frame t+1 with the sampled points. Shift and arrow keys choose a
      place and show who reads it, Enter pins it, Escape lets it go."></canvas>
  </figure>
</div>
<aside class="sifa-side" tabindex="0" aria-label="The query cell, and what is opened">
  <div class="sifa-panel">
    <figure class="sifa-close"><figcaption></figcaption>
      <canvas role="img" aria-label="Close-up of the sampled points"></canvas>
    </figure>
    <section class="sifa-read"></section>
    <section class="sifa-asked" hidden></section>
  </div>
  ${EXPERIMENT}
  ${INSIDE}
</aside>
<p class="sifa-sentence"></p>
${SECOND}
<div class="sifa-bar" role="group" aria-label="Time and block">
  <div class="sifa-group sifa-time">
    <button type="button" data-do="play" title="Play or pause (space)"></button>
    <label><input type="range" min="0" step="1" aria-label="Time step"><span class="sifa-step"></span></label>
  </div>
  <label class="sifa-group sifa-depth"><span>Block</span> <select aria-label="Block"></select></label>
</div>
<div class="timeline"></div>
<div class="sifa-rest"></div>
<p class="sifa-live" role="status" aria-live="polite"></p>
<dialog class="sifa-help" aria-label="Help">
  <h2 tabindex="-1">How to look</h2>
  <p>Every cell of frame t asks: what in the next frame belongs to me? The model starts from a small grid of neighbours,
  moves each by a learned <b>offset</b>, reads the picture there, and gives what it finds a <b>weight</b>. Move over the
  left picture and see the points move in the right one.</p>
  <dl class="sifa-keys">
    <dt>Hover, drag</dt><dd>preview a cell</dd>
    <dt>Click, tap, <kbd>Enter</kbd></dt><dd>pin a cell, up to five side by side; again lets it go, on another pin makes
      that one the query</dd>
    <dt><kbd>p</kbd>, <kbd>1</kbd> to <kbd>5</kbd></dt><dd>one more pin here, for Shift and arrow keys to move; go to
      pin A to E</dd>
    <dt><kbd>Del</kbd>, <kbd>Esc</kbd></dt><dd>let the pin go; <kbd>Esc</kbd> first closes what is open, and twice lets all pins
      go</dd>
    <dt><kbd>\u2190</kbd> <kbd>\u2192</kbd> or <kbd>,</kbd> <kbd>.</kbd></dt><dd>step through time, wherever you are</dd>
    <dt><kbd>Shift</kbd> and arrow keys</dt><dd>move the query cell</dd>
    <dt><kbd>[</kbd> <kbd>]</kbd></dt><dd>previous, next block</dd>
    <dt>Right picture, or <kbd>r</kbd></dt><dd>the reverse question: which queries read this place? Hover, click and
      keys as on the left</dd>
    <dt><kbd>y</kbd> <kbd>i</kbd></dt><dd>open or close Experiment, Inside</dd>
    <dt><kbd>v</kbd></dt><dd>compare two runs side by side, at one place and time: the clip and its what-if, two clips, two
      sets of weights</dd>
    <dt><kbd>Space</kbd></dt><dd>play or pause</dd>
    <dt><kbd>q</kbd></dt><dd>show or hide the arrows of the whole field</dd>
    <dt><kbd>w</kbd> <kbd>W</kbd></dt><dd>next, previous what-if</dd>
    <dt><kbd>m</kbd></dt><dd>true motion of generated clips</dd>
    <dt>Wheel, pinch, <kbd>+</kbd> <kbd>\u2212</kbd></dt><dd>enlarge both pictures, up to eight times; drag, or two fingers, move
      them; double click or <kbd>Esc</kbd> shows the whole</dd>
    <dt><kbd>f</kbd></dt><dd>full screen</dd>
    <dt><kbd>g</kbd>, <kbd>Page up</kbd> <kbd>Page down</kbd></dt>
      <dd>the tour of the sample “object moves right”, its steps</dd>
    <dt><kbd>a</kbd> <kbd>d</kbd> <kbd>D</kbd> <kbd>c</kbd></dt>
      <dd>what arrows mean, more, fewer, colours by direction</dd>
    <dt><kbd>o</kbd></dt><dd>next overlay: saliency, frame difference, attention track, none</dd>
    <dt><kbd>e</kbd> <kbd>t</kbd> <kbd>s</kbd></dt><dd>equation, table of neighbours, contact sheet, in Inside</dd>
    <dt><kbd>n</kbd> <kbd>N</kbd></dt><dd>next, previous neighbour of the equation</dd>
    <dt><kbd>&lt;</kbd> <kbd>&gt;</kbd></dt><dd>play slower, faster</dd>
    <dt><kbd>?</kbd></dt><dd>open or close this help</dd>
  </dl>
  <div class="sifa-legend sifa-marks">${LEGEND.join('')}</div>
  <form method="dialog"><button>Close</button></form>
</dialog>
</div>`;
