// The tour: steps that put the viewer into a state and say what is to be seen there. Every number in its prose is
// computed from the trace that is shown.
import { displacementField } from './geometry.mjs';
import { direction, percent, signed } from './words.mjs';
import { emptyState } from './state.mjs';
import { strongestTap } from './terms.mjs';
import { attentionTrack } from './tracks.mjs';
import { meanLength, trueField } from './whatif.mjs';

const CLIP = '02_object_moves_right.mp4'; // the sample that the tour is about
const BALL = { block: 0, pair: 3, y: 10, x: 8 };
const MOVING = 0.25; // cells of true motion

const cells = (v, digits = 2) => `${v.toFixed(digits).replace(/^-(0\.0+)$/, '$1')} cells`;
const bestOf = values => values.indexOf(Math.max(...values));
const across = track => track.at(-1).place[1] - track[0].place[1];
const whatIfOf = (trace, name) => trace.what_if.find(each => each.name === name);

/** Mean length of a pair's arrows where the clip really moves, and elsewhere. */
function meanArrows(trace, { block, pair }) {
  const field = displacementField(trace.blocks[block], pair);
  const { at, visible } = trueField(trace, { block, pair });
  const mean = chosen => {
    const lengths = [...visible.keys()].filter(i => visible[i] && chosen(Math.hypot(...at(i))))
      .map(i => Math.hypot(field[2 * i], field[2 * i + 1]));
    return lengths.reduce((sum, v) => sum + v, 0) / lengths.length;
  };
  return { moving: mean(v => v > MOVING), rest: mean(v => v <= MOVING) };
}

/** @type {{title: string, view: object, text: (trace, state, read) => string}[]} `view` is laid over the standard one */
export const TOUR = [
  { title: 'A question', view: { quiver: false }, text: (_, { y, x }) =>
    'This ball moves to the right. Every cell of frame t asks: what in the next frame belongs to me? The orange square is '
    + `one, cell y ${y}, x ${x}, on the ball.` },
  { title: 'A regular grid', view: { quiver: false }, text: (trace, state, read) => {
    const at = trueField(trace, state).at(state.y * trace.blocks[0].width + state.x);
    return `A convolution reads the same ${read.taps.length} places for every cell: the 3 \u00D7 3 grid around the same place, `
      + 'the small crosses on the right. By the next step the ball has moved '
      + `${cells(Math.hypot(...at))}, so the grid looks where the ball was.`;
  } },
  { title: 'What has changed', view: { quiver: false, overlay: 'difference' }, text: () =>
    'SIFA first subtracts frame t from frame t + 1. Over the left picture lies the difference of the two, cell '
    + 'by cell: large on the ball, small on the ground. The model subtracts its features, which a trace '
    + 'does not hold.' },
  { title: 'The gate', view: { quiver: false, overlay: 'saliency' }, text: () =>
    'The sigmoid of that difference is multiplied with the features of the next frame. Where nothing changes, half '
    + 'goes through: sigmoid(0) = 0.5. The overlay is the strength of the product, over all channels: this, and nothing '
    + 'else, is what the offsets are read from.' },
  { title: 'Offsets', view: { arrows: 'offset' }, text: (_, __, read) => {
    const mean = [0, 1].map(axis => read.offsets.reduce((sum, o) => sum + o[axis], 0) / read.offsets.length);
    return 'A 3 \u00D7 3 convolution turns the gated features into two numbers for each of the nine places: how far down and '
      + 'how far to the right to look instead. White lines show them; their mean is '
      + `${direction(mean)}, in cells.`;
  } },
  { title: 'Between the cells', view: { quiver: false, drawer: 'equation' }, text: (_, __, read) => {
    const [py, px] = read.points[strongestTap(read)];
    return `Moved places fall between cells: the strongest of the nine lies at y ${py.toFixed(2)}, x ${px.toFixed(2)}. It is `
      + 'read from the cells around it, mixed by nearness. The strip below has the whole sum in numbers; point at a '
      + 'term, and its place lights up.';
  } },
  { title: 'Weights', view: { quiver: false, drawer: 'neighbours' }, text: (_, __, read) =>
    'What is read at a place is compared with what the asking cell holds: their dot product, divided by the number of '
    + `channels, is the weight. Here weights go from ${signed(Math.min(...read.weights))} to `
    + `${signed(Math.max(...read.weights))}, and their sum is ${signed(read.sum)}. No softmax makes them add up to one, `
    + 'and a bad match can even count less than nothing.' },
  { title: 'Where the attention went', view: { flow: true }, text: (trace, state, read) => {
    const at = trueField(trace, state).at(state.y * trace.blocks[0].width + state.x);
    return `The blue arrow is the mean of the nine places by their weights: ${direction(read.displacement)}, in cells. This `
      + `clip is generated, so its true motion is known, too: ${direction(at)}. In training the arrows were told to agree `
      + 'with the true motion, which the paper does not do.';
  } },
  { title: 'The whole field', view: { flow: true }, text: (trace, state) => {
    const { moving, rest } = meanArrows(trace, state);
    return `Where the clip moves by more than a quarter of a cell, arrows are ${cells(moving)} long on `
      + `average; elsewhere, ${cells(rest)}. The wide arrows underneath are the truth, where a cell holds one surface.`;
  } },
  { title: 'Through time', view: { pair: 0, y: 10, x: 4, overlay: 'track' }, text: (trace, { block, pair, y, x }) => {
    const [track, rigid] = [false, true].map(r => attentionTrack(trace.blocks[block], pair, y, x, r));
    return `Follow an arrow, ask again where it ends, and so on. In ${track.length - 1} steps this one goes `
      + `${cells(across(track), 1)} to the right, with the ball. The same weights on the regular grid get `
      + `${cells(across(rigid), 1)} far.`;
  } },
  { title: 'Deeper', view: { block: 3, y: 2, x: 2 }, text: (trace, { block }) => {
    const { height, width } = trace.blocks[block];
    return `The last of ${trace.blocks.length} blocks sees the picture in ${height} \u00D7 ${width} cells. Each covers as much `
      + `as ${trace.blocks[0].height / height} \u00D7 ${trace.blocks[0].width / width} cells of the first block, so arrows `
      + `are shorter: ${cells(meanLength(trace.blocks[block]))} long on average, and `
      + `${cells(meanLength(trace.blocks[0]))} in the first block.`;
  } },
  { title: 'All of it at once', view: { drawer: 'sheet' }, text: trace =>
    `The sheet below has a tile for every block and pair of steps, ${trace.blocks.reduce((sum, b) => sum + b.pairs, 0)} in `
    + 'all. Choose one to go there.' },
  { title: 'What if the grid stayed regular?', view: { whatIf: 'rigid' }, text: trace => {
    const rigid = whatIfOf(trace, 'rigid');
    const best = bestOf(rigid.probabilities);
    return 'Set every offset to zero and run again: dashed rings are the places read then. The answer '
      + `${best === bestOf(trace.probabilities) ? 'stays' : 'becomes'} \u201C${trace.labels[best]}\u201D, `
      + `${percent(trace.probabilities[best])} \u2192 ${percent(rigid.probabilities[best])}: the offsets alone `
      + 'do not decide it.';
  } },
  { title: 'What if nothing moved?', view: { whatIf: 'frozen' }, text: trace => {
    const frozen = whatIfOf(trace, 'frozen');
    return `Show the first frame all the time, and the answer becomes \u201C${trace.labels[bestOf(frozen.probabilities)]}\u201D. `
      + `The first block\u2019s arrows shrink from ${cells(meanLength(trace.blocks[0]))} to ${cells(frozen.lengths[0])} on average.`;
  } },
  { title: 'How far to trust it', view: {}, text: trace => {
    const { probability, strongest, random, all, removed } = trace.trust.deletion;
    return `Arrows that follow the motion are not yet the reason of the answer. Take the ${removed} strongest of the nine away `
      + `in every block, and ${percent(probability)} become ${percent(strongest)}; ${removed} random ones: ${percent(random)}; `
      + `all of them: ${percent(all)}. So what the blocks read matters here, and which of the nine counts most hardly does.`;
  } },
  { title: 'Your turn', view: {}, text: () =>
    'Move over the left picture and ask for other cells, or over the right one for the reverse question: who reads this '
    + 'place? Choose other views and what-ifs, or a clip of your own.' },
];

/** Whether a trace is the sample that the tour is about, with all that the tour points at. */
export const tourFits = trace => trace.clip?.name === CLIP && trace.blocks.length === 4 && trace.true_flow.length > 0
  && ['rigid', 'frozen'].every(name => whatIfOf(trace, name)) && Boolean(trace.trust?.deletion);

/** The state of a step of the tour, counted from 0; -1, and any where the trace does not fit, ends the tour. */
export function withTour(state, trace, step) {
  if (!tourFits(trace) || !Number.isInteger(step) || step < 0) return { ...state, tour: -1 };
  const tour = Math.min(step, TOUR.length - 1);
  return { ...emptyState(), ...BALL, pinned: true, ...TOUR[tour].view, tour };
}

/** The panel of the tour above the controls; returns what writes it. `go(step)` changes the step, `at()` tells it. */
export function tourPanel(root, go, at) {
  const panel = document.createElement('section');
  panel.className = 'sifa-tour';
  panel.setAttribute('aria-label', 'Tour');
  panel.innerHTML = `<p class="sifa-tour-steps"><button type="button" data-tour="-1" aria-label="Previous step of the tour"
    >\u2039</button><input type="range" min="0" max="${TOUR.length - 1}" step="1" aria-label="Step of the tour"><button
    type="button" data-tour="1" aria-label="Next step of the tour">\u203A</button><span></span>
    <button type="button" data-tour="end">End the tour</button></p><h3></h3><p role="status"></p>`;
  root.querySelector('.sifa-bar').before(panel);
  const start = root.querySelector('[data-do=tour]');
  const [bar, title, prose] = panel.children;
  const timeline = bar.querySelector('input');
  let now = -1, shown = null;
  bar.addEventListener('click', event => {
    const { tour } = event.target.closest('button')?.dataset ?? {};
    if (tour) go(tour === 'end' ? -1 : Math.max(0, at() + Number(tour)));
  });
  timeline.addEventListener('input', () => go(Number(timeline.value)));
  root.addEventListener('keydown', event => {
    const step = { PageDown: 1, PageUp: -1 }[event.key];
    if (!step || at() < 0) return;
    event.preventDefault();
    go(Math.max(0, at() + step));
  });

  return function write({ trace, state, read }) {
    if (shown === trace && now === state.tour) return;
    const begins = now < 0 && state.tour >= 0;
    [shown, now] = [trace, state.tour];
    start.hidden = !tourFits(trace) || now >= 0;
    panel.hidden = now < 0;
    if (now < 0) return;
    if (begins) timeline.focus({ preventScroll: true });
    timeline.value = now;
    bar.querySelector('span').textContent = `${now + 1} of ${TOUR.length}`;
    bar.querySelector('[data-tour="-1"]').setAttribute('aria-disabled', now === 0);
    bar.querySelector('[data-tour="1"]').setAttribute('aria-disabled', now === TOUR.length - 1);
    title.textContent = TOUR[now].title;
    prose.textContent = TOUR[now].text(trace, state, read);
  };
}
