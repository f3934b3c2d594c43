// Whether the host page is dark.

/**
 * Call `dark` with whether the host page is dark, now and whenever it changes: by its own word, Gradio's or Jupyter's, or
 * the system's.
 * @param {(on: boolean) => void} dark
 * @param {string | null | undefined} stated
 * @returns {() => void} what stops it
 */
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
