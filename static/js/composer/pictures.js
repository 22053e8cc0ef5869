// Pictures: chosen, dropped on the text, or pasted into it; asked what they show; sent; shown where they were put.
import { ask } from "./ask.js";
import { put } from "./text.js";
import { sentence } from "./words.js";

export function pictures(form, area, tell) {
  async function send(file, shows) {
    const sent = new FormData();
    sent.append("csrf_token", form.elements.csrf_token.value);
    sent.append("file", file);
    sent.append("words", shows);
    tell(sentence("sending", { file: file.name }));
    try {
      const answer = await fetch(form.dataset.upload, { method: "POST", body: sent, headers: { Accept: "application/json" } });
      const { code, error } = await answer.json();
      if (!code) throw new Error(error || sentence("not-sent"));
      put(area, code);
      tell(sentence("sent"));
    } catch (problem) {
      tell(problem instanceof SyntaxError || problem instanceof TypeError
        ? sentence("offline") : problem.message);
    }
  }

  /** Ask what it shows, and for the file where there is none yet. */
  async function add(file) {
    const dialog = document.getElementById("ask-picture");
    dialog.querySelector("[data-picture-file]").hidden = Boolean(file);
    const name = dialog.querySelector("[data-picture-name]");
    name.hidden = !file;
    name.textContent = file ? file.name : "";
    const given = await ask("picture", {}, (typed) => file || typed["picture-file"]?.size ? "" : sentence("choose"));
    if (given) await send(file || given["picture-file"], given["picture-words"].slice(0, 300));
  }

  const taken = async (event, files) => {
    const found = [...files].filter((file) => file.type.startsWith("image/"));
    if (!found.length) return;
    event.preventDefault();
    for (const file of found) await add(file);
  };
  area.addEventListener("paste", (event) => taken(event, event.clipboardData.files));
  area.addEventListener("drop", (event) => { area.classList.remove("dropping"); taken(event, event.dataTransfer.files); });
  area.addEventListener("dragover", (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    area.classList.add("dropping");
  });
  area.addEventListener("dragleave", () => area.classList.remove("dropping"));
  return () => add(null);
}
