// The viewer: one state, one redraw per animation frame, and the ways in for mouse, touch and keys.
import { parseTrace, toBuffer } from './decode.mjs';
import { cropBox, displacementField, framesOfStep, liveliestCell, readout, sameplace } from './geometry.mjs';
import { weightScale } from './palette.mjs';
import { KEY, QUERY, drawCell, drawFrame, drawNeighbours, drawQuiver, projection } from './draw.mjs';
import { SKELETON, answerHtml, badgeHtml, blockName, escapeHtml, framesText, liveText, noteText, readHtml, scaleHtml } from './template.mjs';

const STEP_TIME = 650; // ms per step while playing

/** Build the viewer in an element; `changed` is told {block, step, y, x, pinned} when one of them changes. */
export function mount(el, changed = () => {}) {
  const root = document.createElement('section');
  root.className = 'sifa';
  root.innerHTML = `<style>${STYLE}</style>${SKELETON}`;
  el.replaceChildren(root);
  const $ = selector => root.querySelector(selector);
  const left = $('.sifa-query canvas'), right = $('.sifa-key canvas');
  const state = { trace: null, images: [], block: 0, step: 0, cell: null, pinned: false, quiver: true, playing: 0 };
  const layers = { left: document.createElement('canvas'), right: document.createElement('canvas'), leftKey: '', rightKey: '' };
  const fields = new Map();
  let pending = 0, speaking = 0;

  const block = () => state.trace.blocks[state.block];
  const steps = () => block().pairs + 1;
  const hasNext = () => state.step < steps() - 1;
  const field = () => {
    const key = `${state.block} ${state.step}`;
    if (!fields.has(key)) fields.set(key, displacementField(block(), state.step));
    return fields.get(key);
  };
  const schedule = () => { pending ||= requestAnimationFrame(() => { pending = 0; draw(); }); };
  const update = change => {
    Object.assign(state, change);
    schedule();
    changed({ block: state.block, step: state.step, y: state.cell?.[0] ?? -1, x: state.cell?.[1] ?? -1, pinned: state.pinned });
  };

  function draw() {
    if (!state.trace) return;
    const ratio = devicePixelRatio || 1;
    const side = Math.round(left.clientWidth * ratio);
    if (!side) return;
    for (const canvas of [left, right, layers.left, layers.right]) {
      if (canvas.width !== side) { canvas.width = canvas.height = side; layers.leftKey = layers.rightKey = ''; }
    }
    drawLayers(side, ratio);
    const [a, b] = [left.getContext('2d'), right.getContext('2d')];
    a.drawImage(layers.left, 0, 0);
    b.drawImage(layers.right, 0, 0);
    const read = state.cell && hasNext() ? readout(block(), state.step, ...state.cell) : null;
    if (state.cell) drawCell(a, projection(block(), side), ...state.cell, QUERY, (state.pinned ? 3.2 : 2.2) * ratio);
    if (read) drawNeighbours(b, block(), read, weightScale(block(), state.step), side, ratio);
    write(read);
  }

  function drawLayers(side, ratio) {
    const { trace } = state;
    const picture = step => state.images[framesOfStep(step, block(), state.images.length).middle];
    const leftKey = [state.block, state.step, state.quiver, side].join();
    if (layers.leftKey !== leftKey) {
      const ctx = layers.left.getContext('2d');
      drawFrame(ctx, picture(state.step), trace.crop, side);
      if (state.quiver && hasNext()) drawQuiver(ctx, block(), field(), side, ratio);
      layers.leftKey = leftKey;
    }
    const rightKey = [state.block, state.step, side].join();
    if (layers.rightKey !== rightKey) {
      const ctx = layers.right.getContext('2d');
      drawFrame(ctx, picture(Math.min(state.step + 1, steps() - 1)), trace.crop, side);
      if (!hasNext()) { ctx.fillStyle = 'rgba(20,24,30,.78)'; ctx.fillRect(0, 0, side, side); }
      layers.rightKey = rightKey;
    }
  }

  /** The words around the pictures. */
  function write(read) {
    const { trace } = state;
    const covered = step => framesOfStep(step, block(), trace.clip.indices.length);
    $('.sifa-query figcaption').innerHTML = `<b>Frame t</b> step ${state.step + 1}, ${framesText(trace, covered(state.step))}`;
    $('.sifa-key figcaption').innerHTML = hasNext()
      ? `<b>Frame t + 1</b> step ${state.step + 2}, ${framesText(trace, covered(state.step + 1))}` : '<b>No frame t + 1</b>';
    $('.sifa-last').hidden = hasNext();
    $('.sifa-step').textContent = `Step ${state.step + 1} of ${steps()}`;
    Object.assign($('.sifa-bar input'), { max: steps() - 1, value: state.step });
    $('.sifa-bar select').value = state.block;
    $('[data-do=quiver]').setAttribute('aria-pressed', state.quiver);
    $('[data-do=play]').textContent = state.playing ? '\u275A\u275A' : '\u25B6';
    $('[data-do=play]').setAttribute('aria-label', state.playing ? 'Pause' : 'Play');
    const scale = weightScale(block(), Math.min(state.step, block().pairs - 1));
    $('.sifa-read').innerHTML = read ? readHtml(read, block(), scale)
      : `<h3>${hasNext() ? 'No cell yet' : 'Last step'}</h3><p>${hasNext() ? 'Move over the left picture.' : 'There is no next frame to look at. Step back to see the points.'}</p>`;
    $('.sifa-scale').innerHTML = scaleHtml(block(), scale);
    const [from, to] = [covered(state.step), hasNext() ? covered(state.step + 1) : { first: 0, end: 0 }];
    root.querySelectorAll('.sifa-film button').forEach((button, i) => {
      button.classList.toggle('sifa-from', i >= from.first && i < from.end);
      button.classList.toggle('sifa-to', i >= to.first && i < to.end);
      button.setAttribute('aria-current', i >= from.first && i < from.end ? 'step' : 'false');
    });
    clearTimeout(speaking);
    speaking = setTimeout(() => { $('.sifa-live').textContent = read ? liveText(read, block()) : ''; }, 300);
  }

  const goTo = step => update({ step: Math.max(0, Math.min(steps() - 1, step)) });
  function goToBlock(index) {
    if (index < 0 || index >= state.trace.blocks.length) return;
    const [from, to] = [block(), state.trace.blocks[index]];
    update({ block: index, step: Math.min(state.step, to.pairs), cell: state.cell && sameplace(...state.cell, from, to) });
  }
  function play(on = !state.playing) {
    clearInterval(state.playing);
    update({ playing: on ? setInterval(() => goTo((state.step + 1) % (steps() - 1)), STEP_TIME) : 0 });
  }
  function pin(cell) {
    const same = state.pinned && state.cell[0] === cell[0] && state.cell[1] === cell[1];
    update({ cell, pinned: !same });
  }
  function moveCell(dy, dx) {
    const [y, x] = state.cell ?? [block().height >> 1, block().width >> 1];
    update({ cell: [Math.max(0, Math.min(block().height - 1, y + dy)), Math.max(0, Math.min(block().width - 1, x + dx))] });
  }

  const actions = {
    previous: () => goTo(state.step - 1), next: () => goTo(state.step + 1), play: () => play(),
    'block-down': () => goToBlock(state.block - 1), 'block-up': () => goToBlock(state.block + 1),
    quiver: () => update({ quiver: !state.quiver }), help: () => $('.sifa-help').showModal(),
  };
  const keys = {
    ',': actions.previous, '.': actions.next, ArrowLeft: actions.previous, ArrowRight: actions.next, ' ': actions.play,
    '[': actions['block-down'], ']': actions['block-up'], q: actions.quiver, '?': actions.help,
    Escape: () => update({ pinned: false }),
  };
  const gridKeys = {
    ArrowUp: () => moveCell(-1, 0), ArrowDown: () => moveCell(1, 0), ArrowLeft: () => moveCell(0, -1),
    ArrowRight: () => moveCell(0, 1), Enter: () => state.cell && pin(state.cell),
  };
  const usesItself = { BUTTON: [' ', 'Enter'], SELECT: [' ', 'Enter', 'ArrowLeft', 'ArrowRight'], INPUT: ['ArrowLeft', 'ArrowRight'] };
  root.addEventListener('keydown', event => {
    if (!state.trace || event.ctrlKey || event.metaKey || event.altKey || $('.sifa-help').open) return;
    if (usesItself[event.target.tagName]?.includes(event.key)) return;
    const act = (event.target === left && gridKeys[event.key]) || keys[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  });
  root.addEventListener('click', event => {
    const name = event.target.closest('[data-do]')?.dataset.do;
    if (name && state.trace) actions[name]();
  });
  $('.sifa-bar input').addEventListener('input', event => goTo(+event.target.value));
  $('.sifa-bar select').addEventListener('change', event => goToBlock(+event.target.value));

  const cellUnder = event => {
    const box = left.getBoundingClientRect();
    return projection(block(), box.width).cell(event.clientX - box.left, event.clientY - box.top);
  };
  left.addEventListener('pointermove', event => {
    if (!state.trace || state.pinned) return;
    const cell = cellUnder(event);
    if (cell[0] !== state.cell?.[0] || cell[1] !== state.cell?.[1]) update({ cell });
  });
  left.addEventListener('click', event => { if (state.trace) pin(cellUnder(event)); });

  function fillFilm() {
    const { trace, images } = state;
    const box = cropBox(trace.crop);
    $('.sifa-film').replaceChildren(...images.map((image, i) => {
      const button = document.createElement('button');
      button.type = 'button';
      button.title = `Source frame ${trace.clip.indices[i]}, ${trace.clip.times[i].toFixed(2)} s`;
      const thumb = document.createElement('canvas');
      thumb.height = 108;
      thumb.width = Math.round(108 * image.width / image.height);
      const ctx = thumb.getContext('2d');
      const k = 108 / image.height;
      ctx.drawImage(image, 0, 0, thumb.width, 108);
      ctx.fillStyle = 'rgba(0,0,0,.6)';
      ctx.fillRect(0, 0, thumb.width, 108);
      ctx.drawImage(image, box.left, box.top, box.side, box.side, box.left * k, box.top * k, box.side * k, box.side * k);
      const label = document.createElement('span');
      label.textContent = trace.clip.indices[i];
      button.append(thumb, label);
      button.addEventListener('click', () => goTo(Math.floor(i / block().stride[0])));
      return button;
    }));
  }

  /** Show a trace, given in any form that `toBuffer` takes; one that cannot be read leaves the earlier one in place. */
  async function show(source) {
    try {
      const trace = parseTrace(toBuffer(source));
      if (!trace.blocks.length) throw new Error('This model has no SIFA block, so there is nothing to explore.');
      const images = await Promise.all(trace.pictures.map(blob => createImageBitmap(blob)));
      const first = !state.trace;
      play(false);
      Object.assign(state, { trace, images, block: Math.min(state.block, trace.blocks.length - 1), pinned: false });
      fields.clear();
      layers.leftKey = layers.rightKey = '';
      state.step = Math.min(first ? Math.floor((steps() - 1) / 2) : state.step, steps() - 1);
      state.cell = hasNext() ? liveliestCell(block(), field()) : null;
      $('.sifa-error').hidden = true;
      $('.sifa-answer').innerHTML = answerHtml(trace);
      $('.sifa-badge').innerHTML = badgeHtml(trace);
      $('.sifa-note').textContent = noteText(trace);
      $('.sifa-bar select').innerHTML = trace.blocks.map((b, i) => `<option value="${i}">${escapeHtml(blockName(b, i, trace.blocks.length))}</option>`).join('');
      fillFilm();
      root.dataset.ready = 'yes';
      schedule();
    } catch (error) {
      $('.sifa-error').textContent = error.message;
      $('.sifa-error').hidden = false;
    }
  }

  const darkHost = () => {
    if (document.querySelector('.gradio-container')) return document.body.classList.contains('dark');
    if (document.body.dataset.jpThemeLight) return document.body.dataset.jpThemeLight === 'false';
    return matchMedia('(prefers-color-scheme: dark)').matches;
  };
  const recolour = () => root.classList.toggle('sifa-dark', darkHost());
  const watcher = new MutationObserver(recolour);
  watcher.observe(document.body, { attributes: true });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', recolour);
  const sizes = new ResizeObserver(schedule);
  sizes.observe(left);
  recolour();

  /** For tests and scripts: the state as it is, and a cell's read-out. */
  root.sifa = { state, readout: (b, pair, y, x) => readout(state.trace.blocks[b], pair, y, x), colours: { QUERY, KEY } };
  return { show, update, close() { clearInterval(state.playing); watcher.disconnect(); sizes.disconnect(); root.remove(); } };
}

/** The entry that anywidget, the Gradio page and the single file share. */
const explorer = {
  async render({ model, el }) {
    const view = mount(el, state => {
      for (const [key, value] of Object.entries(state)) model.set(key, value);
      model.save_changes();
    });
    const load = async () => {
      let source = model.get('trace');
      if (source?.url) source = await (await fetch(source.url)).arrayBuffer();
      if (source && (source.byteLength || source.length)) await view.show(source);
    };
    model.on('change:trace', load);
    await load();
    return () => view.close();
  },
};
export default explorer;
