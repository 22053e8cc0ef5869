// Optional: every page works without this file.
"use strict";

// The page after a sign-up says where we wrote to. The address is kept in this tab until then, and travels nowhere.
function remember(address) {
  try { sessionStorage.setItem("asked", address.trim()); } catch { /* a browser that keeps nothing */ }
}

const INBOXES = {
  Gmail: ["https://mail.google.com/mail/u/0/#search/in%3Aanywhere+newer_than%3A1d", "gmail.com", "googlemail.com"],
  Outlook: ["https://outlook.live.com/mail/", "outlook.com", "hotmail.com", "hotmail.co.uk", "live.com", "live.co.uk", "msn.com"],
  "Yahoo Mail": ["https://mail.yahoo.com/", "yahoo.com", "yahoo.co.uk"],
  "iCloud Mail": ["https://www.icloud.com/mail/", "icloud.com", "me.com"],
};

function asked() {
  const place = document.querySelector("[data-asked]");
  if (!place) return;
  let address;
  try {
    address = sessionStorage.getItem("asked");
    sessionStorage.removeItem("asked");
  } catch { /* as above */ }
  if (!address) return;
  place.querySelector("strong").textContent = address;
  place.hidden = false;
  const host = address.split("@").pop().toLowerCase();
  const [name, [url]] = Object.entries(INBOXES).find(([, known]) => known.includes(host)) ?? ["", [""]];
  if (!name) return;
  const link = place.querySelector("a[data-inbox]");
  link.href = url;
  link.textContent = link.dataset.open.replace("…", name);
  link.parentElement.hidden = false;
}
document.addEventListener("DOMContentLoaded", asked);

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
  if (form.elements.email) remember(form.elements.email.value);
  setTimeout(release, 8000, form); // whoever stopped the page may try again
});

// Coming back with the browser's Back button finds forms that can be sent again.
window.addEventListener("pageshow", () => {
  for (const form of document.forms) release(form);
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
