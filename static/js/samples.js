// A sample page of a guide opens larger, above the page it stands on. Without this file its link leads to the picture.
"use strict";
for (const dialog of document.querySelectorAll("[data-samples]")) {
  const links = [...dialog.previousElementSibling.querySelectorAll("a")], where = dialog.querySelector("[data-where]");
  let at = 0, opener;
  const show = (to) => {
    at = (to + links.length) % links.length;
    const small = links[at].querySelector("img"), words = links[at].textContent.trim(), picture = new Image();
    picture.width = links[at].dataset.large; // its room is kept before it comes
    picture.height = picture.width * small.getAttribute("height") / small.getAttribute("width");
    picture.alt = words;
    picture.src = links[at].href;
    where.textContent = links[at].querySelector("[data-page]").firstChild.textContent;
    dialog.querySelector("img")?.remove();
    dialog.append(picture);
    dialog.scrollTop = 0;
  };
  links.forEach((link, number) => link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return; // a tab of its own
    event.preventDefault();
    opener = link;
    show(number);
    dialog.showModal();
    dialog.querySelector("[data-close]").focus(); // no autofocus: the editor's preview shows this page in a sandbox
  }));
  for (const button of dialog.querySelectorAll("[data-go]")) button.addEventListener("click", () => show(at + Number(button.dataset.go)));
  dialog.addEventListener("keydown", ({ key }) => {
    const back = getComputedStyle(dialog).direction === "rtl" ? "ArrowRight" : "ArrowLeft";
    if (key === "ArrowLeft" || key === "ArrowRight") show(at + (key === back ? -1 : 1));
  });
  dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close()); // beside the sheet
  dialog.addEventListener("close", () => opener.focus()); // not every browser gives a pressed link the focus
}
