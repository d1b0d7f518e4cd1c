// The letter tells the reader's time zone, grows with its text, and one press of Send is enough.
for (const letter of document.querySelectorAll("form.letter")) {
  letter.elements.time_zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";

  const send = letter.querySelector(".letter-end button");
  letter.addEventListener("submit", () => { send.disabled = true; });
  addEventListener("pageshow", () => { send.disabled = false; });

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
