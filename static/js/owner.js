// The owner's pages. All of them work without this file.
"use strict";

// Before the first paint: Bootstrap's dark colours hang on an attribute, the reader's wish on a media query.
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const paint = () => { document.documentElement.dataset.bsTheme = dark.matches ? "dark" : "light"; };
paint();
dark.addEventListener("change", paint);
document.documentElement.classList.add("js");

// A second press while the first is on its way sends nothing twice (the server refuses it as well), and the button shows
// that it was pressed. A disabled one would take its own name out of what is sent.
const release = (form) => {
  delete form.dataset.sent;
  for (const button of form.elements) button.removeAttribute("aria-busy");
};
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method === "dialog" || event.submitter?.formTarget) return; // the page stays as it is
  if (form.method === "post" && form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
  event.submitter?.setAttribute("aria-busy", "true");
  if (form.hasAttribute("data-download")) setTimeout(release, 8000, form); // a file comes, and the page stays
});

window.addEventListener("pageshow", () => {
  for (const form of document.forms) release(form);
});

function menu() {
  const button = document.querySelector(".side-toggle");
  if (!button) return;
  button.hidden = false;
  button.addEventListener("click", () => {
    const open = button.getAttribute("aria-expanded") === "true";
    button.setAttribute("aria-expanded", String(!open));
    document.querySelector(".side").classList.toggle("open", !open);
  });
}

// "/" leads to the search box, unless somebody types or has switched the key off (WCAG 2.1.4).
const OFF = "newsletter.slash-off";
function slash() {
  const box = document.getElementById("search");
  if (!box) return;
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.closest?.("input, textarea, select, [contenteditable]") || localStorage.getItem(OFF)) return;
    event.preventDefault();
    if (!box.checkVisibility()) document.querySelector(".side-toggle")?.click();
    box.focus();
    box.select();
  });
  const told = document.querySelector("[data-slash]");
  if (!told) return;
  const button = told.querySelector("button");
  const show = () => { button.setAttribute("aria-pressed", String(Boolean(localStorage.getItem(OFF)))); };
  button.addEventListener("click", () => {
    if (localStorage.getItem(OFF)) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "yes");
    show();
  });
  show();
  told.hidden = false;
}

function editor() {
  const form = document.querySelector("[data-warn-unsaved]");
  if (!form) return;
  const body = form.querySelector("textarea");
  let changed = form.querySelector(".is-invalid") !== null || form.dataset.warnUnsaved === "yes";
  form.addEventListener("input", () => { changed = true; });
  form.addEventListener("submit", (event) => { if (!event.submitter?.formTarget) changed = false; });
  window.addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); });
  for (const button of form.querySelectorAll("[data-insert]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      body.setRangeText(button.dataset.insert, body.selectionStart, body.selectionEnd, "end");
      changed = true;
      body.focus();
    });
  }
}

// One after the other: a form that is sent a second time at once forgets the first.
function press(buttons) {
  buttons.forEach((button, place) => setTimeout(() => button.form.requestSubmit(button), place * 150));
}

// A frame that shows what a form would send: filled at once, where without this file a button fills it.
function frames() {
  const buttons = [...document.querySelectorAll("[data-press]")];
  for (const button of buttons) button.hidden = true;
  press(buttons);
}

// A preview follows what is typed, a moment behind it.
function live() {
  const buttons = document.querySelectorAll("[data-live][data-press]");
  if (!buttons.length) return;
  let waiting;
  buttons[0].form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => press([...buttons]), 400);
  });
}

// A press selects a piece of code, ready to be copied.
function copies() {
  for (const box of document.querySelectorAll("[data-copy]")) box.addEventListener("focus", () => box.select());
}

// The numbers of a campaign, or of an import, every second. The rate is what these last seconds showed, not the average.
function watch() {
  const box = document.querySelector("[data-watch]");
  if (!box) return;
  const seen = [];
  const show = (name, text) => {
    for (const place of document.querySelectorAll(`[data-live="${name}"]`)) place.textContent = text;
  };
  const words = (seconds) => seconds < 60 ? `${Math.round(seconds)} s`
    : seconds < 3600 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3600)} h ${Math.floor(seconds % 3600 / 60)} min`;
  async function look() {
    if (document.hidden) return;
    let now;
    try {
      const answer = await fetch(box.dataset.watch, { headers: { Accept: "application/json" } });
      if (answer.redirected) return location.reload();
      now = await answer.json();
    } catch { return; } // the server is away for a moment: the next look tells
    if (now.state !== box.dataset.state) return location.reload();
    const numbers = ["done", "total", "sent", "waiting", "deferred", "failed", "uncertain", "cancelled", "rows", "undone", "for_hour"];
    for (const name of numbers.filter((one) => one in now)) show(name, now[name].toLocaleString(document.documentElement.lang));
    show("percent", now.percent);
    if (now.next_at) show("next", now.next);
    const bar = box.querySelector("progress[max]"); // without one nobody knows how much there is
    if (bar) [bar.max, bar.value] = [now.total || 1, now.done];
    seen.push([performance.now() / 1000, now.done]);
    if (seen.length > 10) seen.shift();
    const [from, first] = seen[0], [to, last] = seen[seen.length - 1];
    if (to === from) return;
    const rate = (last - first) / (to - from);
    show("rate", Math.round(rate).toLocaleString(document.documentElement.lang));
    show("time_left", rate > 0 ? words((now.total - now.done) / rate) : "–");
  }
  setInterval(look, 1000);
}

// A piece of the page that follows what is chosen in its form: asked for at once, and again while something is counted.
function follows(place, address, asked, show) {
  let latest = 0;
  const ask = async (mine, more) => {
    try {
      const answer = await fetch(`${address}${address.includes("?") ? "&" : "?"}${asked()}`, { headers: { Accept: "application/json" } });
      const told = await answer.json(), page = new DOMParser().parseFromString(told.html, "text/html");
      if (mine !== latest) return;
      const opened = place.querySelector("details[open]"), fresh = page.querySelector("details");
      if (opened && fresh) fresh.open = true; // whoever is reading it goes on
      place.replaceChildren(...page.body.childNodes);
      show?.(told);
      if (told.again && more) setTimeout(() => mine === latest && ask(mine, more - 1), 1000);
    } catch { /* the form works without */ }
  };
  return () => ask(latest += 1, 60);
}

// Who would get a campaign when, and who two mails, beside the time that is being chosen; and what the button says.
function leavings() {
  const place = document.querySelector("[data-leavings]");
  if (!place) return;
  const form = place.closest("form");
  const names = ["when", "day", "clock", "left_out", "without", "had"];
  const chosen = () => new URLSearchParams([...new FormData(form)].filter(([name]) => names.includes(name)));
  const look = follows(place, place.dataset.leavings, chosen, ({ says }) => {
    for (const [name, words] of Object.entries(says)) form.querySelector(`[data-says="${name}"]`).textContent = words;
  });
  document.addEventListener("change", ({ target }) => { if (target.form === form && names.includes(target.name)) look(); });
}

// How many people an audience is, and who some of them are, while it is being chosen.
function whom() {
  const names = ["article", "audience", "without", "had"];
  for (const box of document.querySelectorAll("[data-whom]")) {
    const form = document.getElementById(box.dataset.form) ?? box; // a draft's boxes travel with another form
    const chosen = () => new URLSearchParams([...new FormData(form)].filter(([name]) => names.includes(name)));
    const look = follows(box.querySelector(".whom"), box.dataset.whom, chosen);
    box.addEventListener("change", (event) => { if (names.includes(event.target.name)) look(); });
  }
}

// How many people a filter would show, told beside its button while it is chosen: about how many, until they are counted.
function counts() {
  for (const form of document.querySelectorAll("form[data-count]")) {
    let latest = 0;
    const ask = async (mine, asked, more) => {
      try {
        const answer = await fetch(`${form.dataset.count}?${asked}`, { headers: { Accept: "application/json" } });
        const { told, again } = await answer.json();
        if (mine !== latest) return;
        form.querySelector("output").textContent = told;
        if (again && more) setTimeout(() => mine === latest && ask(mine, asked, more - 1), 1000);
      } catch { /* the button works without */ }
    };
    form.addEventListener("change", () => ask(latest += 1, new URLSearchParams(new FormData(form)), 60));
  }
}

// Pieces of a page that a worker fills (spam points, links): asked for once where nothing is known of the words, and shown
// as soon as something is there.
function pieces() {
  for (const one of document.querySelectorAll("[data-piece]")) piece(one.dataset.piece);
}

function piece(path) {
  const place = () => document.querySelector(`[data-piece="${CSS.escape(path)}"]`);
  const show = async (answer) => {
    if (!answer.ok || answer.redirected) return;
    const { state, html } = await answer.json(), page = new DOMParser().parseFromString(html, "text/html");
    const opened = place().contains(document.activeElement); // whoever is there keeps their place
    if (state !== place().dataset.state && !opened) place().replaceWith(...page.body.children);
    if (state.startsWith("waiting") || opened) setTimeout(look, 1000);
  };
  const json = { headers: { Accept: "application/json" } };
  const look = async () => {
    if (document.hidden) return setTimeout(look, 1000);
    try {
      await show(await fetch(path, json));
    } catch { /* the page says how to look by hand */ }
  };
  const form = place().querySelector("form[data-unasked]");
  if (!form) return place().dataset.state.startsWith("waiting") ? look() : undefined;
  fetch(form.action, { ...json, method: "POST", body: new FormData(form) }).then(show).catch(() => { /* its button works */ });
}

document.addEventListener("DOMContentLoaded", () => { menu(); slash(); editor(); frames(); live(); copies(); watch(); counts(); leavings(); whom(); pieces(); });
