// The viewer: a trace, a state, one redraw per animation frame. STYLE is viewer.css, put in by sifa.explorer.script().
import { DAMAGED, parseTrace, toBuffer } from './decode.mjs';
import { arrowEvery, closeUpCells, framesOfStep, readout } from './geometry.mjs';
import { weightScale } from './palette.mjs';
import { viewActions } from './actions.mjs';
import { advanced, emptyState, withCell, withTrace } from './state.mjs';
import { blockName, caption, samplingNote, sourceFrames, sourceTimes, spoken, spokenReaders } from './words.mjs';
import { SKELETON, answerHtml, barsHtml, escapeHtml, put } from './template.mjs';
import { fillFilm, followFilm, markFilm } from './film.mjs';
import { readOutPanel } from './panel.mjs';
import { pictures } from './pictures.mjs';
import { trustPanel } from './trust.mjs';
import { whatIfRow } from './whatif.mjs';
import { sharing } from './share.mjs';
import { tourPanel } from './tour.mjs';
import { readersPanel } from './readers.mjs';
import { readersOf } from './fields.mjs';
import { strongestTap } from './terms.mjs';
import { attentionTrack } from './tracks.mjs';
import { furtherViews } from './views.mjs';
import { followTheme, linkTerms, listen } from './inputs.mjs';

const STEP_TIME = 600; // ms per step while playing at speed 1
const ARROW_LEGEND = {
  displacement: 'the same for', offset: 'mean offset of', strongest: 'to the strongest neighbour of',
};
const NO_BLOCKS = 'This model has no SIFA block: it looks into no other frame, so there are no sampled points to explore.';
const QUIET_TIME = 200; // ms without a change before the host and the live region are told

/** Build the viewer in an element; `changed(state)` is called once the state has come to rest. */
export function mount(el, { changed = () => {}, theme, linked = false } = {}) {
  const root = document.createElement('section');
  root.className = 'sifa';
  root.tabIndex = -1;
  root.setAttribute('aria-label', 'SIFA explorer');
  root.innerHTML = `<style>${STYLE}</style>${SKELETON}`;
  el.replaceChildren(root);
  const $ = selector => root.querySelector(selector);
  const canvases = { query: $('.sifa-query canvas'), key: $('.sifa-key canvas'), close: $('.sifa-close canvas') };
  const painter = pictures(canvases, () => { written = {}; redraw(); });
  const writeReadOut = readOutPanel($('.sifa-read'), $('.sifa-scale'));
  let trace = null, images = [], state = emptyState(), written = {}, filmed = null, lit = null, drawn = null;
  let pending = false, frame = 0, closed = false, resting = 0, player = 0, shows = 0;

  const block = () => trace.blocks[state.block];
  /** Draw at once, so that the next frame has it, but once a frame. */
  function redraw() {
    if (!frame) {
      queueMicrotask(draw);
      frame = requestAnimationFrame(() => { frame = 0; if (pending) redraw(); });
    } else pending = true;
  }
  function jump(next) { state = next; redraw(); }
  function set(next) {
    next = share.held(state, next);
    if (Object.keys(next).every(key => next[key] === state[key])) return;
    state = next;
    redraw();
  }

  /** All that a state shows of the trace. */
  function shownOf(view) {
    const { pair, y, x, reverse, overlay, drawer } = view;
    const shown = trace.blocks[view.block];
    const read = readout(shown, pair, y, x);
    const readers = reverse ? readersOf(shown, pair, y, x) : null;
    const tracked = !reverse && overlay === 'track';
    const [track, rigid] = tracked ? [false, true].map(r => attentionTrack(shown, pair, y, x, r)) : [null, null];
    const vectors = painter.field(trace, view);
    const cell = 2 * (y * shown.width + x);
    const linked = drawer === 'equation' && !reverse;
    const pointed = linked ? lit?.tap ?? view.tap : view.tap;
    return {
      trace, images, state: view, read, readers, track, rigid, tap: pointed < 0 ? strongestTap(read) : pointed,
      lit: linked && lit ? lit.term : '', arrow: [vectors[cell], vectors[cell + 1]], painter,
    };
  }

  function draw() {
    pending = false;
    if (!trace || closed) return;
    const shown = drawn = shownOf(state);
    const { read, readers } = shown;
    painter.draw(shown);
    if (written.block !== state.block || written.pair !== state.pair || written.density !== state.density
      || written.arrows !== state.arrows) writePair();
    if (written.playing !== state.playing) writeButtons();
    if (written.reverse !== state.reverse) {
      for (const [name, hidden] of [['read', readers], ['scale', readers], ['asked', !readers]]) {
        $(`.sifa-${name}`).hidden = Boolean(hidden);
      }
      writeClose();
    }
    const chosen = state.drawer === 'equation' ? shown.tap : -1;
    if (readers) writeReaders(readers, state);
    else writeReadOut(read, block(), weightScale(block(), state.pair), state.pinned, chosen);
    writeViews(shown);
    writeWhatIf(trace, state, read);
    writeTrust(trace, state.block);
    writeTour(shown);
    const focused = root.getRootNode().activeElement;
    if (root.contains(focused) && focused.closest('[hidden]')) root.focus({ preventScroll: true }); // else keys are lost
    put($('.sifa-caption'), caption(trace, state, covered(state.pair), covered(state.pair + 1)));
    written = state;
    root.getBoundingClientRect(); // has the page laid out now, while the next frame is waited for, and not within it
    clearTimeout(resting);
    resting = setTimeout(() => {
      $('.sifa-live').textContent = readers ? spokenReaders(readers, state) : spoken(read, trace, state);
      changed(state);
      share.settled();
    }, QUIET_TIME);
  }

  const covered = step => framesOfStep(step, block(), images.length);
  function stepLine(name, step) {
    const frames = escapeHtml(sourceFrames(trace, covered(step)));
    return `<b>${name}</b> source frames ${frames}, ${sourceTimes(trace, covered(step))}`;
  }

  /** Words and marks that change with time and block. */
  function writePair() {
    $('.sifa-query figcaption').innerHTML = stepLine('Frame t', state.pair);
    $('.sifa-key figcaption').innerHTML = stepLine('Frame t + 1', state.pair + 1);
    writeClose();
    const ariaValueText = `step ${state.pair + 1} of ${block().pairs}`;
    put($('.sifa-step'), ariaValueText);
    Object.assign($('.sifa-bar input'), { max: block().pairs - 1, value: state.pair, ariaValueText });
    $('.sifa-bar select').value = state.block;
    for (const [name, disabled] of Object.entries({
      previous: state.pair === 0, next: state.pair === block().pairs - 1,
      shallower: state.block === 0, deeper: state.block === trace.blocks.length - 1,
    })) $(`[data-do=${name}]`).setAttribute('aria-disabled', disabled);
    if (filmed !== `${block().stride[0]} ${block().pairs}`) {
      fillFilm($('.sifa-film'), trace, images, block(), actions.goTo);
      filmed = `${block().stride[0]} ${block().pairs}`;
    }
    markFilm($('.sifa-film'), state.pair);
    setTimeout(() => followFilm($('.sifa-film'), state.pair));
    writeDensity();
  }

  function writeClose() {
    const frame = state.reverse ? 't' : 't + 1';
    $('.sifa-close figcaption').innerHTML = `<b>Close-up</b> ${closeUpCells(block())} cells of frame ${frame}`;
  }

  function writeButtons() {
    if (!state.playing) clearInterval(player);
    $('[data-do=play]').textContent = state.playing ? '\u275A\u275A' : '\u25B6';
    $('[data-do=play]').setAttribute('aria-label', state.playing ? 'Pause' : 'Play');
  }

  function writeDensity() {
    const every = arrowEvery(block(), painter.width(), state.density);
    const which = every === 1 ? 'each cell' : `every ${every}${every === 2 ? 'nd' : every === 3 ? 'rd' : 'th'} cell`;
    for (const words of root.querySelectorAll('.sifa-density')) {
      words.textContent = `${ARROW_LEGEND[state.arrows]} ${which}, true to scale`;
    }
  }

  function play(on) {
    clearInterval(player);
    player = on ? setInterval(() => set(advanced(state, trace)), STEP_TIME / state.speed) : 0;
    set({ ...state, playing: on });
  }

  const actions = viewActions({
    get state() { return state; },
    get trace() { return trace; },
    get tap() { return shownOf(state).tap; },
    get width() { return painter.width(); },
    set, play,
    light(mark) {
      if (mark?.term === lit?.term && mark?.tap === lit?.tap) return;
      lit = mark;
      if (state.drawer === 'equation') redraw();
    },
    help() {
      const help = $('.sifa-help');
      if (help.open) return help.close();
      help.showModal();
      help.querySelector('h2').focus();
    },
  });
  const writeWhatIf = whatIfRow(root, actions);
  const writeTrust = trustPanel(root);
  const writeTour = tourPanel(root, actions.tour, () => state.tour);
  /** Follow a host that sets pair, block, y, x or pinned. */
  function follow(key, value) {
    if (value == null || value === state[key]) return;
    if (key === 'pinned') set({ ...state, pinned: Boolean(value) });
    else if (key === 'pair') actions.goTo(value);
    else if (key === 'block') actions.block(value);
    else set(withCell(state, trace, key === 'y' ? value : state.y, key === 'x' ? value : state.x));
  }

  /**
   * Show a trace in any form that `toBuffer` takes, or {url}. Where it cannot be read, a sentence says why and the
   * earlier one stays in place.
   */
  async function show(source) {
    const mine = ++shows;
    try {
      const next = parseTrace(toBuffer(source.url ? await download(source.url) : source));
      if (next.blocks.some(b => b.pairs < 1)) {
        throw new Error('This clip has one time step, so there is no next frame to look at.');
      }
      const decoded = await Promise.all(next.pictures.map(decodePicture));
      const id = await share.identify(next);
      if (mine !== shows) return decoded.forEach(image => image.close());
      writeTrace(next);
      play(false);
      painter.forget();
      images.forEach(image => image.close());
      const before = trace;
      [trace, images, written, filmed] = [next.blocks.length ? next : null, decoded, {}, null];
      if (!trace) return; // a model without SIFA blocks: its answer is all there is
      jump(share.opened(withTrace(state, trace, before), trace, id));
    } catch (error) {
      if (mine !== shows) return;
      $('.sifa-error').textContent = error.message;
      $('.sifa-error').hidden = false;
    }
  }

  function writeTrace(shown) {
    const order = shown.labels.map((_, i) => i).sort((a, b) => shown.probabilities[b] - shown.probabilities[a]);
    const plain = !shown.blocks.length;
    root.classList.toggle('sifa-plain', plain);
    $('.sifa-answer').innerHTML = answerHtml(shown, order[0]);
    $('.sifa-bars').innerHTML = barsHtml(shown, order);
    $('.sifa-note').textContent = plain ? '' : samplingNote(shown);
    $('.sifa-bar select').replaceChildren(...shown.blocks.map((_, i) => new Option(blockName(shown, i), i)));
    $('.sifa-error').hidden = true;
    $('.sifa-empty').hidden = !plain;
    if (plain) $('.sifa-empty').textContent = NO_BLOCKS;
    $('.sifa-body').hidden = false;
    root.dataset.ready = 'yes';
  }

  const share = sharing(root, linked, {
    now: () => ({ trace, images, state }), jump, open: show,
    paint: (other, ratio) => painter.draw(shownOf(other), ratio),
  });
  const writeReaders = readersPanel($('.sifa-asked'), (y, x) => actions.pin(y, x));
  const writeViews = furtherViews(root, actions);
  listen(root, canvases, actions, (canvas, event) => painter.cellAt(block(), canvas, event), () => !trace);
  const markUnder = (canvas, event) => {
    if (!trace || state.reverse || (canvas !== canvases.close && !state.pinned)) return null;
    return painter.markUnder(drawn, canvas, event);
  };
  linkTerms(root, canvases, markUnder, actions.light, actions.keep);
  const unfollow = followTheme(dark => root.classList.toggle('sifa-dark', dark), theme);

  /** For tests and scripts: whether a trace is shown, the state, and the read-out of any cell. */
  root.sifa = {
    get ready() { return trace !== null; },
    get state() { return state; },
    readout: (index, pair, y, x) => readout(trace.blocks[index], pair, y, x),
  };
  return {
    show, follow, ready: () => trace,
    close() {
      clearInterval(player);
      clearTimeout(resting);
      cancelAnimationFrame(frame);
      closed = true;
      unfollow();
      share.close();
      painter.close();
      images.forEach(image => image.close());
      root.remove();
    },
  };
}

async function download(url) {
  const answer = await fetch(url).catch(() => ({ ok: false, status: 'no connection' }));
  if (!answer.ok) throw new Error(`The trace could not be fetched (${answer.status}). Run the clip again.`);
  return answer.arrayBuffer();
}

function decodePicture(blob) {
  return createImageBitmap(blob).catch(error => { throw new Error(DAMAGED, { cause: error }); });
}

/** The entry that anywidget, the Gradio page and the single file share. */
const explorer = {
  async render({ model, el }) {
    const shared = ['block', 'pair', 'y', 'x', 'pinned']; // followed in this order, since a cell is one of its block
    const view = mount(el, {
      theme: model.get('theme'),
      linked: model.get('linked'),
      changed(state) { // the host's cell is a query: while the question is reversed, it keeps the last one
        if (state.reverse) return;
        for (const key of shared) model.set(key, state[key]);
        model.save_changes();
      },
    });
    const load = async () => {
      const source = model.get('trace');
      if (source && (source.url || source.byteLength || source.length)) await view.show(source);
      follow();
    };
    const asked = new Set(shared); // kept until a trace is shown, which may be the second while the first is being read
    const follow = () => view.ready() && shared.forEach(key => asked.delete(key) && view.follow(key, model.get(key)));
    model.on('change:trace', load);
    for (const key of shared) model.on(`change:${key}`, () => { asked.add(key); queueMicrotask(follow); });
    await load();
    return () => view.close();
  },
};
export default explorer;
