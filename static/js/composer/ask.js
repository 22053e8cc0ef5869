// A dialog that asks before something is put into the text. Escape and Cancel change nothing.
import { sentence } from "./words.js";

/** Open the dialog of this name; resolves to its inputs' values, or to null. `check` gives what is wrong, or "". */
export function ask(name, values = {}, check = () => "") {
  const dialog = document.getElementById(`ask-${name}`);
  const form = dialog.querySelector("form");
  const error = dialog.querySelector("[data-ask-error]");
  form.reset();
  error.textContent = "";
  for (const [key, value] of Object.entries(values)) form.elements[key].value = value;
  const area = document.activeElement, { selectionStart, selectionEnd } = area; // where it is put in
  return new Promise((resolve) => {
    const submitted = (event) => {
      if (event.submitter?.value === "cancel") return;
      const wrong = check(Object.fromEntries(new FormData(form)));
      if (wrong) {
        event.preventDefault();
        error.textContent = wrong;
      }
    };
    form.addEventListener("submit", submitted);
    dialog.addEventListener("close", () => {
      form.removeEventListener("submit", submitted);
      area.focus();
      area.setSelectionRange?.(selectionStart, selectionEnd);
      resolve(dialog.returnValue === "put" ? Object.fromEntries(new FormData(form)) : null);
    }, { once: true });
    dialog.returnValue = "";
    dialog.showModal();
  });
}

export const addressIsBad = (address) => /^(https?:\/\/|mailto:|tel:|\/|\{\{)/i.test(address.trim()) ? ""
  : sentence("address-is-bad");
