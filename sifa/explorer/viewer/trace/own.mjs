// Looking things up by what a file, a link or a key press says.

/**
 * The value of an object under a key that is its own: never what every object has, such as `constructor`.
 * @template T
 * @param {{[key: string]: T}} holder
 * @param {string | undefined} key
 * @returns {T | undefined}
 */
export const own = (holder, key) => (key !== undefined && Object.hasOwn(holder, key) ? holder[key] : undefined);
