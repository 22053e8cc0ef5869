// Optional: every page works without this file.
"use strict";

// A second press while the first is on its way sends nothing twice (the server refuses it as well).
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  setTimeout(() => delete form.dataset.sent, 8000); // whoever stopped the page may try again
});

// Coming back with the browser's Back button finds forms that can be sent again.
window.addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});
