// The buttons above the text. Each writes Markdown, which can be read and changed as any other.
import { ask, addressIsBad } from "./ask.js";
import { begin, block, put, selected, wrap } from "./text.js";
import { sentence } from "./words.js";

// What would end the words of a link or a picture early.
const words = (typed) => typed.replace(/[[\]\\{}<>*_`\n]/g, " ").trim();
const target = (typed) => typed.trim().replace(/[\s<>"]/g, encodeURIComponent).replace(/\(/g, "%28").replace(/\)/g, "%29");
const address = (typed) => typed.trim().startsWith("{{") ? typed.trim() : target(typed);
const quoted = (typed) => `"${typed.replace(/\\/g, "").replace(/"/g, "”").replace(/[{}%]/g, "").trim()}"`;

const tools = {
  bold: (area) => wrap(area, "**", sentence("bold")),
  italic: (area) => wrap(area, "*", sentence("leaning")),
  heading: (area) => begin(area, () => "## ", /^#{1,6} /),
  list: (area) => begin(area, () => "- ", /^[-*+] /),
  numbers: (area) => begin(area, (place) => `${place + 1}. `, /^\d+[.)] /),
  quote: (area) => begin(area, () => "> ", /^> ?/),
  async link(area) {
    const given = await ask("link", { "link-words": selected(area) }, (typed) => addressIsBad(typed["link-address"]));
    if (given) put(area, `[${words(given["link-words"]) || given["link-address"]}](${address(given["link-address"])})`);
  },
  async button(area) {
    const check = (typed) => words(typed["button-words"]) ? addressIsBad(typed["button-address"]) : sentence("button-needs-words");
    const given = await ask("button", { "button-words": selected(area) }, check);
    if (given) block(area, `[${words(given["button-words"])}](${address(given["button-address"])} "button")`);
  },
  columns(area) {
    const left = selected(area) || sentence("left");
    block(area, `::: columns\n${left}\n|||\n${sentence("right")}\n:::`, [12, left.length]);
  },
  async card(area) {
    const given = await ask("card");
    if (given?.["card-of"]) block(area, given["card-of"].replace(/\r\n/g, "\n"));
  },
  async name(area) {
    const given = await ask("name", { "name-else": sentence("friend") });
    if (!given) return;
    const other = given["name-else"].trim();
    put(area, other ? `{{ ${given["name-field"]}|default(${quoted(other)}) }}` : `{{ ${given["name-field"]} }}`);
  },
  async only(area) {
    const given = await ask("only");
    if (!given) return;
    const part = selected(area).trim() || sentence("only");
    const opened = `{% if ${given["only-for"]} %}\n\n`;
    block(area, `${opened}${part}\n\n{% endif %}`, [opened.length, part.length]);
  },
};

/** Wake the toolbar. `picture` is what its button for pictures does. */
export function toolbar(form, area, picture) {
  const bar = form.querySelector("[role=toolbar]");
  const buttons = [...bar.querySelectorAll("[data-tool]")];
  const all = { ...tools, picture };
  const use = async (name) => {
    const { selectionStart, selectionEnd } = area;
    area.focus();
    area.setSelectionRange(selectionStart, selectionEnd);
    await all[name](area);
    area.focus();
  };
  bar.hidden = false;
  for (const button of buttons) button.addEventListener("click", () => use(button.dataset.tool));
  area.addEventListener("keydown", (event) => {
    const name = { b: "bold", i: "italic", k: "link" }[event.key.toLowerCase()];
    if (!name || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    event.preventDefault();
    use(name);
  });
  // One stop for the Tab key; arrows go from button to button (WAI-ARIA, toolbar).
  const reach = (place) => buttons.forEach((button, at) => { button.tabIndex = at === place ? 0 : -1; });
  reach(0);
  bar.addEventListener("focusin", (event) => { if (buttons.includes(event.target)) reach(buttons.indexOf(event.target)); });
  bar.addEventListener("keydown", (event) => {
    const at = buttons.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    buttons[(to + buttons.length) % buttons.length].focus();
  });
  const names = document.getElementById("name-field");
  names?.addEventListener("change", () => {
    document.getElementById("name-else").value = names.selectedOptions[0].dataset.fallback || "";
  });
  for (const button of form.querySelectorAll("[data-insert]")) {
    button.hidden = false;
    button.addEventListener("click", () => put(area, button.dataset.insert));
  }
}
