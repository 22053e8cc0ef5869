// The composer. Without it the page is a form with a text in it, and works.
import { autosave } from "./autosave.js";
import { pictures } from "./pictures.js";
import { preview } from "./preview.js";
import { show } from "./show.js";
import { toolbar } from "./toolbar.js";

const form = document.querySelector("[data-composer]");
if (form) {
  const area = form.elements.body;
  const { refused, say } = autosave(form);
  toolbar(form, area, pictures(form, area, say));
  preview(form, { refused, at: 0 });
  show(area);
}
