// The preview of the theme follows what is typed, a moment behind it. Without this file the button "Show" does it.
const form = document.getElementById("theme");
let waiting, number = 0;

async function look() {
  const typed = new FormData(form), mine = number += 1;
  typed.delete("file"); // a logo is sent once, when it is saved
  typed.set("verb", "show");
  let page;
  try {
    const answer = await fetch(form.action, { method: "POST", body: typed });
    if (!answer.ok || answer.redirected) return;
    page = new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    return; // the server is away for a moment; the next key asks again
  }
  if (mine !== number) return;
  document.getElementById("contrasts").replaceChildren(...page.getElementById("contrasts").childNodes);
  for (const frame of form.querySelectorAll("iframe")) {
    const there = page.getElementById(frame.id).getAttribute("src");
    if (there !== frame.getAttribute("src")) frame.src = there;
  }
}

// The browser's own picker beside the digits: either writes the other.
for (const picker of form.querySelectorAll("[data-picks]")) {
  const digits = document.getElementById(picker.dataset.picks);
  picker.hidden = false;
  const take = () => { if (/^#[0-9a-f]{6}$/i.test(digits.value)) picker.value = digits.value; };
  take();
  picker.addEventListener("input", () => { digits.value = picker.value; });
  digits.addEventListener("input", take);
}

form.querySelector("[data-show]").hidden = true;
form.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(look, 300);
});
