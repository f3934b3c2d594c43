// The entry that anywidget, the Gradio page and the single file share.
import { Viewer } from './viewer.mjs';
/** @import { Followed } from '../state/follow.mjs' */
/** @import { Offer } from '../panels/compare.mjs' */
/** @import { Source } from './source.mjs' */

/**
 * What a host shares with the viewer, as anywidget gives it: `trace`, `compared`, a second one to compare with, and any of block,
 * pair, pins ({A: [y, x], ...}), y, x and
 * pinned, which are followed both ways; `theme`, 'dark' or 'light' where it is known; `linked`, whether the page's hash is
 * the viewer's; `asks`, whether it answers the event `sifa-asks`, whose detail is 'tour', 'what-ifs' or 'run:' and the title of an
 * offer; `offers`, a function that lists what else it has to compare with.
 * @typedef {{
 *   get: (key: string) => unknown, set: (key: string, value: unknown) => void,
 *   on: (event: string, call: () => unknown) => void, save_changes: () => void
 * }} Model
 */

/** @type {Followed[]} */
const SHARED = ['block', 'pair', 'pins', 'y', 'x', 'pinned']; // followed in this order: a cell is one of its block, maybe a pin's

/**
 * Whether a value holds a trace, as a host gives it.
 * @param {unknown} value
 * @returns {value is Source}
 */
function holdsTrace(value) {
  if (typeof value === 'string') return value.length > 0;
  if (typeof value !== 'object' || value === null) return false;
  return ('url' in value && Boolean(value.url)) || ('byteLength' in value && Boolean(value.byteLength));
}

/**
 * Build a viewer in an element; what it returns takes it away again.
 * @param {{model: Model, el: HTMLElement}} host
 */
export async function render({ model, el }) {
  const [theme, offers] = [model.get('theme'), model.get('offers')];
  const free = !(model.get('linked') && location.hash.length > 1); // no link says what is open
  const view = new Viewer(el, {
    theme: typeof theme === 'string' ? theme : null,
    linked: Boolean(model.get('linked')),
    asks: Boolean(model.get('asks')),
    offers: () => (typeof offers === 'function' ? /** @type {Offer[]} */ (offers()) : []),
    changed(state, pins) { // the host's cell is a query: while the question is reversed, it keeps the last one
      if (state.reverse) return;
      for (const key of SHARED) model.set(key, key === 'pins' ? pins : state[key]);
      model.save_changes();
    },
  });
  const load = async () => {
    const source = model.get('trace');
    if (holdsTrace(source)) await view.show(source);
    follow();
  };
  const waiting = new Set(SHARED); // until a trace is shown, which may be the second while the first is being read
  const follow = () => {
    if (view.ready) for (const key of SHARED) if (waiting.delete(key)) view.follow(key, model.get(key));
  };
  const compare = async (open = true) => {
    const source = model.get('compared');
    if (holdsTrace(source)) await view.compare.load(source, !('url' in Object(source)), open);
    else view.compare.drop();
  };
  model.on('change:trace', load);
  model.on('change:compared', () => compare());
  for (const key of SHARED) model.on(`change:${key}`, () => { waiting.add(key); queueMicrotask(follow); });
  await load();
  await compare(free);
  return () => view.close();
}
