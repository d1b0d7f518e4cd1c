// A form with data-passkey asks the device for a passkey and posts what it says; without one the form stays hidden.
const able = globalThis.PublicKeyCredential?.parseRequestOptionsFromJSON;

async function ask(form, options) {
  return form.dataset.passkey === "create"
    ? navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
    : navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
}

const SAID = {
  InvalidStateError: "This device has a passkey for your account already.",
  NotAllowedError: "No passkey was given. Try again, or use another way.",
};

for (const form of able ? document.querySelectorAll("form[data-passkey]") : []) {
  form.hidden = false;
  const said = form.querySelector("[data-said]");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    said.hidden = true;
    try {
      const answer = await ask(form, JSON.parse(form.dataset.options));
      form.elements.answer.value = JSON.stringify(answer.toJSON());
      form.submit();
    } catch (problem) {
      said.textContent = SAID[problem.name] ?? `The passkey could not be used (${problem.name}).`;
      said.hidden = false;
    }
  });
}
for (const word of able ? [] : document.querySelectorAll("[data-without-passkeys]")) word.hidden = false;
