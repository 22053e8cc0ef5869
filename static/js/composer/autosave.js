// Nothing typed is ever lost: it is written down in this browser at once, and sent to the server a moment later.
// What is kept there is a draft: only the button changes the article.
import { sentence } from "./words.js";

const AFTER = 1200, AT_LATEST = 5000, AGAIN = [2000, 5000, 10000, 20000, 30000];
const KEY = "composer:";
const WORDS = ["title", "topic", "subject", "preheader", "body", "named", "source", "base", "article", "sitting", "follows"];

const store = {
  put(key, value) { try { localStorage.setItem(KEY + key, JSON.stringify(value)); return true; } catch { return false; } },
  drop(key) { try { localStorage.removeItem(KEY + key); } catch { /* there is none */ } },
  all() {
    try {
      return Object.keys(localStorage).filter((key) => key.startsWith(KEY)).map((key) => [key.slice(KEY.length), JSON.parse(localStorage.getItem(key))]);
    } catch { return []; }
  },
};

export function autosave(form) {
  const state = form.querySelector("[data-state]");
  const sitting = () => form.elements.sitting.value;
  const typed = () => Object.fromEntries(WORDS.map((name) => [name, form.elements[name]?.value ?? ""]));
  let dirty = form.dataset.saved === "no", changed = 0, sending = null, leaving = false, isSafe = true, failures = 0;
  let soon, latest, writing;

  const say = (words, link) => {
    if (state.dataset.said === words) return;
    state.dataset.said = words;
    state.replaceChildren(words);
    if (link) state.append(" ", link);
  };

  function writeDown() {
    clearTimeout(writing);
    writing = undefined;
    if (dirty) isSafe = store.put(sitting(), { owner: form.dataset.owner, words: typed() });
  }

  function plan(after = AFTER) {
    clearTimeout(soon);
    soon = setTimeout(send, after);
    latest ??= setTimeout(send, Math.max(after, AT_LATEST));
  }

  function again(words, link) {
    say(`${words} ${sentence(isSafe ? "in-browser" : "keep-open")}`, link);
    plan(AGAIN[Math.min(failures, AGAIN.length - 1)]);
    failures += 1;
  }

  function signIn() {
    return Object.assign(document.createElement("a"), { href: form.dataset.login, target: "_blank", rel: "noopener", textContent: sentence("sign-in") });
  }

  /** The server does not know who we are: a fresh token, or a link to sign in. */
  function refused({ token }) {
    if (token) {
      for (const input of document.querySelectorAll("input[name=csrf_token]")) input.value = token;
      if (dirty) plan(0);
      return;
    }
    again(sentence("signed-out"), signIn());
  }

  async function answered(answer, at) {
    const told = await answer.json();
    if (answer.status === 401) return refused(told);
    if (answer.status === 409 && told.sitting) { // saved in another window, or before Back was pressed: a new draft
      store.drop(sitting());
      form.elements.sitting.value = told.sitting;
      return plan(0);
    }
    if (!answer.ok) return again(told.error || sentence("not-kept"));
    failures = 0;
    if (at === changed) {
      dirty = false;
      store.drop(sitting());
    } else plan();
    const kept = told.kept ? sentence("kept", { when: told.kept }) : "";
    return say([kept, told.newer, told.others].filter(Boolean).join(" "));
  }

  async function send() {
    clearTimeout(soon);
    clearTimeout(latest);
    latest = undefined;
    if (!dirty || sending || leaving) return;
    const at = changed;
    sending = new AbortController();
    try {
      await answered(await fetch(form.dataset.keep, { method: "POST", body: body(typed()), headers: { Accept: "application/json" }, signal: sending.signal }), at);
    } catch {
      if (!leaving) again(sentence("no-answer"));
    }
    sending = null;
    if (dirty && at !== changed && !leaving) plan();
  }

  function body(words) {
    const made = new FormData();
    made.append("csrf_token", form.elements.csrf_token.value);
    for (const [name, value] of Object.entries(words)) made.append(name, value);
    return made;
  }

  /** Send words of another editor; where that was saved meanwhile, as words of their own. */
  async function brought(words) {
    const answer = await fetch(form.dataset.keep, { method: "POST", body: body(words), headers: { Accept: "application/json" } });
    const told = await answer.json();
    return told.closed ? brought({ ...words, sitting: told.sitting }) : [answer, told];
  }

  /** What this browser still holds of editors that never reached the server goes there now. */
  async function bring() {
    for (const [key, { owner, words }] of store.all()) {
      if (key === sitting() || owner !== form.dataset.owner) continue;
      try {
        const [answer, told] = await brought(words);
        if (!answer.ok) continue;
        store.drop(key);
        if (told.id) offer(words.article, told.id);
      } catch { return; }
    }
  }

  function offer(article, id) {
    if (document.querySelector(`a[href$="draft=${id}"]`)) return; // this page offers it already
    const note = document.querySelector("[data-leftover]");
    const page = article ? form.dataset.new.replace(/new$/, `${article}/edit`) : form.dataset.new;
    note.querySelector("a").href = `${page}?draft=${id}`;
    note.hidden = false;
  }

  form.addEventListener("input", (event) => {
    if (!WORDS.includes(event.target.name)) return;
    dirty = true;
    changed += 1;
    writing ??= setTimeout(writeDown, 250);
    plan(failures ? AGAIN[Math.min(failures, AGAIN.length - 1)] : AFTER);
  });
  form.addEventListener("submit", (event) => {
    if (event.defaultPrevented || event.submitter?.formTarget) return;
    writeDown(); // until the next page of the composer finds it saved
    leaving = true;
    sending?.abort();
  });
  window.addEventListener("pageshow", () => { leaving = false; });
  window.addEventListener("online", send);
  window.addEventListener("focus", () => { if (failures) send(); });
  const parting = () => {
    writeDown();
    const words = typed();
    if (dirty && !leaving && JSON.stringify(words).length < 50_000) {
      fetch(form.dataset.keep, { method: "POST", body: body(words), headers: { Accept: "application/json" }, keepalive: true }).catch(() => {});
    }
  };
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden") parting(); });
  window.addEventListener("pagehide", parting);
  window.addEventListener("beforeunload", (event) => { if (dirty && !isSafe && !leaving) event.preventDefault(); });
  if (dirty) plan();
  bring();
  return { refused, say };
}
