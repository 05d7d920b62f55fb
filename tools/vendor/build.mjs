/**
 * Builds the dashboard's vendored modules; with --check, only says whether the committed ones are
 * what this would build. The same sources give the same bytes: nothing here reads a clock, a path
 * or an environment variable.
 */
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const HERE = dirname(fileURLToPath(import.meta.url));
const OUT = join(HERE, "../../src/telemetrykit/web/dashboard/static/vendor");
const PACKAGES = ["@preact/signals", "@preact/signals-core", "htm", "preact"];

const text = (...parts) => readFile(join(HERE, ...parts), "utf8");
const sha256 = (content) => createHash("sha256").update(content).digest("hex");

async function describe(name) {
  const { version, license } = JSON.parse(await text("node_modules", name, "package.json"));
  return { name, version, license };
}

async function bundle(banner) {
  const result = await build({
    absWorkingDir: HERE,
    banner: { js: banner },
    bundle: true,
    charset: "utf8",
    entryPoints: ["toolkit.js"],
    format: "esm",
    legalComments: "none",
    minify: true,
    target: "es2022",
    write: false,
  });
  return result.outputFiles[0].text;
}

async function licenses(packages) {
  const parts = packages.map(async ({ name, version, license }) => {
    const body = await text("node_modules", name, "LICENSE");
    return `${name} ${version} (${license})\n${"-".repeat(72)}\n${body.trim()}\n`;
  });
  return (await Promise.all(parts)).join(`\n${"=".repeat(72)}\n\n`);
}

function manifest(packages, files) {
  const entries = Object.entries(files).map(([name, content]) => [
    name,
    { bytes: Buffer.byteLength(content), sha256: sha256(content) },
  ]);
  return `${JSON.stringify({ packages, files: Object.fromEntries(entries) }, null, 2)}\n`;
}

async function products() {
  const packages = await Promise.all(PACKAGES.map(describe));
  const names = packages.map(({ name, version }) => `${name} ${version}`).join(", ");
  const files = {
    "LICENSES.txt": await licenses(packages),
    "toolkit.d.ts": await text("toolkit.d.ts"),
    "toolkit.js": await bundle(`/* ${names}; see LICENSES.txt */`),
  };
  return { ...files, "vendor.json": manifest(packages, files) };
}

async function differs([name, content]) {
  const committed = await readFile(join(OUT, name), "utf8").catch(() => null);
  return committed === content ? [] : [name];
}

const files = Object.entries(await products());
if (process.argv.includes("--check")) {
  const changed = (await Promise.all(files.map(differs))).flat();
  if (changed.length > 0) {
    console.error(`vendored files differ from what would be built: ${changed.join(", ")}; run "make vendor"`);
    process.exit(1);
  }
} else {
  await mkdir(OUT, { recursive: true });
  await Promise.all(files.map(([name, content]) => writeFile(join(OUT, name), content)));
}
