// What a browser sees of a built site, as JSON: what test/t/052_dashboard.pl compares.
//
//   node look.js DIRECTORY LANGUAGE [PICTURE.png [WIDTH]]
//
// The site is served from this machine alone, and opened in Debian's Chromium.
import {createServer} from "node:http";
import {mkdtempSync, readFileSync, rmSync} from "node:fs";
import {tmpdir} from "node:os";
import {extname, join, normalize} from "node:path";
import {chromium} from "playwright-core";

const [directory, language, picture, width = "1024"] = process.argv.slice(2);
const types = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".json": "application/json"};
const notFound = [];
const server = createServer((request, response) => {
	const path = normalize(decodeURIComponent(new URL(request.url, "http://localhost").pathname));
	try {
		const file = join(directory, path.endsWith("/") ? `${path}index.html` : path);
		const body = readFileSync(file);
		response.writeHead(200, {"Content-Type": types[extname(file)] ?? "application/octet-stream"}).end(body);
	} catch {
		notFound.push(path);
		response.writeHead(404).end();
	}
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const origin = `http://127.0.0.1:${server.address().port}`;

const profile = mkdtempSync(join(tmpdir(), "dashboard-look-"));
const context = await chromium.launchPersistentContext(profile, {
	executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", headless: true, viewport: {width: Number(width), height: 900}, locale: "en-GB", timezoneId: "UTC",
	env: {...process.env, HOME: profile},
	args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"]
});
const seen = {errors: [], elsewhere: [], notFound};
try {
	const page = context.pages()[0] ?? (await context.newPage());
	page.on("console", (message) => ["error", "warning"].includes(message.type()) && seen.errors.push(message.text()));
	page.on("pageerror", (error) => seen.errors.push(error.message));
	page.on("request", (request) => {
		if (!request.url().startsWith(`${origin}/`) && !request.url().startsWith("data:")) seen.elsewhere.push(request.url());
	});
	await page.goto(`${origin}/${language === "default" ? "" : `?language=${language}`}`);
	await page.waitForSelector("footer", {timeout: 60000});
	await page.waitForTimeout(100);
	Object.assign(seen, await page.evaluate(() => ({
		language: document.documentElement.lang,
		title: document.title,
		headings: [...document.querySelectorAll("h1, h2")].map((h) => h.textContent),
		text: document.body.innerText,
		// whatever comes from the model is text: no element but ours
		elements: [...new Set([...document.querySelectorAll("main *")].map((e) => e.tagName.toLowerCase()))].sort(),
		cards: Object.fromEntries([...document.querySelectorAll(".card .value")].map((v) => [v.dataset.key, {value: v.dataset.value, shown: v.textContent}])),
		missing: [...document.querySelectorAll("section.missing")].map((s) => ({id: s.id, text: s.textContent})),
		tables: Object.fromEntries([...document.querySelectorAll("table[data-table]")].map((t) => [t.dataset.table,
			[...t.querySelectorAll("tbody tr")].map((r) => Object.fromEntries([...r.querySelectorAll("td[data-key]")].map((d) => [d.dataset.key, {value: d.dataset.value, shown: d.textContent}])))])),
		charts: [...document.querySelectorAll("svg[data-chart]")].map((c) => {
			const box = c.getBoundingClientRect();
			const marks = [...c.querySelectorAll("rect, path[d]")].filter((m) => !m.closest("[aria-label*=axis], [aria-label*=grid]"));
			return {
				id: c.dataset.chart, width: box.width, height: box.height,
				rects: marks.filter((m) => m.tagName === "rect").map((m) => ({width: Number(m.getAttribute("width")), fill: m.getAttribute("fill") ?? getComputedStyle(m).fill, title: m.querySelector("title")?.textContent ?? ""})),
				paths: marks.filter((m) => m.tagName === "path").map((m) => ({width: Number(m.getAttribute("stroke-width")), fill: m.getAttribute("fill"), stroke: m.getAttribute("stroke"), from: m.dataset.from, to: m.dataset.to})),
				texts: [...c.querySelectorAll("text")].map((x) => x.textContent),
				// words that leave the picture can't be read
				outside: [...c.querySelectorAll("text")].filter((x) => { const b = x.getBoundingClientRect(); return b.left < box.left - 1 || b.right > box.right + 1 || b.top < box.top - 1 || b.bottom > box.bottom + 1; }).map((x) => x.textContent)
			};
		}),
		scrolls: document.documentElement.scrollWidth - document.documentElement.clientWidth
	})));
	if (picture) await page.screenshot({path: picture, fullPage: true});
} finally {
	await context.close();
	server.close();
	rmSync(profile, {recursive: true, force: true});
}
process.stdout.write(JSON.stringify(seen));
