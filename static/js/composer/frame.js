// Shows the mail that the composer sends here. It runs in a sandbox of its own, and is the only script that does.
"use strict";

window.addEventListener("message", (event) => {
  if (event.source !== parent) return;
  const { html, number } = event.data;
  document.documentElement.innerHTML = html; // scripts and handlers in it do not run: this page's policy names this file only
  parent.postMessage({ shown: number }, "*");
});

// A link opens beside the composer and not in this frame, where no other page may be shown.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  if (!link) return;
  event.preventDefault();
  if (/^(https?|mailto|tel):/.test(link.href)) window.open(link.href, "_blank", "noopener");
}, true);

document.addEventListener("DOMContentLoaded", () => parent.postMessage({ ready: true }, "*"));
