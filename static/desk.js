// Keys of the desk: ? opens the sheet, j and k walk through the list, and a control with data-key answers to it.
const sheet = document.getElementById("keys");

const busy = (event) =>
  event.ctrlKey || event.metaKey || event.altKey || event.isComposing ||
  event.target.closest("input:not([type=checkbox], [type=radio], [type=file]), textarea, select, [contenteditable]");

// Whoever dictates, or touches keys unawares, turns the single letters off in the sheet (WCAG 2.2, 2.1.4): this browser keeps it.
const OFF = "keys-off";
const uses = sheet?.querySelector("[data-uses-keys]");

function tellKeys() {
  const off = localStorage.getItem(OFF) !== null;
  document.documentElement.toggleAttribute("data-keys-off", off);
  if (uses) uses.checked = !off;
}

uses?.addEventListener("change", () => {
  if (uses.checked) localStorage.removeItem(OFF);
  else localStorage.setItem(OFF, "yes");
  tellKeys();
});
tellKeys();

addEventListener("keydown", (event) => {
  const letter = event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey;
  if (letter && document.documentElement.hasAttribute("data-keys-off")) event.stopImmediatePropagation();
}, { capture: true }); // before every script that has keys

const seen = (element) => element.checkVisibility?.() ?? element.offsetParent !== null;

function open(dialog) {
  dialog.showModal();
  dialog.querySelector("form[method=dialog] button").focus();
  dialog.scrollTop = 0; // what has the focus first may lie further down
}

function walk(step) {
  const links = [...document.querySelectorAll("[data-row]")].map((row) => row.querySelector("a")).filter((link) => link && seen(link));
  if (!links.length) return;
  let at = links.indexOf(document.activeElement.closest?.("[data-row]")?.querySelector("a"));
  if (at < 0) {
    const current = links.findIndex((link) => link.ariaCurrent === "true");
    at = current < 0 && step < 0 ? links.length : current;
  }
  links[Math.min(Math.max(at + step, 0), links.length - 1)].focus();
}

addEventListener("keydown", (event) => {
  if (busy(event)) return;
  if (event.key === "?" && sheet) {
    if (sheet.open) sheet.close();
    else open(sheet);
  } else if (document.querySelector("dialog[open]")) return;
  else if (event.key === "j") walk(1);
  else if (event.key === "k") walk(-1);
  else {
    const key = CSS.escape(event.key);
    const control = [...document.querySelectorAll(`[data-key="${key}"]:not(:disabled)`)].find(seen);
    if (!control || event.repeat) return;
    if (control.matches("input, textarea, select")) control.focus();
    else control.click();
    if (control.matches("summary") && control.parentElement.open) control.parentElement.querySelector("textarea, select, input:not([type=hidden])")?.focus();
  }
  event.preventDefault();
});

for (const opener of document.querySelectorAll("[data-opens]")) {
  opener.hidden = false;
  opener.addEventListener("click", () => open(document.getElementById(opener.dataset.opens)));
}

for (const copier of document.querySelectorAll("[data-copies]")) {
  copier.hidden = !navigator.clipboard;
  copier.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(copier.dataset.copies).value);
    copier.textContent = copier.dataset.copied;
  });
}

// What a field offers while one types is fetched when somebody comes to it. Without an answer one types, as without a script.
for (const field of document.querySelectorAll("[data-offers]")) {
  field.addEventListener("focus", async () => {
    if (field.list.options.length) return;
    const words = await fetch(field.dataset.offers, { redirect: "error" }).then((answer) => (answer.ok ? answer.json() : [])).catch(() => []);
    field.list.replaceChildren(...words.map((word) => Object.assign(document.createElement("option"), { value: word })));
  });
}

// One press is enough. A form that hands out a file leaves its page here, and can be pressed again a little later.
const AGAIN_AFTER = 3000;
const onTheirWay = new WeakSet();
addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (onTheirWay.has(form)) event.preventDefault();
  onTheirWay.add(form);
  setTimeout(() => onTheirWay.delete(form), AGAIN_AFTER);
});
addEventListener("pageshow", (event) => { if (event.persisted) for (const form of document.forms) onTheirWay.delete(form); });

// After something was done the page is a new one: the button that did it has the focus again, or what it is folded into or left,
// and the first field that is wrong, when something is.
const LEFT = "left";
addEventListener("submit", (event) => {
  const form = event.target;
  const button = event.submitter;
  if (event.defaultPrevented || form.method !== "post" || !form.contains(document.activeElement) || button?.closest("[data-row]")) return;
  const at = { page: location.pathname, form: new URL(form.action).pathname, button: button?.textContent };
  sessionStorage.setItem(LEFT, JSON.stringify(at));
});

function goBackTo(left) {
  if (location.hash || document.querySelector("[autofocus]")) return;
  const wrong = document.querySelector('main [aria-invalid="true"]');
  if (wrong) wrong.focus();
  if (wrong || left.page !== location.pathname) return;
  const form = [...document.forms].find((each) => new URL(each.action).pathname === left.form);
  const button = form && [...form.querySelectorAll("button")].find((each) => each.textContent === left.button);
  const control = button && seen(button) ? button : form?.closest("details")?.querySelector("summary");
  control?.focus({ preventScroll: document.querySelector("main > .notice") !== null }); // what came of it is at the top
}

const left = sessionStorage.getItem(LEFT);
sessionStorage.removeItem(LEFT);
if (left !== null) goBackTo(JSON.parse(left));
