// The ways in: keys, buttons, mouse and touch. Each ends in one of the actions.

/**
 * Wire a viewer's root. `actions` are functions by name; `cellAt(event)` gives the cell under the pointer and
 * `busy()` is true while there is nothing to act on.
 */
export function listen(root, grid, actions, cellAt, busy) {
  const help = root.querySelector('.sifa-help');
  const keys = {
    ',': actions.previous, '.': actions.next, ArrowLeft: actions.previous, ArrowRight: actions.next,
    '[': actions.shallower, ']': actions.deeper, ' ': actions.play, q: actions.quiver, Q: actions.quiver,
    w: actions.nextWhatIf, W: actions.previousWhatIf, f: actions.flow, F: actions.flow,
    '?': actions.help, Escape: actions.unpin,
  };
  const gridKeys = {
    ArrowUp: () => actions.move(-1, 0), ArrowDown: () => actions.move(1, 0), ArrowLeft: () => actions.move(0, -1),
    ArrowRight: () => actions.move(0, 1), Enter: actions.pinHere,
  };
  const theirOwn = {
    BUTTON: [' '], SUMMARY: [' '], SELECT: [' ', 'ArrowLeft', 'ArrowRight'], INPUT: ['ArrowLeft', 'ArrowRight'],
  };
  root.addEventListener('keydown', event => {
    const shortcut = (event.ctrlKey || event.metaKey || event.altKey) && !event.getModifierState('AltGraph');
    if (busy() || shortcut || theirOwn[event.target.tagName]?.includes(event.key)) return;
    if (help.open && event.key !== '?') return;
    const act = (event.target === grid && gridKeys[event.key]) || keys[event.key];
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
  root.querySelector('input').addEventListener('input', event => actions.goTo(+event.target.value));
  root.querySelector('select').addEventListener('change', event => actions.block(+event.target.value));
  grid.addEventListener('pointermove', event => { if (!busy()) actions.hover(...cellAt(event)); });
  grid.addEventListener('click', event => { if (!busy()) actions.pin(...cellAt(event)); });
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
