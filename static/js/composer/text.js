// Changes of the text that the browser can take back: it keeps no list of those that a script makes by setting a value.

/** Put a text in place of what is selected; `keep` selects so many characters of it, from that place on. */
export function put(area, text, keep) {
  const start = area.selectionStart;
  area.focus();
  const done = text === "" ? area.selectionStart === area.selectionEnd || document.execCommand("delete")
    : document.execCommand("insertText", false, text);
  if (!done) {
    area.setRangeText(text, start, area.selectionEnd, "end");
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }
  if (keep) area.setSelectionRange(start + keep[0], start + keep[0] + keep[1]);
}

export const selected = (area) => area.value.slice(area.selectionStart, area.selectionEnd);

/** Put marks around what is selected, or take them away where they stand. */
export function wrap(area, mark, words) {
  const inside = selected(area) || words;
  const { selectionStart: start, selectionEnd: end, value } = area;
  const before = value.slice(start - mark.length, start), behind = value.slice(end, end + mark.length);
  if (start >= mark.length && before === mark && behind === mark && value[start - mark.length - 1] !== mark[0]) {
    area.setSelectionRange(start - mark.length, end + mark.length);
    put(area, inside, [0, inside.length]);
  } else {
    put(area, mark + inside + mark, [mark.length, inside.length]);
  }
}

/** Begin each line of the selection with a mark; where all have it, take it away. */
export function begin(area, mark, pattern) {
  const { value } = area;
  const from = value.lastIndexOf("\n", area.selectionStart - 1) + 1;
  const until = value.indexOf("\n", area.selectionEnd);
  area.setSelectionRange(from, until < 0 ? value.length : until);
  const lines = selected(area).split("\n");
  const all = lines.every((line) => pattern.test(line));
  const changed = lines.map((line, place) => all ? line.replace(pattern, "") : mark(place) + line.replace(pattern, ""));
  const text = changed.join("\n");
  put(area, text, lines.length > 1 ? [0, text.length] : [text.length, 0]);
}

/** Put a block in place of the selection, with an empty line before and behind it. */
export function block(area, text, keep) {
  const before = area.value.slice(0, area.selectionStart), behind = area.value.slice(area.selectionEnd);
  const lead = before === "" || before.endsWith("\n\n") ? "" : before.endsWith("\n") ? "\n" : "\n\n";
  const trail = behind.startsWith("\n\n") ? "" : behind.startsWith("\n") ? "\n" : "\n\n";
  put(area, lead + text + trail, keep ? [lead.length + keep[0], keep[1]] : undefined);
}
