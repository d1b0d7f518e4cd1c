// The letter tells the reader's time zone, offers what they read, grows with its text, and one press of Send is enough.
import { remembered } from "./read.js";

for (const letter of document.querySelectorAll("form.letter")) {
  letter.elements.time_zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";

  const send = letter.querySelector(".letter-end button");
  letter.addEventListener("submit", () => { send.disabled = true; });
  addEventListener("pageshow", () => { send.disabled = false; });

  // Shown as soon as somebody begins to write, and not before: it moves the button, and nothing moves by itself.
  letter.addEventListener("focusin", () => offerWhatWasRead(letter));

  const text = letter.querySelector("textarea");
  if (text && !CSS.supports("field-sizing", "content")) {
    const grow = () => {
      text.style.blockSize = "auto";
      text.style.blockSize = `${text.scrollHeight + 2}px`;
    };
    text.addEventListener("input", grow);
    grow();
  }
}

function offerWhatWasRead(letter) {
  const offer = letter.querySelector("template[data-goes-along]");
  if (!offer) return;
  const kept = remembered(offer.dataset.edition).read;
  const read = JSON.parse(offer.dataset.titles).filter(([slug]) => kept.includes(slug));
  if (read.length === 0) return;
  const shown = offer.content.cloneNode(true);
  const more = read.length > 1 ? ` and ${read.length - 1} more` : "";
  shown.querySelector("input").value = read.map(([slug]) => slug).join(" ");
  shown.querySelector("[data-along-words]").textContent = `“${read[0][1]}”${more}`;
  shown.querySelector("[data-along-titles]").append(...read.map(([, title]) => {
    const item = document.createElement("li");
    item.textContent = title;
    return item;
  }));
  offer.replaceWith(shown);
}
