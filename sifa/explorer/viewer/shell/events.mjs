// What an event is about.

/**
 * The element at or around the target of an event that a selector finds, or null.
 * @param {Event} event
 * @param {string} selector
 */
export function near({ target }, selector) {
  const found = target instanceof Element ? target.closest(selector) : null;
  return found instanceof HTMLElement ? found : null;
}
