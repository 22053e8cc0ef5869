// The browser's part of a passkey: asks the server what to ask for, asks the device, and sends the form with its answer.
const octets = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const keys = (listed = []) => listed.map((one) => ({ ...one, id: octets(one.id) }));

function asked(options) {
  const publicKey = { ...options, challenge: octets(options.challenge) };
  if (options.user) publicKey.user = { ...options.user, id: octets(options.user.id) };
  if (options.excludeCredentials) publicKey.excludeCredentials = keys(options.excludeCredentials);
  if (options.allowCredentials) publicKey.allowCredentials = keys(options.allowCredentials);
  return { publicKey };
}

function answered(made) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (made.response[name]) response[name] = text(made.response[name]);
  }
  return JSON.stringify({ id: made.id, rawId: text(made.rawId), type: made.type, response });
}

function start(form) {
  const button = form.querySelector("[data-ask]"), said = form.querySelector("[data-said]");
  const say = (name, values = {}) => {
    const words = name && form.querySelector(`[data-word="${name}"]`).textContent;
    said.textContent = words.replace(/\{(\w+)\}/g, (gap, key) => values[key] ?? gap);
  };
  form.querySelector("[data-without]").hidden = true;
  if (location.origin !== form.dataset.origin) return say("elsewhere");
  if (!window.PublicKeyCredential) return say("none");
  button.hidden = false;

  async function ask() {
    const sent = new URLSearchParams({ csrf_token: form.elements.csrf_token.value, behind: form.elements.behind?.value ?? "" });
    const answer = await fetch(form.dataset.options, { method: "POST", body: sent, headers: { Accept: "application/json" } });
    if (answer.status === 429) return say("many");
    // The session or the page is too old: the page itself knows what to do then.
    if (!answer.ok || !answer.headers.get("Content-Type")?.startsWith("application/json")) return location.reload();
    say("wait");
    const made = await navigator.credentials[form.dataset.passkey](asked(await answer.json()));
    form.elements.credential.value = answered(made);
    form.submit();
  }

  let busy = false;
  form.addEventListener("submit", async (event) => {
    if (form.elements.credential.value) return; // the name alone was refused: what was made is still good
    event.preventDefault();
    event.stopPropagation(); // nothing is on its way yet, so a second press is not one too many
    if (busy || !form.reportValidity()) return;
    busy = true;
    say("");
    try {
      await ask();
    } catch (error) {
      if (error.name === "NotAllowedError" || error.name === "AbortError") say("ended");
      else if (error.name === "InvalidStateError") say("known");
      else if (error.name === "TypeError") say("offline");
      else say("other", { error: error.name });
    }
    busy = false;
  });
}

for (const form of document.querySelectorAll("[data-passkey]")) start(form);
