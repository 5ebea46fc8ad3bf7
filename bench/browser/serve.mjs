/** Serves the files of one folder on localhost, as any static host would. */
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize, sep } from "node:path";

const types = { ".html": "text/html; charset=utf-8", ".css": "text/css", ".js": "text/javascript", ".json": "application/json" }; // prettier-ignore

/** The server once it listens; port 0 takes a free one. Rejects where the port is taken. */
export function serveFolder(folder, port) {
  const server = createServer(async ({ url }, response) => {
    const name = decodeURIComponent(new URL(url, "http://localhost").pathname);
    const path = normalize(join(folder, name.endsWith("/") ? `${name}index.html` : name));
    const contents = path.startsWith(folder + sep) ? await readFile(path).catch(() => undefined) : undefined;
    if (contents === undefined) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, {
      "content-type": types[extname(path)] ?? "application/octet-stream",
      "cache-control": "no-store",
      // A page on its own has a finer clock.
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-embedder-policy": "require-corp",
    });
    response.end(contents);
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "localhost", () => resolve(server));
  });
}
