// The mail beside the text. One question at a time: what is typed meanwhile is asked about behind it.
import { sentence } from "./words.js";

export function preview(form, asked) {
  const find = (name) => form.querySelector(`[data-${name}]`);
  const frame = form.querySelector("iframe[name=look]");
  const [box, text, checks] = [find("window"), find("text"), find("checks")];
  const width = document.getElementById("look-width");
  const reader = form.elements.reader;
  let ready = false, busy = false, again = false, number = 0, last = null, began = 0, nobody = null;

  for (const part of form.querySelectorAll("[data-only-script]")) part.hidden = false;
  find("only-plain").hidden = true;
  frame.src = frame.dataset.src;
  if (innerWidth < 600) width.value = "375";

  function post() {
    if (ready && last !== null) frame.contentWindow.postMessage({ html: last, number }, "*");
  }
  window.addEventListener("message", (event) => {
    if (event.source !== frame.contentWindow) return;
    if (event.data.ready) {
      ready = true;
      post();
    }
    if (event.data.shown) {
      form.dataset.shown = event.data.shown;
      form.dataset.took = Math.round(performance.now() - began);
    }
  });

  function fit() {
    const wide = Number(width.value), scale = Math.min(1, box.clientWidth / wide);
    frame.width = wide;
    frame.style.transform = `scale(${scale})`;
    frame.height = Math.round(box.clientHeight / scale);
  }
  new ResizeObserver(fit).observe(box);

  function part() {
    const plain = form.elements.show.value === "text";
    text.hidden = !plain;
    box.hidden = plain;
    if (!plain) fit();
  }

  function tell(found) {
    const rows = found.map(({ name, level, found: words }) => {
      const row = document.createElement("li");
      row.className = `check-${level}`;
      const strong = document.createElement("strong");
      strong.append(name, Object.assign(document.createElement("span"), { className: "visually-hidden", textContent: `: ${sentence(level)}` }));
      row.append(strong, ` ${words}`);
      return row;
    });
    checks.replaceChildren(...rows);
  }

  function tellReader({ id, told }) {
    find("reader").textContent = id ? sentence("as-reader", { reader: told }) : told;
    if (id) form.elements.subscriber.value = id;
    else if (reader.value.trim()) nobody = reader.value; // looked for once, and not behind every key
  }

  function show(seen) {
    if (nobody === null) tellReader(seen.reader);
    find("problem").hidden = !seen.problem;
    find("problem").textContent = seen.problem ? sentence("problem", { problem: seen.problem }) : "";
    tell(seen.checks);
    if (seen.problem) return; // the mail as it could be read last stays
    last = seen.html;
    text.textContent = seen.text;
    find("inbox").hidden = false;
    find("inbox-sender").textContent = seen.sender.replace(/ <.*/, "");
    find("inbox-subject").textContent = seen.subject || sentence("no-subject");
    find("inbox-rest").textContent = `– ${seen.inbox}`;
    find("size").value = seen.share;
    find("size").title = seen.size;
    post();
  }

  async function look() {
    if (busy) {
      again = true;
      return;
    }
    [busy, again, began] = [true, false, asked.at || performance.now()];
    asked.at = 0;
    number += 1;
    const words = new FormData(form);
    if (nobody !== null) words.delete("reader");
    try {
      const answer = await fetch(form.dataset.typed, { method: "POST", body: words, headers: { Accept: "application/json" } });
      if (answer.ok) show(await answer.json());
      else if (answer.status === 401) await asked.refused(await answer.json());
    } catch { /* the server is away for a moment; the next key asks again */ }
    busy = false;
    if (again) look();
  }

  reader.addEventListener("input", () => { [form.elements.subscriber.value, nobody] = ["", null]; });
  reader.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
  width.addEventListener("change", fit);
  form.elements.show.addEventListener("change", part);
  form.addEventListener("input", () => {
    asked.at ||= performance.now();
    look();
  });
  part();
  look();
}
