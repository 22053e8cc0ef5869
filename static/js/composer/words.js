// What the composer says, in the language of its page: the sentences stand in the page, where they are marked.
const said = document.querySelector("[data-words]");

/** The sentence of this name, its gaps ({file}) filled. */
export const sentence = (name, values = {}) => said.querySelector(`[data-word="${name}"]`).textContent
  .replace(/\{(\w+)\}/g, (gap, key) => values[key] ?? gap);
