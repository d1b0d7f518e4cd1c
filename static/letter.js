// The letter grows with its text, and one press of Send is enough.
for (const letter of document.querySelectorAll("form.letter")) {
  const send = letter.querySelector("button[type=submit]");
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
