// The ways in: keys, buttons, mouse and touch. Each ends in one of the actions.

// some browsers tell of a pointermove only when the next frame begins, and of this one at once
const MOVE = 'onpointerrawupdate' in window ? 'pointerrawupdate' : 'pointermove';

/**
 * Wire a viewer's root. `canvases` are {query, key, close}, `actions` functions by name; `cellAt(canvas, event)` gives
 * the cell under the pointer and `busy()` is true while there is nothing to act on.
 */
export function listen(root, canvases, actions, cellAt, busy) {
  const help = root.querySelector('.sifa-help');
  const keys = {
    ',': actions.previous, '.': actions.next, ArrowLeft: actions.previous, ArrowRight: actions.next,
    '[': actions.shallower, ']': actions.deeper, ' ': actions.play, q: actions.quiver, Q: actions.quiver,
    a: actions.arrows, '+': actions.more, '=': actions.more, '-': actions.fewer, c: actions.tint, o: actions.overlay,
    w: actions.nextWhatIf, W: actions.previousWhatIf, f: actions.flow, F: actions.flow,
    g: () => actions.tour(),
    e: actions.equation, t: actions.neighbours, s: actions.sheet, r: actions.turn, n: actions.nextTap,
    N: actions.previousTap, '<': actions.slower, '>': actions.faster, '?': actions.help, Escape: actions.unpin,
  };
  const gridKeys = {
    ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
  };
  const theirOwn = {
    BUTTON: [' '], SUMMARY: [' '], SELECT: [' ', 'ArrowLeft', 'ArrowRight'], INPUT: ['ArrowLeft', 'ArrowRight'],
  };
  // Jupyter Notebook 7 takes keys before the page does, unless what has the focus says this
  root.addEventListener('focusin', ({ target }) => { target.dataset.lmSuppressShortcuts = ''; });
  root.addEventListener('keydown', event => {
    const { target, key } = event;
    const shortcut = (event.ctrlKey || event.metaKey || event.altKey) && !event.getModifierState('AltGraph');
    if (busy() || shortcut || theirOwn[target.tagName]?.includes(key)) return;
    if (target.tagName === 'SELECT' && /^\w$/.test(key)) return; // finds an option
    if (help.open && key !== '?') return;
    const reverse = target === canvases.key;
    const grid = reverse || target === canvases.query;
    const act = grid && gridKeys[key] ? () => actions.move(...gridKeys[key], reverse)
      : grid && key === 'Enter' ? () => actions.pinHere(reverse) : keys[key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  });
  root.addEventListener('click', event => {
    const name = event.target.closest('[data-do]')?.dataset.do;
    if (name && !busy()) actions[name]();
    if (event.target === help) help.close();
  });
  root.querySelector('.sifa-bar input').addEventListener('input', event => actions.goTo(+event.target.value));
  root.querySelector('.sifa-bar select').addEventListener('change', event => actions.block(+event.target.value));
  for (const select of root.querySelectorAll('[data-set]')) {
    select.addEventListener('change', () => actions.choose(select.dataset.set, select.value));
  }
  for (const [canvas, reverse] of [[canvases.query, false], [canvases.key, true]]) {
    canvas.addEventListener(MOVE, event => { if (!busy()) actions.hover(...cellAt(canvas, event), reverse); });
    canvas.addEventListener('click', event => { if (!busy()) actions.pin(...cellAt(canvas, event), reverse); });
  }
  canvases.key.addEventListener('pointerleave', () => { if (!busy()) actions.leave(); });
}

/**
 * Light up together what belongs together: terms of the equation, and the marks that `markUnder(canvas, event)` finds.
 * `light({term, tap})` is told, with null where nothing is pointed at, and `keep(tap)` which mark was clicked.
 */
export function linkTerms(root, canvases, markUnder, light, keep) {
  const strip = root.querySelector('.sifa-equation');
  for (const name of ['pointerover', 'focusin', 'click']) {
    strip.addEventListener(name, ({ target }) => {
      const { term } = target.closest('[data-term]')?.dataset ?? {};
      light(term ? { term, tap: null } : null);
    });
  }
  for (const name of ['pointerleave', 'focusout']) strip.addEventListener(name, () => light(null));
  for (const canvas of Object.values(canvases)) {
    canvas.addEventListener('pointerleave', () => light(null));
    for (const name of ['pointerenter', MOVE]) { // the first of some moves comes before the other canvas is left
      canvas.addEventListener(name, event => light(markUnder(canvas, event)));
    }
  }
  canvases.close.addEventListener('click', event => {
    const mark = markUnder(canvases.close, event);
    if (mark && mark.tap !== null) keep(mark.tap);
  });
  root.querySelector('.sifa-read').addEventListener('click', event => {
    const cell = event.target.closest('[data-tap]');
    if (cell) keep(+cell.dataset.tap);
  });
}

/** Keep `dark` told whether the host page is dark: by its own word, Gradio's or Jupyter's, or the system's. */
export function followTheme(dark, stated) {
  const system = matchMedia('(prefers-color-scheme: dark)');
  const hosts = [document.documentElement, document.body];
  const tell = () => {
    const jupyter = document.body.dataset.jpThemeLight;
    if (stated) dark(stated === 'dark');
    else if (jupyter) dark(jupyter === 'false');
    else if (hosts.some(host => host.classList.contains('dark'))) dark(true);
    else dark(!document.querySelector('.gradio-container') && system.matches);
  };
  const watcher = new MutationObserver(tell);
  const attributeFilter = ['class', 'data-jp-theme-light'];
  for (const host of hosts) watcher.observe(host, { attributes: true, attributeFilter });
  system.addEventListener('change', tell);
  tell();
  return () => { watcher.disconnect(); system.removeEventListener('change', tell); };
}
