// Forms on our own pages: the proof (proof.js) is made while somebody types, and goes along. Where there is none, the page
// that answers asks for one more press.
"use strict";
const proofs = new Map();
const proof = (form) => {
  if (!proofs.has(form)) proofs.set(form, prove(form.dataset.challenge).catch(() => { proofs.delete(form); return ""; }));
  return proofs.get(form);
};
addEventListener("focusin", ({ target }) => target.form?.dataset.challenge && proof(target.form));
addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.dataset.challenge || event.defaultPrevented) return;
  event.preventDefault();
  const input = form.elements.proof || form.appendChild(Object.assign(document.createElement("input"), { type: "hidden", name: "proof" }));
  input.value = await proof(form);
  proofs.delete(form); // whoever comes back and sends another address needs another one
  form.submit();
});
