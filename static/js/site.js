// Optional: every page works without this file.
"use strict";

// The page after a sign-up says where we wrote to, and can have it sent again. What was typed is kept in this tab until
// then, and travels nowhere else.
const OURS = ["csrf_token", "proof", "press", "since", "website"];
function remember(form) {
  const typed = [...new FormData(form)].filter(([name]) => !OURS.includes(name));
  if (!form.elements.page) typed.push(["page", location.pathname]);
  try { sessionStorage.setItem("asked", JSON.stringify(typed)); } catch { /* a browser that keeps nothing */ }
}

const INBOXES = {
  Gmail: ["https://mail.google.com/mail/u/0/#search/in%3Aanywhere+newer_than%3A1d", "gmail.com", "googlemail.com"],
  Outlook: ["https://outlook.live.com/mail/", "outlook.com", "hotmail.com", "hotmail.co.uk", "live.com", "live.co.uk", "msn.com"],
  "Yahoo Mail": ["https://mail.yahoo.com/", "yahoo.com", "yahoo.co.uk"],
  "iCloud Mail": ["https://www.icloud.com/mail/", "icloud.com", "me.com"],
};

function remembered() {
  try {
    const typed = JSON.parse(sessionStorage.getItem("asked"));
    sessionStorage.removeItem("asked");
    return typed;
  } catch { /* as above */ }
}

function asked() {
  const place = document.querySelector("[data-asked]");
  if (!place) return;
  const told = place.querySelector("strong");
  const typed = remembered();
  if (!told.textContent && typed) tellWhere(typed, place, told);
  wait();
  const host = told.textContent.split("@").pop().toLowerCase();
  const [name, [url]] = Object.entries(INBOXES).find(([, known]) => known.includes(host)) ?? ["", [""]];
  if (!name) return;
  const link = place.querySelector("a[data-inbox]");
  link.href = url;
  link.textContent = link.dataset.open.replace("…", name);
  link.parentElement.hidden = false;
}
document.addEventListener("DOMContentLoaded", asked);

// Both forms get what was typed: one sends it again, the other leads back to it.
function tellWhere(typed, place, told) {
  told.textContent = new Map(typed).get("email").trim();
  place.hidden = false;
  for (const one of document.querySelectorAll("[data-untold]")) one.remove();
  const wrong = document.querySelector("[data-wrong]");
  if (!wrong) return;
  wrong.hidden = false;
  for (const form of [document.getElementById("again"), wrong.querySelector("form")])
    form.append(...typed.map(([name, value]) => Object.assign(document.createElement("input"), { type: "hidden", name, value })));
}

function wait() {
  const form = document.getElementById("again");
  if (!form) return;
  const [button, words] = [form.querySelector("button"), form.querySelector("[data-wait]")];
  const until = Date.now() + form.dataset.left * 1000;
  const tick = () => {
    const left = Math.ceil((until - Date.now()) / 1000);
    words.querySelector("span").textContent = left;
    words.hidden = !(button.disabled = left > 0);
    if (left > 0) setTimeout(tick, 250);
  };
  tick();
}

// A second press while the first is on its way sends nothing twice (the server refuses it as well), and the button shows
// that it was pressed.
const release = (form) => {
  delete form.dataset.sent;
  for (const button of form.elements) button.removeAttribute("aria-busy");
};
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  event.submitter?.setAttribute("aria-busy", "true");
  if (form.elements.email && !form.elements.correct) remember(form);
  setTimeout(release, 8000, form); // whoever stopped the page may try again
});

// Coming back with the browser's Back button finds forms that can be sent again.
window.addEventListener("pageshow", () => {
  for (const form of document.forms) release(form);
});

// The menu's topics close with Escape, and when somebody goes on elsewhere.
const more = () => document.querySelector(".site-header details[open]");
addEventListener("keydown", ({ key }) => {
  const open = key === "Escape" && more();
  if (!open) return;
  open.open = false;
  open.querySelector("summary").focus();
});
for (const kind of ["click", "focusin"]) addEventListener(kind, ({ target }) => {
  const open = more();
  if (open && !open.contains(target)) open.open = false;
});

// That a form came into view is counted: a number for the page, and nothing of who looked.
const eye = new IntersectionObserver((found) => {
  for (const { isIntersecting, target } of found) {
    if (!isIntersecting) continue;
    eye.unobserve(target);
    navigator.sendBeacon(target.dataset.seen, location.origin + location.pathname);
  }
}, { threshold: 0.3 });
document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("form[data-seen]").forEach((form) => eye.observe(form)));
