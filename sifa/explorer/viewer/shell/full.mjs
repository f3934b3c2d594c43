// The full screen.

/**
 * Fill the screen with the viewer, or give it back. Where a page may not, words say so.
 * @param {HTMLElement} root
 * @param {(words: string) => void} say
 */
export async function toggleFull(root, say) {
  try {
    if (document.fullscreenElement) await document.exitFullscreen();
    else await root.requestFullscreen();
  } catch { say('This page does not allow the full screen here. Open the viewer as a page of its own.'); }
}
