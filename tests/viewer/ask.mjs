// Calls the viewer's pure functions for tests in Python: a line of JSON in, {body, value}, and a line out, {answer} or {error}.
// The body is that of a function of `viewer`, which has every export of the modules below, and of `value`.
import { createInterface } from 'node:readline';

const MODULES = [
  'trace/decode', 'trace/fields', 'trace/files', 'trace/geometry', 'trace/groups', 'trace/terms', 'trace/tracks', 'state/answers', 'state/state', 'panels/equation',
];
const viewer = Object.assign({}, ...await Promise.all(
  MODULES.map(name => import(`../../sifa/explorer/viewer/${name}.mjs`))));
const AsyncFunction = (async () => {}).constructor;
const plain = (key, value) => (ArrayBuffer.isView(value) ? Array.from(value) : value);

for await (const line of createInterface({ input: process.stdin })) {
  const { body, value } = JSON.parse(line);
  try {
    const answer = await new AsyncFunction('viewer', 'value', body)(viewer, value);
    console.log(JSON.stringify({ answer: answer ?? null }, plain));
  } catch (error) {
    console.log(JSON.stringify({ error: error.message }));
  }
}
