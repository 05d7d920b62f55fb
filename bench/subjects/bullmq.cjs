// Does jobs that do nothing: one command a line, {count}, one line in answer. node bullmq.cjs PORT CONCURRENCY FOLDER
"use strict";
const readline = require("node:readline");
const [port, concurrency, folder] = process.argv.slice(2);
const { Queue, Worker } = require(`${folder}/node_modules/bullmq`);
const connection = { host: "127.0.0.1", port: Number(port), maxRetriesPerRequest: null };
const queue = new Queue("noop", { connection });

async function run(count) {
  for (let start = 0; start < count; start += 1000) {
    const size = Math.min(1000, count - start);
    await queue.addBulk(Array.from({ length: size }, () => ({ name: "noop", data: {} })));
  }
  const before = process.cpuUsage();
  const started = process.hrtime.bigint();
  const worker = new Worker("noop", async () => {}, { connection, concurrency: Number(concurrency) });
  await new Promise((resolve) => {
    let done = 0;
    worker.on("completed", () => ++done === count && resolve());
  });
  const wall = Number(process.hrtime.bigint() - started) / 1e9;
  const used = process.cpuUsage(before);
  await worker.close();
  return { cpu: (used.user + used.system) / 1e6, wall };
}

readline.createInterface({ input: process.stdin }).on("line", async (line) => {
  process.stdout.write(JSON.stringify(await run(JSON.parse(line).count)) + "\n");
}).on("close", () => process.exit(0));
process.stdout.write("{}\n");
