// The reply: Ctrl+Enter sends it, one press is enough, and leaving with unsent words asks first.
const reply = document.querySelector("form[data-reply]");

if (reply) {
  const text = reply.elements.text;
  const send = reply.querySelector("button");
  let sending = false;

  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing) {
      event.preventDefault();
      if (!sending) reply.requestSubmit(send);
    }
  });
  reply.addEventListener("submit", (event) => {
    if (sending) event.preventDefault();
    sending = true;
    send.disabled = true;
  });
  addEventListener("pageshow", () => { sending = false; send.disabled = false; });
  addEventListener("beforeunload", (event) => {
    if (!sending && text.value.trim()) event.preventDefault();
  });
}
