const answer = document.getElementById("answer");
let lastOrder = null;

function show(text) {
  answer.textContent = text;
}

async function post(path, body) {
  const response = await fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body });
  const result = await response.json();
  show(`${response.status}\n${JSON.stringify(result, null, 2)}`);
  return result;
}

async function press(button) {
  const result = await post(button.dataset.post, button.dataset.body);
  if (button.dataset.post === "orders") lastOrder = result.id;
}

function pay() {
  if (lastOrder === null) return show("Place an order first.");
  return post("payments/webhook", JSON.stringify({ order_id: lastOrder, outcome: "succeeded" }));
}

function watch(path) {
  const url = new URL(path, document.baseURI);
  url.protocol = url.protocol.replace("http", "ws");
  const socket = new WebSocket(url);
  socket.onopen = () => socket.send(JSON.stringify({ watch: ["a1", "a2", "a3"] }));
  socket.onmessage = (message) => show(message.data);
  setTimeout(() => socket.close(1000), 5000);
}

for (const button of document.querySelectorAll("[data-post]")) button.onclick = () => press(button);
for (const button of document.querySelectorAll("[data-pay]")) button.onclick = pay;
for (const button of document.querySelectorAll("[data-watch]")) button.onclick = () => watch(button.dataset.watch);

/** Without telemetry there is nobody to make files: the buttons stay hidden then. */
async function offerExports() {
  const { connect } = await import("../telemetry/static/client.js");
  const telemetry = connect("telemetry/");
  for (const button of document.querySelectorAll("[data-export]")) {
    telemetry.exportButton(button, JSON.parse(button.dataset.export));
  }
  document.getElementById("exports").hidden = false;
}

offerExports().catch(() => {});
