// A sign-up form of ours on somebody else's page. It keeps to itself: a shadow tree that no style of the page reaches,
// styles that need no permission of the page's policy, no cookie, and nobody asked but the site that it comes from.
// `form` (words, fields, addresses) and `css` are put in by the server behind this function.
((form, css) => {
  "use strict";
  const script = document.currentScript;
  const { shape, when = "10" } = script.dataset;
  const key = "newsletter-form:" + form.slug;
  const el = (name, attributes, ...inside) => {
    const made = document.createElement(name);
    for (const [at, value] of Object.entries(attributes || {})) if (value || value === "") made.setAttribute(at, value);
    made.append(...inside.filter((one) => one));
    return made;
  };

  // The form itself.

  const field = (name, label, more, choices = []) => {
    const options = choices.map(([value, words]) => el("option", { value }, words));
    const input = el(choices.length ? "select" : "input", { id: name, name, ...more }, ...options);
    const error = el("p", { id: name + "-error", class: "error", hidden: "" });
    return [input, error, el("div", { class: "field" }, el("label", { for: name }, label), input, error)];
  };
  const [email, emailError, emailRow] = field("email", form.labels.email, { type: "email", autocomplete: "email", required: "" });
  const [name, nameError, nameRow] = field("first_name", form.labels.name, { autocomplete: "given-name" });
  const own = form.fields.map((one) => [one, ...field(one.name, one.label + " " + form.labels.optional, { type: one.type, maxlength: "500" }, one.choices)]);
  const tick = el("input", { type: "checkbox", id: "newsletter", name: "newsletter", value: "y" });
  const topics = el("fieldset", { class: "topics" });
  const offer = () => topics.replaceChildren(el("legend", {}, form.labels.topics), ...form.topics.map(([value, words]) =>
    el("label", {}, el("input", { type: "checkbox", name: "topics", value }), words)));
  offer();
  const trap = el("input", { name: "website", tabindex: "-1", autocomplete: "off", "aria-label": form.labels.trap });
  const button = el("button", {}, form.button);
  const said = el("p", { class: "said", role: "status" });
  const slip = el("div", { class: "slip" });
  const picture = form.cover && el("img", { src: form.cover[0], alt: form.cover[1], width: 72, height: form.cover[2] });
  if (picture) picture.onerror = () => picture.remove(); // the page's policy may let no picture of ours in
  const ticked = el("label", { for: "newsletter" }, form.newsletter);
  const consent = el("span", {}, form.consent);
  const sheet = el("form", { method: "post", action: form.page, novalidate: "" },
    emailRow, form.name && nameRow, ...own.map(([, , , row]) => row),
    form.newsletter && el("div", { class: "choice" }, tick, ticked), form.topics.length && topics,
    el("div", { class: "off", "aria-hidden": "true" }, trap), button, said, slip,
    el("p", { class: "small" }, consent, " ", el("a", { href: form.privacy, target: "_blank", rel: "noopener" }, form.labels.privacy)));
  const title = el("h2", { id: "title", tabindex: "-1" }, form.headline);
  const words = el("p", { role: "status" }, form.words);
  const box = el("section", { class: "box", "aria-labelledby": "title", lang: form.lang, dir: form.dir },
    el("div", { class: "top" }, picture, el("div", {}, title, words)), sheet);

  // Sending it, with a proof that was made while somebody typed: a robot's post alone mails nobody.

  let proof, busy, blocked, kept = "";
  const ask = () => {
    proof = prove(form.challenge);
    proof.catch(() => { proof = null; });
    return proof;
  };
  document.addEventListener("securitypolicyviolation", (event) => {
    if (event.effectiveDirective === "connect-src" && event.blockedURI.startsWith(new URL(form.send).origin)) blocked = true;
  });
  sheet.addEventListener("focusin", () => proof || ask(), { once: true });
  const post = async () => {
    const proven = await (proof || ask());
    const answer = await fetch(form.send, {
      method: "POST", credentials: "omit", headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ email: email.value, first_name: name.value, newsletter: tick.checked, website: trap.value, page: location.origin + location.pathname, agreed: form.agreed, kept, proof: proven, topics: [...topics.querySelectorAll(":checked")].map((one) => one.value),
        fields: Object.fromEntries(own.map(([one, input]) => [one.key, input.value])) }),
    });
    return answer.json();
  };
  const wrong = (input, place, text) => {
    place.textContent = text || "";
    place.hidden = !text;
    input.setAttribute("aria-invalid", String(!!text));
    text ? input.setAttribute("aria-describedby", place.id) : input.removeAttribute("aria-describedby");
  };
  const done = (answer) => {
    if (answer.next) return location.assign(answer.next);
    box.style = "display:grid;place-content:center;min-height:" + box.offsetHeight + "px"; // what stands below stays where it is
    title.textContent = answer.title;
    words.textContent = answer.text;
    sheet.remove();
    title.focus();
  };
  const told = (answer) => {
    if (answer.state === "done") return done(answer);
    if (answer.choices) {
      // What was typed looks like a slip: nothing has happened, and either press goes on.
      said.textContent = answer.text;
      slip.append(...answer.choices.map(([words, address], at) => {
        const one = el("button", { type: "button", class: at && "quiet" }, words);
        one.onclick = () => { email.value = kept = address; button.click(); };
        return one;
      }));
      return slip.firstChild.focus();
    }
    const errors = answer.errors || {};
    wrong(email, emailError, errors.email);
    wrong(name, nameError, errors.first_name);
    for (const [one, input, place] of own) wrong(input, place, errors[one.name]);
    const first = own.find(([one]) => errors[one.name]);
    said.textContent = answer.text || "";
    if (answer.agreed) { // this script lay in a cache: the words are others now
      form.agreed = answer.agreed;
      consent.textContent = answer.consent;
      ticked.textContent = answer.newsletter;
      form.topics = answer.topics;
      offer();
    }
    (errors.email ? email : errors.first_name ? name : first ? first[1] : button).focus();
  };
  const wait = (on) => ["disabled", "busy"].forEach((one) => button.setAttribute("aria-" + one, on));
  sheet.addEventListener("submit", async (event) => {
    if (blocked) return; // the page's policy keeps us from asking: the browser sends the form, and our page answers
    event.preventDefault();
    if (busy) return;
    wait(busy = true);
    said.textContent = form.labels.sending;
    slip.replaceChildren();
    try {
      let answer = await post();
      if (answer.state === "proof") { ask(); answer = await post(); } // too old, or made on another network
      answer.state === "proof" ? sheet.submit() : told(answer);
    } catch {
      said.textContent = navigator.onLine === false ? form.labels.offline : form.labels.failed;
      if (blocked) sheet.submit();
    }
    wait(busy = false);
  });

  // Where it stands, and that it was seen: a number for the page, and nothing of who looked.

  const count = () => navigator.sendBeacon(form.seen, location.origin + location.pathname);

  const host = el("newsletter-form");
  const root = host.attachShadow({ mode: "open" });
  const style = new CSSStyleSheet();
  style.replaceSync(css);
  root.adoptedStyleSheets = [style];

  if (!["popup", "slide-in", "bar"].includes(shape)) {
    const room = el("div", {}, box);
    root.append(room);
    // The first place kept for this form that is still free; without one, where the script stands.
    const place = [...document.querySelectorAll("[data-newsletter-form]")].find((one) => one.dataset.newsletterForm === form.slug);
    const was = place?.getBoundingClientRect();
    place ? place.replaceWith(host) : script.after(host);
    // Where somebody is looking, what stands below stays where it is; the box itself is never higher than the form.
    if (was && was.top < innerHeight && was.bottom > 0) room.style.minHeight = was.height + "px";
    new IntersectionObserver((found, eye) => {
      if (!found.some((one) => one.isIntersecting)) return;
      eye.disconnect();
      count();
    }, { threshold: 0.3 }).observe(box);
    return;
  }

  // Or comes by itself: once for a person, some time after the page, never for who asked for less motion.
  const seen = (mark) => {
    try {
      if (mark) localStorage.setItem(key, "1");
      return localStorage.getItem(key);
    } catch { return "1"; } // what cannot be remembered would come again and again
  };
  if (matchMedia("(prefers-reduced-motion: reduce)").matches || seen()) return;
  const close = el("button", { class: "close", type: "button", "aria-label": form.labels.close }, "×");
  const panel = el("dialog", { class: shape, "aria-labelledby": "title" }, box);
  box.prepend(close);
  root.append(panel);
  close.onclick = () => panel.close();
  addEventListener("keydown", (event) => event.key === "Escape" && panel.open && panel.close());
  const began = performance.now();
  const open = () => {
    if (performance.now() - began < 3000 || panel.open || seen()) return;
    stop.abort();
    seen(true);
    count();
    document.body.append(host);
    if (shape === "popup") panel.showModal(); // the browser keeps the focus inside, and gives it back
    else { panel.inert = true; panel.show(); panel.inert = false; } // nobody who is typing loses the focus
  };
  const stop = new AbortController();
  const { signal } = stop;
  if (when === "leaving") {
    document.documentElement.addEventListener("mouseleave", (event) => event.clientY <= 0 && open(), { signal });
  } else if (when.endsWith("%")) {
    const look = () => scrollY >= (document.documentElement.scrollHeight - innerHeight) * parseFloat(when) / 100 && open();
    addEventListener("scroll", look, { signal, passive: true });
  } else setTimeout(open, Math.max(3, parseFloat(when) || 10) * 1000 + 50);
})
