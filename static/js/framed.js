// Inside the iframe: tells the page around it how high the form is, and the server that it came into view.
"use strict";
const tell = () => parent.postMessage({ newsletterForm: 1, height: document.body.offsetHeight }, "*");
tell(); // at once: what is out of sight is not drawn, and an observer is told of nothing there
addEventListener("load", tell);
new ResizeObserver(tell).observe(document.body);
addEventListener("message", (event) => event.source === parent && event.data?.newsletterFormAsk && tell());

// The answer takes the place of this page; until it comes, the button shows that it was pressed.
addEventListener("submit", (event) => event.submitter?.setAttribute("aria-busy", "true"));
addEventListener("pageshow", () => document.querySelectorAll("[aria-busy]").forEach((one) => one.removeAttribute("aria-busy")));

const { seen } = document.body.dataset;
if (seen) new IntersectionObserver((found, eye) => {
  if (!found.some((one) => one.isIntersecting)) return;
  eye.disconnect();
  navigator.sendBeacon(seen, document.querySelector("[name=page]").value);
}, { threshold: 0.3 }).observe(document.body);
