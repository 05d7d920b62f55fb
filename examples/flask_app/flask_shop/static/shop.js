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
