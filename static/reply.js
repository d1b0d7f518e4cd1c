// The reply: kept on the server as one types, sent by Ctrl+Enter, one press is enough, and no word is lost on leaving.
const reply = document.querySelector("form[data-reply]");

if (reply) {
  const { text, subject, nonce } = reply.elements;
  const send = reply.querySelector("button:not([formaction])");
  const says = reply.querySelector("[data-kept]");
  const AFTER = 2000;
  const LEFT = `reply:${reply.dataset.keeps}`;
  const SOON = 30_000;
  let sending = false;
  let timer = 0;
  let saved = written();
  let asked = saved;
  let failed = false;

  function written() {
    return `${subject.value}\n${text.value}`;
  }

  function form() {
    const data = new FormData(reply);
    data.delete("do");
    return data;
  }

  async function keep() {
    clearTimeout(timer);
    const words = written();
    if (sending || words === saved) return;
    asked = words;
    try {
      const answer = await fetch(reply.dataset.keeps, { method: "POST", body: form(), redirect: "error" });
      if (!answer.ok) throw new Error(answer.status);
      const kept = await answer.json();
      if (kept.nonce) nonce.value = kept.nonce;
      saved = words;
      failed = false;
      says.textContent = kept.kept ? "Your draft is kept." : "";
    } catch {
      failed = true;
      says.textContent = "Your draft could not be kept just now. It is still here; sign in again in another window, or wait.";
      timer = setTimeout(keep, 5 * AFTER);
    }
  }

  function changed() {
    clearTimeout(timer);
    timer = setTimeout(keep, AFTER);
  }

  text.addEventListener("input", changed);
  subject.addEventListener("input", () => { if (text.value.trim()) changed(); });
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing) {
      event.preventDefault();
      if (!sending) reply.requestSubmit(send);
    }
  });
  reply.addEventListener("submit", (event) => {
    if (sending) event.preventDefault();
    sending = true;
    clearTimeout(timer);
    setTimeout(() => { for (const button of reply.querySelectorAll("button")) button.disabled = true; });
  });
  reply.querySelector("[data-inserts]")?.addEventListener("click", async (event) => {
    event.preventDefault();
    const problem = reply.querySelector("[data-insert-problem]");
    const answer = await fetch(event.target.formAction, { method: "POST", body: form(), headers: { Accept: "application/json" }, redirect: "error" })
      .then((got) => got.json()).catch(() => ({ problem: "The text could not be fetched just now. Nothing was changed." }));
    problem.hidden = !answer.problem;
    problem.textContent = answer.problem ?? "";
    if (answer.problem) return;
    if (!subject.value.trim() || subject.value === "Your message") subject.value = answer.subject;
    text.setRangeText(answer.text, text.selectionStart, text.selectionEnd, "end");
    text.focus();
    changed();
  });
  addEventListener("pageshow", () => {
    sending = false;
    for (const button of reply.querySelectorAll("button")) button.disabled = false;
    sessionStorage.removeItem(LEFT);
  });
  addEventListener("pagehide", () => {
    if (sending || written() === saved) return;
    navigator.sendBeacon(reply.dataset.keeps, form());
    const left = { at: Date.now(), over: [saved, asked], subject: subject.value, text: text.value, nonce: nonce.value };
    sessionStorage.setItem(LEFT, JSON.stringify(left));
  });

  // Whoever comes back at once can be sooner than the words they left: the server still has those over which they wrote.
  // Under the same nonce, words that were sent meanwhile aren't sent twice.
  const left = JSON.parse(sessionStorage.getItem(LEFT));
  if (left && Date.now() - left.at < SOON && left.over.includes(saved)) {
    for (const name of ["subject", "text", "nonce"]) reply.elements[name].value = left[name];
    changed();
  }
  addEventListener("beforeunload", (event) => {
    if (!sending && failed && written() !== saved) event.preventDefault();
  });
}
