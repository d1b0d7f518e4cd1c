// The browser confirms by itself that no machine sent the letter. If it can't, the button on the page does it.
const form = document.querySelector("form.proof");
const says = form.querySelector("[role=status]");
const worker = new Worker(form.dataset.worker);

worker.addEventListener("message", async ({ data }) => {
  const body = new URLSearchParams(new FormData(form));
  body.set("sums", data);
  const answer = await fetch(form.action, { method: "POST", body }).catch(() => null);
  const page = new DOMParser().parseFromString(answer?.ok ? await answer.text() : "", "text/html");
  const path = page.querySelector(".page > .path");
  if (!path || page.querySelector("form.proof")) {
    says.textContent = form.dataset.failed;
    return;
  }
  document.querySelector(".page > .path").replaceWith(path);
  document.querySelector(".proof-why").remove();
  form.querySelector("button").remove();
  says.textContent = form.dataset.done;
});
worker.addEventListener("error", () => { says.textContent = form.dataset.failed; });

says.textContent = form.dataset.working;
worker.postMessage({ seed: form.dataset.seed, sums: Number(form.dataset.sums), bits: Number(form.dataset.bits) });
