// The letter's editor: what saving would say and the preview follow the typing; leaving with unsaved words asks first.
const QUIET_FOR = 350; // milliseconds without a key before the draft is checked
const PARTS = ["subject", "preheader", "body"];

const form = document.querySelector("form[data-check]");
const find = (selector) => form.querySelector(selector);
const frame = find("iframe");
const kept = new Map(PARTS.map((part) => [part, form.elements[part].defaultValue]));

let timer, asked = 0, leaving = false;

function tell(part, sentence) {
  const control = form.elements[part];
  let error = document.getElementById(`${part}-error`);
  if (sentence && !error) {
    error = Object.assign(document.createElement("p"), { id: `${part}-error`, className: "error" });
    control.before(error);
  }
  if (sentence) error.textContent = sentence;
  else error?.remove();
  control.closest(".field").classList.toggle("wrong", Boolean(sentence));
  control.setAttribute("aria-describedby", sentence ? `${part}-error ${part}-hint` : `${part}-hint`);
  if (sentence) control.setAttribute("aria-invalid", "true");
  else control.removeAttribute("aria-invalid");
}

function show({ problems, verdict, letter, preview_url: address, values }) {
  const wrong = PARTS.some((part) => problems[part]);
  for (const part of PARTS) tell(part, problems[part]);
  const line = find("[data-verdict]");
  line.hidden = false;
  line.classList.toggle("wrong", wrong);
  if (line.textContent !== verdict) line.textContent = verdict;
  for (const [name, value] of Object.entries(values)) find(`[data-value="${name}"]`).textContent = value;
  find("[data-no-preview]").hidden = Boolean(address);
  find("[data-sheet]").classList.toggle("old", !address);
  if (!address) return; // the last letter that could be made stays, marked as the old one
  find("[data-sheet]").hidden = false;
  for (const [name, text] of Object.entries(letter)) find(`[data-shown="${name}"]`).textContent = text;
  frame.contentWindow.location.replace(address);
}

async function check() {
  const turn = ++asked;
  try {
    const answer = await fetch(form.dataset.check, {
      method: "POST", body: new FormData(form), headers: { Accept: "application/json" }, redirect: "error",
    });
    if (!answer.ok) return;
    const checked = await answer.json();
    if (turn === asked) show(checked);
  } catch { /* no connection: the button and saving say what there is to say */ }
}

function soon() {
  clearTimeout(timer);
  timer = setTimeout(check, QUIET_FOR);
}

form.addEventListener("input", (event) => { if (PARTS.includes(event.target.name)) soon(); });
form.elements.reader.addEventListener("change", soon);
find("[data-check-button]").hidden = true;

// A variable is put where the cursor was.
let writing = form.elements.body;
for (const part of PARTS) form.elements[part].addEventListener("focus", (event) => { writing = event.target; });
for (const code of form.querySelectorAll("[data-variable]")) {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "variable", title: "Put it where the cursor is" });
  code.replaceWith(button);
  button.append(code);
  button.addEventListener("click", () => {
    writing.setRangeText(code.textContent, writing.selectionStart, writing.selectionEnd, "end");
    writing.focus();
    soon();
  });
}

const changed = () => PARTS.some((part) => form.elements[part].value !== kept.get(part));
form.addEventListener("submit", () => { leaving = true; });
addEventListener("pageshow", () => { leaving = false; });
addEventListener("beforeunload", (event) => { if (changed() && !leaving) event.preventDefault(); });
