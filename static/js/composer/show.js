// A check leads to the very piece of the text that it is about: the page's address names it.
/** Mark the piece in the text, and bring it into view; the cursor then stands in it. */
export function show(area) {
  const wanted = new URLSearchParams(location.search).get("show");
  const at = wanted ? area.value.indexOf(wanted) : -1;
  if (at < 0) return;
  area.focus();
  area.setSelectionRange(at, at); // a browser scrolls to a cursor, and not to what is marked
  area.blur();
  area.focus();
  area.setSelectionRange(at, at + wanted.length);
}
