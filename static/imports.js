// Imports: the progress of one moves by itself, and a file that is too large is told before it is sent.
const form = document.querySelector("form[data-largest]");
const error = document.querySelector("#file-error");

form?.querySelector("[type=file]").addEventListener("change", (event) => {
  const file = event.target.files[0];
  const largest = Number(form.dataset.largest);
  const words = file && file.size > largest
    ? `The file has ${Math.round(file.size / 1e6).toLocaleString()} MB, and ${largest / 1e6} MB are the most a browser can bring. Split it, or ask the operator to bring it in a shell with “tpm import”.`
    : "";
  error.textContent = words;
  error.hidden = words === "";
  event.target.setCustomValidity(words);
});
form?.addEventListener("submit", () => {
  form.querySelector("[data-says]").textContent = "The file is on its way…";
});

const AGAIN = 1000;

async function look() {
  const shown = document.querySelector("[data-progress]");
  if (shown === null) return;
  try {
    const answer = await fetch(`${location.pathname}/progress`, { redirect: "error" });
    if (!answer.ok) throw new Error(`answered ${answer.status}`);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const newer = page.querySelector("[data-progress]");
    if (newer.dataset.state !== shown.dataset.state) {
      location.reload();
      return;
    }
    const bar = shown.querySelector("progress");
    bar.value = newer.querySelector("progress").value;
    shown.querySelector(".meta").textContent = newer.querySelector(".meta").textContent;
  } catch {
    // The service may be restarting: the bar stands still, and the next look tells.
  }
  setTimeout(look, AGAIN);
}
setTimeout(look, AGAIN / 4);
