// The editor of a sequence: adding, moving and taking out a mail changes the form in place; leaving unsaved asks first.
const form = document.querySelector("form[data-plan]");
const says = document.querySelector("[data-says]");

let changed = "changed" in form.dataset, leaving = false, busy = false;

async function quick(button) {
  const sent = new FormData(form);
  sent.append(button.name, button.value);
  const answer = await fetch(form.action, { method: "POST", body: sent, redirect: "error" });
  if (!answer.ok) throw new Error(`answered ${answer.status}`);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  form.replaceChildren(...page.querySelector("form[data-plan]").childNodes);
  says.textContent = page.querySelector("[data-says]").textContent;
  form.querySelector("[autofocus]")?.focus();
}

form.addEventListener("submit", async (event) => {
  const button = event.submitter;
  if (button === null || !("quick" in button.dataset)) {
    leaving = true;
    return;
  }
  if (button.dataset.quick === "failed") return; // the whole page, as without a script
  event.preventDefault();
  if (busy) return;
  busy = true;
  try {
    if (button.value !== "stay") await quick(button);
    changed = true;
  } catch {
    leaving = true;
    button.dataset.quick = "failed";
    form.requestSubmit(button);
  } finally {
    busy = false;
  }
});

form.addEventListener("input", () => { changed = true; });
addEventListener("pageshow", () => { leaving = false; });
addEventListener("beforeunload", (event) => { if (changed && !leaving) event.preventDefault(); });
