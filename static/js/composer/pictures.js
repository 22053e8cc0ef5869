// Pictures: chosen, dropped on the text, or pasted into it; asked what they show; sent; shown where they were put.
import { ask } from "./ask.js";
import { put } from "./text.js";

export function pictures(form, area, tell) {
  async function send(file, shows) {
    const sent = new FormData();
    sent.append("csrf_token", form.elements.csrf_token.value);
    sent.append("file", file);
    sent.append("words", shows);
    tell(`Sending ${file.name}…`);
    try {
      const answer = await fetch(form.dataset.upload, { method: "POST", body: sent, headers: { Accept: "application/json" } });
      const { code, error } = await answer.json();
      if (!code) throw new Error(error || "The picture was not sent: you are signed out. Your text is still here.");
      put(area, code);
      tell("The picture is in the text.");
    } catch (problem) {
      tell(problem instanceof SyntaxError || problem instanceof TypeError
        ? "The picture was not sent. You may be offline, or signed out; your text is still here." : problem.message);
    }
  }

  /** Ask what it shows, and for the file where there is none yet. */
  async function add(file) {
    const dialog = document.getElementById("ask-picture");
    dialog.querySelector("[data-picture-file]").hidden = Boolean(file);
    const name = dialog.querySelector("[data-picture-name]");
    name.hidden = !file;
    name.textContent = file ? file.name : "";
    const given = await ask("picture", {}, (typed) => file || typed["picture-file"]?.size ? "" : "Choose a picture first.");
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
