// The phone edition: ticks and numbers are kept in this browser and sent to nobody. The page reads well without this file.
"use strict";

const book = document.querySelector(".book");
const place = `guide:${book.dataset.guide}`;
const KEPT = "guides";

function load() {
  try {
    return JSON.parse(localStorage.getItem(place)) || {};
  } catch {
    return {};
  }
}

const notes = load();

function store() {
  try {
    localStorage.setItem(place, JSON.stringify(notes));
  } catch {
    // private browsing, or no room: the page works, and forgets
  }
}

const words = (element) => (element ? element.textContent.trim().replace(/\s+/g, " ") : "");

function field(label) {
  const input = document.createElement("input");
  input.type = "text";
  input.maxLength = 40;
  input.size = 4;
  input.autocomplete = "off";
  input.setAttribute("aria-label", label);
  return input;
}

// A table to write in: a field in each empty cell, named after its row and column.
for (const table of book.querySelectorAll(".ruled table")) {
  const columns = [...table.querySelectorAll("thead th")].map(words);
  for (const row of table.querySelectorAll("tbody tr")) {
    const first = words(row.cells[0]);
    for (const cell of [...row.cells].slice(1)) {
      if (!words(cell)) cell.append(field([first, columns[cell.cellIndex]].filter(Boolean).join(", ")));
    }
  }
}
for (const blank of book.querySelectorAll(".blank")) {
  blank.replaceWith(field(words(blank.parentElement).replace(/[:\s]+$/, "")));
}

// One sheet for many weeks: a choice of the week above it.
for (const sheet of book.querySelectorAll(".weekly")) {
  const label = document.createElement("label");
  const choice = document.createElement("select");
  label.className = "week-choice";
  label.append(`${book.dataset.week} `, choice);
  for (let week = 1; week <= 12; week += 1) choice.add(new Option(String(week), String(week)));
  choice.value = String(notes.week || 1);
  sheet.prepend(label);
  choice.addEventListener("change", () => {
    notes.week = Number(choice.value);
    store();
    fill();
  });
}

// What a field is called in the store: the headings above it and its own words, so that an edition may move it.
const names = new Map();
const seen = {};
let above = ["", "", ""];
for (const one of book.querySelectorAll("h2, h3, h4, .table-title, input")) {
  if (one.tagName === "INPUT") {
    const name = [...above.slice(0, 2), one.getAttribute("aria-label") || words(one.closest("label"))].join(" / ").slice(0, 200);
    seen[name] = (seen[name] || 0) + 1;
    names.set(one, seen[name] > 1 ? `${name} #${seen[name]}` : name);
  } else {
    const level = { H2: 0, H3: 1 }[one.tagName] ?? 2;
    above = [...above.slice(0, level), words(one), "", ""].slice(0, 3);
  }
}

const name = (input) => (input.closest(".weekly") ? `week ${notes.week || 1} / ` : "") + names.get(input);

function fill() {
  for (const input of names.keys()) {
    const kept = notes[name(input)];
    if (input.type === "checkbox") input.checked = kept === true;
    else input.value = kept || "";
  }
}

book.addEventListener("input", (event) => {
  const input = event.target;
  if (!names.has(input)) return;
  const value = input.type === "checkbox" ? input.checked : input.value;
  if (value) notes[name(input)] = value;
  else delete notes[name(input)];
  store();
});
fill();

// Without a network: this page and what it is made of are kept once it has been opened.
const box = document.querySelector(".kept");
box.hidden = false;
if ("serviceWorker" in navigator && "caches" in window) {
  const parts = [...document.querySelectorAll('link[rel="stylesheet"], link[rel="icon"]')].map((one) => one.href);
  const scripts = [...document.scripts].map((one) => one.src).filter(Boolean);
  navigator.serviceWorker.register(book.dataset.worker)
    .then(() => caches.open(KEPT))
    .then((kept) => kept.addAll([location.pathname, ...parts, ...scripts]))
    .then(() => { box.querySelector("[data-offline]").hidden = false; })
    .catch(() => {}); // offline already, or not allowed: what was kept before stays
}

box.querySelector("[data-forget]").addEventListener("click", async () => {
  for (const key of Object.keys(notes)) delete notes[key];
  try {
    localStorage.removeItem(place);
    if ("caches" in window) await caches.delete(KEPT);
  } catch {
    // nothing was kept
  }
  fill();
  const said = box.querySelector("[data-told]");
  said.textContent = said.dataset.told;
});
