// A mistyped domain, such as gmial.com: what was meant is offered beside the field. Nothing is changed unless asked.
for (const letter of document.querySelectorAll("form.letter")) {
  const field = letter.elements.email;
  const offer = letter.querySelector(".spelling");
  const [says, use, keep] = offer.querySelectorAll("p, button");
  let offered = "";

  field.addEventListener("change", async () => {
    offer.hidden = true;
    const at = field.value.trim().lastIndexOf("@");
    const [local, domain] = [field.value.trim().slice(0, at), field.value.trim().slice(at + 1)];
    if (at < 1 || !domain.includes(".") || letter.elements.spelled.value === domain) return;
    const asked = field.value;
    const answer = await fetch(`${offer.dataset.ask}?domain=${encodeURIComponent(domain)}`).catch(() => null);
    // Without an answer the server offers it when the letter is sent.
    const meant = answer?.ok ? (await answer.json()).meant : null;
    if (!meant || field.value !== asked) return;
    offered = `${local}@${meant}`;
    says.textContent = `Did you mean ${offered}?`;
    use.textContent = `Use ${offered}`;
    keep.textContent = `Keep ${field.value.trim()}`;
    offer.hidden = false;
  });

  use.addEventListener("click", () => answered(offered));
  keep.addEventListener("click", () => {
    letter.elements.spelled.value = field.value.trim().split("@").at(-1);
    answered(field.value);
  });

  function answered(address) {
    field.value = address;
    offer.hidden = true;
    field.focus();
  }
}
