import { createHash } from "node:crypto";
import { statusOf } from "../error.ts";
import type { JsonSchema, OpenApi, Operation } from "./openapi.ts";
import { titles } from "./problem.ts";

const style = `
:root { color-scheme: light dark; --ink: #1c2330; --soft: #5b6575; --line: #dfe3ea; --ground: #fff; --panel: #f6f7f9; --link: #0b57c2;
  --get: #1a6fb5; --put: #8a5a00; --patch: #7a4bb0; --post: #1c7a43; --delete: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ef; --soft: #9aa5b5; --line: #2f3642; --ground: #14171c; --panel: #1c2027; --link: #7db4ff;
  --get: #6db3f2; --put: #e0ad4e; --patch: #c3a0ef; --post: #6fce96; --delete: #ff8a80; } }
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body { margin: 0; font: 15px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--ground); display: grid; grid-template-columns: 19rem minmax(0, 1fr); }
a { color: var(--link); text-decoration: none; } a:hover { text-decoration: underline; }
nav { position: sticky; top: 0; height: 100vh; overflow: auto; padding: 1.5rem 1rem 3rem 1.5rem; border-right: 1px solid var(--line); background: var(--panel); font-size: 13px; }
nav h2 { margin: 1.2rem 0 .3rem; font-size: 11px; letter-spacing: .06em; text-transform: uppercase; color: var(--soft); }
nav ul { list-style: none; margin: 0; padding: 0; } nav li { padding: .1rem 0; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; } nav li a { color: var(--ink); }
nav b { display: inline-block; width: 4.8em; font-size: 10px; }
main { padding: 2rem clamp(1rem, 4vw, 3.5rem) 6rem; max-width: 62rem; }
h1 { font-size: 1.9rem; margin: 0 0 .6rem; } main > h2 { margin: 3.2rem 0 .2rem; font-size: 1.35rem; } h3 { margin: 0; font-size: 1.05rem; font-weight: 600; } h4 { margin: 1rem 0 .3rem; font-size: .85rem; color: var(--soft); }
code, pre { font: 12.5px/1.5 ui-monospace, Menlo, Consolas, monospace; }
code { background: var(--panel); padding: .05em .3em; border-radius: 4px; }
pre { background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: .7rem .9rem; overflow: auto; margin: .5rem 0; } pre code { background: none; padding: 0; }
article { border: 1px solid var(--line); border-radius: 8px; padding: 1rem 1.2rem; margin: 1rem 0; }
article > header { display: flex; gap: .7rem; align-items: baseline; flex-wrap: wrap; margin-bottom: .3rem; } article p { margin: .4rem 0; }
.method { font: 700 12px ui-monospace, Menlo, Consolas, monospace; } .role { margin-left: auto; font-size: 12px; color: var(--soft); }
.get { color: var(--get); } .put { color: var(--put); } .patch { color: var(--patch); } .post { color: var(--post); } .delete { color: var(--delete); }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; margin: .3rem 0; } td, th { text-align: left; vertical-align: top; padding: .32rem .8rem .32rem 0; border-top: 1px solid var(--line); } th { font-weight: 500; color: var(--soft); border-top: 0; }
td:first-child { white-space: nowrap; } .soft { color: var(--soft); } .required::after { content: " *"; color: var(--delete); }
:target { outline: 2px solid var(--link); outline-offset: 3px; }
@media (max-width: 52rem) { body { display: block; } nav { position: static; height: auto; border: 0; } }
`;

/** The page loads nothing: its one style is named by its hash. */
export const docsHeaders = {
  "content-security-policy": `default-src 'none'; style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  "cache-control": "no-cache",
};

type Entry = { method: string; path: string; operation: Operation };

/** The OpenAPI document as one page to read, without a script and without another host. */
export function docsPage(document: OpenApi): string {
  const entries = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
  );
  const tags = document.tags.map((tag) => ({
    ...tag,
    entries: entries.filter(({ operation }) => operation.tags.includes(tag.name)),
  }));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Heat Spreader API</title>
<style>${style}</style>
</head>
<body>
<nav>
<a href="#top"><strong>Heat Spreader</strong></a>
${tags.map((tag) => `<h2>${tag.name}</h2><ul>${tag.entries.map(link).join("")}</ul>`).join("\n")}
<h2>reference</h2><ul><li><a href="#schemas">Schemas</a></li><li><a href="#errors">Errors</a></li></ul>
</nav>
<main>
<h1 id="top">Heat Spreader API</h1>
<p>${prose(document.info.description)}</p>
<p>Every call but three under <a href="#service">service</a> needs a token: <code>Authorization: Bearer ...</code>. The examples take it from <code>$TOKEN</code>, and the address from <code>$API</code>. A red * marks what must be there. The same as a document for programs: <a href="/v1/openapi.json">openapi.json</a>.</p>
${tags.map((tag) => `<h2 id="${tag.name}">${tag.name}</h2><p class="soft">${prose(tag.description)}</p>${tag.entries.map((entry) => article(entry, document)).join("\n")}`).join("\n")}
<h2 id="schemas">Schemas</h2>
${Object.entries(document.components.schemas).map(schemaArticle).join("\n")}
<h2 id="errors">Errors</h2>
<p>Answers of type <code>application/problem+json</code> (<a href="#Problem">Problem</a>), with one of these codes. The legacy paths answer <code>{"error": "..."}</code>.</p>
<table><tr><th>code</th><th>status</th><th>meaning</th></tr>
${Object.entries(titles)
  .map(
    ([code, title]) =>
      `<tr id="${code}"><td><code>${code}</code></td><td>${statusOf[code as keyof typeof statusOf]}</td><td>${text(title)}</td></tr>`,
  )
  .join("\n")}
<tr id="internal"><td><code>internal</code></td><td>500</td><td>A fault of Heat Spreader; its log has more under the request's id</td></tr>
</table>
</main>
</body>
</html>
`;
}

function link({ method, path, operation }: Entry): string {
  return `<li><a href="#${operation.operationId}" title="${text(operation.summary)}"><b class="${method}">${method.toUpperCase()}</b>${text(path)}</a></li>`;
}

/** Who may call it. */
const roles = {
  none: "no token",
  anybody: "any token",
  reader: "role reader",
  operator: "role operator",
  vantage: "role vantage",
} as const;

function article({ method, path, operation }: Entry, document: OpenApi): string {
  const { operationId, summary, description, parameters, requestBody, responses } = operation;
  const role = operation["x-role"];
  const body = requestBody?.content["application/json"]?.schema;
  const fields = body && resolved(body, document);
  return `<article id="${operationId}">
<header><span class="method ${method}">${method.toUpperCase()}</span><code>${text(path)}</code><span class="role">${roles[role]}</span></header>
<h3>${text(summary)}</h3>
${description === undefined ? "" : `<p>${prose(description)}</p>`}
${parameters.length === 0 ? "" : `<h4>Parameters</h4><table>${parameters.map((parameter) => row(parameter.name, parameter.schema, { ...parameter, place: parameter.in })).join("")}</table>`}
${fields === undefined ? "" : `<h4>Body: ${typeText(body ?? {})}</h4>${propertyTable(fields)}`}
<h4>Answers</h4><table>${Object.entries(responses)
    .map(([status, response]) => answerRow(status, response))
    .join("")}</table>
<h4>Example</h4><pre><code>${text(curl({ method, path, operation }))}</code></pre>
</article>`;
}

function answerRow(status: string, { description, content = {} }: Operation["responses"][string]) {
  const [schema] = Object.values(content).map((media) => media.schema);
  const isError = Number(status) >= 400;
  const what = schema === undefined || isError ? "" : typeText(schema);
  return `<tr><td><code>${status}</code></td><td>${isError ? codes(description) : what || "an empty body"}</td></tr>`;
}

/** `stack.missing` in a description, as a link to what it means. */
function codes(description: string): string {
  return text(description).replace(/`([^`]+)`/g, '<a href="#$1"><code>$1</code></a>');
}

function schemaArticle([name, schema]: [string, JsonSchema]): string {
  const content =
    schema.properties === undefined ? `<p>${typeText(schema)}</p>` : propertyTable(schema);
  return `<article id="${name}"><h3>${name}</h3>${content}</article>`;
}

function propertyTable(schema: JsonSchema): string {
  const required = new Set(schema.required ?? []);
  const rows = Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const own = property as JsonSchema;
    return row(name, own, { required: required.has(name), description: own.description });
  });
  return `<table>${rows.join("")}</table>`;
}

type Told = { required: boolean; description?: string | undefined; place?: string };

function row(name: string, schema: JsonSchema, { required, description, place }: Told): string {
  const where = place === undefined ? "" : ` <span class="soft">in ${place}</span>`;
  const byDefault =
    schema.default === undefined || typeof schema.default === "object"
      ? ""
      : ` <span class="soft">default ${text(JSON.stringify(schema.default))}</span>`;
  const inner = schema.properties === undefined ? "" : propertyTable(schema);
  return `<tr><td><code${required ? ' class="required"' : ""}>${text(name)}</code></td><td>${typeText(schema)}${where}${byDefault}<br>${prose(description ?? "")}${inner}</td></tr>`;
}

/** A schema's type in a few words, named parts as links. */
function typeText(schema: JsonSchema): string {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.split("/").at(-1) ?? "";
    return `<a href="#${name}">${name}</a>`;
  }
  if (schema.anyOf !== undefined)
    return schema.anyOf.map((one) => typeText(one as JsonSchema)).join(" or ");
  if (schema.enum !== undefined)
    return schema.enum.map((one) => `<code>${text(String(one))}</code>`).join(" | ");
  if (schema.const !== undefined) return `<code>${text(JSON.stringify(schema.const))}</code>`;
  if (schema.type === "array") return `list of ${typeText((schema.items ?? {}) as JsonSchema)}`;
  if (schema.type === "object" && typeof schema.additionalProperties === "object") {
    return `cloud → ${typeText(schema.additionalProperties as JsonSchema)}`;
  }
  const { minimum, maximum } = schema;
  const range = minimum === undefined || maximum === undefined ? "" : ` ${minimum} to ${maximum}`;
  const pattern =
    schema.pattern === undefined || schema.format !== undefined
      ? ""
      : ` <code>${text(schema.pattern)}</code>`;
  return `<span class="soft">${[schema.type ?? "anything"].flat().join(" or ")}${range}</span>${pattern}`;
}

function resolved(schema: JsonSchema, document: OpenApi): JsonSchema {
  const name = schema.$ref?.split("/").at(-1);
  return name === undefined ? schema : (document.components.schemas[name] ?? {});
}

function curl({ method, path, operation }: Entry): string {
  const body = operation.requestBody?.content["application/json"]?.example;
  const url = path.replace("{stack_name}", "web").replace("{cloud}", "athens");
  return [
    `curl ${method === "get" ? "" : `-X ${method.toUpperCase()} `}"$API${url}"`,
    ...(operation["x-role"] === "none" ? [] : [`  -H "Authorization: Bearer $TOKEN"`]),
    ...(body === undefined
      ? []
      : [`  -H "Content-Type: application/json"`, `  -d '${JSON.stringify(body)}'`]),
  ].join(" \\\n");
}

/** Text in which `code` is marked as people write it. */
function prose(value: string): string {
  return text(value).replace(/`([^`]+)`/g, "<code>$1</code>");
}

function text(value: string): string {
  return value
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
