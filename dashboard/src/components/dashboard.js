// The page: sections with a chart, what it says, and its numbers as a table. Numbers are
// those of the views; what is not there is left out, with a line that says how to get it.
import * as Plot from "@observablehq/plot";
import {sankey, sankeyJustify, sankeyLinkHorizontal} from "d3-sankey";
import {texts} from "./texts.js";

const WIDTH = 896;

function element(name, attributes = {}, ...children) {
	const node = document.createElement(name);
	set(node, attributes);
	node.append(...children.filter((c) => c !== null && c !== undefined));
	return node;
}

function drawn(name, attributes = {}, ...children) {
	const node = document.createElementNS("http://www.w3.org/2000/svg", name);
	set(node, attributes);
	node.append(...children);
	return node;
}

function set(node, attributes) {
	for (const [key, value] of Object.entries(attributes)) if (value !== null && value !== undefined) node.setAttribute(key, value);
}

// The margin that words beside a chart need.
function room(words) {
	return Math.min(250, 14 + 6.9 * Math.max(4, ...words.map((w) => (w ?? "").length)));
}

export function dashboard(data) {
	const main = element("main");
	const asked = new URLSearchParams(location.search).get("language");
	const language = asked === "en" || asked === "fr" ? asked : data.language;
	main.append(...page(data, language));
	document.documentElement.lang = language;
	return main;
}

function page(data, language) {
	const t = texts[language];
	const locale = language === "fr" ? "fr-FR" : "en-GB";
	const s = data.sections;
	const status = s.status[0];
	const number = (x, digits = 0) => (x === null || x === undefined ? t.none : x.toLocaleString(locale, {maximumFractionDigits: digits, minimumFractionDigits: 0}));
	const money = (x) => number(x, Math.abs(x) < 100 ? 2 : 0);
	const exact = (x) => number(x, 2);
	const percent = (x, digits = 1) => (x === null || x === undefined ? t.none : x.toLocaleString(locale, {style: "percent", maximumFractionDigits: digits}));
	const signed = (x) => x.toLocaleString(locale, {style: "percent", maximumFractionDigits: 1, signDisplay: "exceptZero"});
	const date = (day) => new Date(`${day}T00:00:00Z`).toLocaleDateString(locale, {timeZone: "UTC", day: "numeric", month: "long", year: "numeric"});
	const short = (day) => new Date(`${day}T00:00:00Z`).toLocaleDateString(locale, {timeZone: "UTC", month: "short", year: "numeric"});
	const moment = (time) => new Date(time).toLocaleString(locale, {dateStyle: "long", timeStyle: "short"});
	const quoted = `'${data.model.replaceAll("'", "''")}'`;

	// A table whose cells have what the view says beside what is shown.
	function table(name, columns, rows) {
		const shown = (c, row) => {
			const value = row[c.key];
			if (value === null && row.suppressed && c.format) return t.hidden;
			return c.format ? c.format(value) : value ?? t.none;
		};
		return element("table", {"data-table": name},
			element("thead", {}, element("tr", {}, ...columns.map((c) => element("th", {class: c.format ? "number" : null, scope: "col"}, c.label)))),
			element("tbody", {}, ...rows.map((row) => element("tr", {}, ...columns.map((c) =>
				element("td", {class: c.format ? "number" : null, "data-key": c.key, "data-value": row[c.key] ?? ""}, shown(c, row)))))));
	}
	const numbers = (name, columns, rows) => element("details", {}, element("summary", {}, t.numbers), element("div", {class: "scroll"}, table(name, columns, rows)));
	function section(id, note, ...children) {
		return element("section", {id}, element("h2", {}, t[id]), note ? element("p", {class: "note"}, note) : null, ...children);
	}
	function missing(id) {
		const [words, sql] = t.howTo[id](quoted);
		return element("section", {id, class: "missing"}, element("h2", {}, t[id]), element("p", {class: "note"}, words), element("pre", {}, element("code", {}, sql)));
	}
	const chart = (id, svg, label) => {
		set(svg, {role: "img", "aria-label": label, "data-chart": id});
		return element("figure", {}, svg);
	};
	const plot = (id, label, options) => chart(id, Plot.plot({width: WIDTH, style: {fontFamily: "inherit", fontSize: "12px", background: "none"}, ...options}), label);
	const colors = (rows) => ({domain: rows.map((r) => r.segment_label), range: rows.map((r) => r.segment_color)});

	const parts = [];

	// --- whose, and of when ---------------------------------------------------
	const other = language === "fr" ? "en" : "fr";
	parts.push(element("header", {},
		element("h1", {}, data.model, data.tenant ? element("span", {class: "tenant"}, ` ${t.tenant(data.tenant)}`) : null),
		element("p", {class: "when"}, t.asOf(date(status.as_of)), status.refreshed_at ? ` · ${t.refreshed(moment(status.refreshed_at))}` : "", " · ",
			element("a", {href: `?language=${other}`, hreflang: other, id: "language"}, t.other))));
	if (status.status !== "ok") parts.push(element("p", {class: "warning", id: "needs"}, t.needs(status.status, status.needs ?? "")));
	const hides = status.minimum_group_size > 1 && Object.values(s).some((rows) => rows.some((r) => r.suppressed));
	if (hides) parts.push(element("p", {class: "note", id: "hides"}, t.suppressed(number(status.minimum_group_size))));

	// --- headline ---------------------------------------------------------------
	const h = s.headline[0];
	if (h) {
		const change = (now, then) => (now === null || then === null ? null : then > 0 ? t.change(signed((now - then) / then)) : t.noChange);
		const card = (key, label, shown, note) => element("div", {class: "card", id: `headline-${key}`},
			element("div", {class: "label"}, label),
			element("div", {class: "value", "data-key": key, "data-value": h[key] ?? ""}, h[key] === null && h.suppressed ? t.hidden : shown),
			element("div", {class: "small"}, note ?? ""));
		const cards = [
			card("customers", t.customers, number(h.customers), h.prospects > 0 ? t.prospects(number(h.prospects)) : null),
			card("active_customers_12m", t.active, number(h.active_customers_12m), change(h.active_customers_12m, h.active_customers_12m_before)),
			card("revenue_12m", t.revenue, money(h.revenue_12m), h.revenue_12m_change !== null ? t.change(signed(h.revenue_12m_change)) : h.revenue_12m === null ? null : t.noChange),
			card("mean_basket_12m", t.basket, number(h.mean_basket_12m, 2), h.orders_12m === null ? null : t.orders(number(h.orders_12m))),
			card("at_risk_customers", t.atRisk, number(h.at_risk_customers), h.at_risk_revenue === null ? null : t.atRiskRevenue(money(h.at_risk_revenue)))];
		if (h.clv_12m !== null || s.expected?.length) cards.push(card("clv_12m", t.clv, money(h.clv_12m), t.clvNote));
		parts.push(element("div", {class: "cards", id: "headline"}, ...cards));
	}

	// --- segments ---------------------------------------------------------------
	const segments = s.segments ?? [];
	const some = segments.filter((r) => r.customers > 0);
	if (segments.length) {
		const bars = (id, key, label, format) => {
			const most = Math.max(...some.map((r) => r[key] ?? 0));
			return plot(id, label, {
				height: 34 + 26 * some.length, width: WIDTH / 2, marginLeft: room(some.map((r) => r.segment_label)), marginRight: 76, marginTop: 24, marginBottom: 4,
				x: {axis: null, domain: [0, most || 1]}, y: {domain: some.map((r) => r.segment_label), label: null, tickSize: 0},
				marks: [
					Plot.barX(some, {x: key, y: "segment_label", fill: "segment_color", insetTop: 2, insetBottom: 2, title: (r) => `${r.segment_label}: ${format(r[key])}`}),
					Plot.text(some, {x: key, y: "segment_label", text: (r) => format(r[key]), textAnchor: "start", dx: 5, fill: "#333"}),
					Plot.text([label], {frameAnchor: "top-left", dy: -22, dx: 0, text: (d) => d, fontWeight: 600, fill: "#333"})
				]
			});
		};
		parts.push(section("segments", t.segmentsNote,
			element("div", {class: "pair"}, bars("segments-customers", "customers", t.customers, (x) => number(x)),
				bars("segments-revenue", "revenue", t.revenueSoFar, money)),
			numbers("segments", [
				{key: "segment_label", label: t.segment}, {key: "customers", label: t.customers, format: (x) => number(x)}, {key: "customers_share", label: t.share, format: percent},
				{key: "revenue", label: t.revenueSoFar, format: exact}, {key: "revenue_share", label: t.share, format: percent},
				{key: "median_recency_days", label: t.medianRecency, format: (x) => number(x, 1)}, {key: "median_frequency", label: t.medianFrequency, format: (x) => number(x, 1)}], segments)));
	} else parts.push(missing("segments"));

	// --- recency and frequency ----------------------------------------------------
	const grid = s.grid ?? [];
	if (grid.length) {
		const frequencies = [...new Set(grid.map((r) => r.f_score))].sort((a, b) => a - b);
		const recencies = [...new Set(grid.map((r) => r.r_score))].sort((a, b) => b - a);
		const words = (key, range) => new Map(grid.map((r) => [r[key], r[range]]));
		const [ofF, ofR] = [words("f_score", "f_range"), words("r_score", "r_range")];
		const most = Math.max(1, ...grid.map((r) => r.customers ?? 0));
		// the eye compares areas of color better on a root
		const dark = (r) => Math.sqrt((r.customers ?? 0) / most) > 0.55;
		parts.push(section("grid", t.gridNote,
			plot("grid", t.gridNote, {
				height: 84 + 46 * recencies.length, marginLeft: 24 + room([...ofR.values()]), marginBottom: 48, marginTop: 24,
				x: {domain: frequencies, tickFormat: (f) => ofF.get(f), label: `${t.frequency} →`, labelAnchor: "center", labelArrow: "none", tickSize: 0},
				y: {domain: recencies, tickFormat: (r) => ofR.get(r), label: t.recency, labelArrow: "none", tickSize: 0},
				color: {type: "sqrt", domain: [0, most], range: ["#f1f5f9", "#08519c"], interpolate: "rgb"},
				marks: [
					Plot.cell(grid, {x: "f_score", y: "r_score", fill: (r) => r.customers ?? 0, inset: 1.5, rx: 3, title: (r) => `${t.recency} ${r.r_range}, ${t.frequency} ${r.f_range}: ${r.suppressed ? t.hidden : number(r.customers)}`}),
					Plot.text(grid, {x: "f_score", y: "r_score", text: (r) => (r.suppressed ? "…" : number(r.customers)), fill: (r) => (dark(r) ? "#fff" : "#222")})
				]
			}),
			numbers("grid", [{key: "r_range", label: t.recency}, {key: "f_range", label: t.frequency}, {key: "customers", label: t.customers, format: (x) => number(x)},
				{key: "revenue", label: t.revenueSoFar, format: exact}], grid)));
	} else parts.push(missing("grid"));

	// --- moves ------------------------------------------------------------------
	const moves = s.moves ?? [];
	const flows = moves.filter((r) => r.customers > 0);
	if (flows.length) {
		const all = flows.reduce((n, r) => n + r.customers, 0);
		const stayed = flows.filter((r) => r.from_segment === r.to_segment).reduce((n, r) => n + r.customers, 0);
		const words = moves.some((r) => r.suppressed) ? "" : ` ${t.stayed(percent(stayed / all, 0))}.`;
		parts.push(section("moves", t.movesNote(date(flows[0].from_day), date(flows[0].to_day)) + words,
			chart("moves", movesChart(flows, t, number), t.moves),
			numbers("moves", [{key: "from_label", label: t.from}, {key: "to_label", label: t.to}, {key: "customers", label: t.customers, format: (x) => number(x)},
				{key: "revenue", label: t.revenueSoFar, format: exact}], moves)));
	}

	// --- segments over time -------------------------------------------------------
	const history = s.history ?? [];
	if (history.length) {
		const days = [...new Set(history.map((r) => r.as_of))].sort();
		// one color and place for each label, whatever the map was on the day
		const kinds = [...new Map([...history].sort((a, b) => (a.segment_order ?? 99) - (b.segment_order ?? 99)).map((r) => [r.segment_label, r])).values()];
		const full = days.flatMap((day) => kinds.map((k) => ({day: new Date(`${day}T00:00:00Z`), segment_label: k.segment_label,
			customers: history.find((r) => r.as_of === day && r.segment_label === k.segment_label)?.customers ?? 0})));
		parts.push(section("history", t.historyNote,
			legend(kinds),
			plot("history", t.history, {
				height: 340, marginLeft: 56, marginRight: 28, marginBottom: 40,
				x: {type: "utc", label: null, ticks: days.map((d) => new Date(`${d}T00:00:00Z`)), tickFormat: (d) => short(d.toISOString().slice(0, 10)).replace(" ", "\n"), tickSize: 3},
				y: {label: null, grid: true, tickFormat: (x) => number(x), ticks: 6},
				color: colors(kinds),
				marks: [
					Plot.areaY(full, {x: "day", y: "customers", fill: "segment_label", z: "segment_label", order: kinds.map((k) => k.segment_label).reverse(), stroke: "#fff", strokeWidth: 0.6, title: "segment_label"}),
					Plot.ruleY([0])
				]
			}),
			numbers("history", [{key: "as_of", label: t.day}, {key: "segment_label", label: t.segment}, {key: "customers", label: t.customers, format: (x) => number(x)},
				{key: "customers_share", label: t.share, format: percent}, {key: "revenue", label: t.revenueSoFar, format: exact}], history)));
	}

	// --- expected value -------------------------------------------------------------
	const expected = s.expected ?? [];
	if (expected.length) {
		const valued = expected.filter((r) => r.clv_12m !== null);
		const leaving = expected.filter((r) => r.mean_churn_probability !== null);
		const bars = (id, rows, key, label, format, domain) => plot(id, label, {
			height: 34 + 26 * rows.length, width: WIDTH / 2, marginLeft: room(rows.map((r) => r.segment_label)), marginRight: 76, marginTop: 24, marginBottom: 4,
			x: {axis: null, domain}, y: {domain: rows.map((r) => r.segment_label), label: null, tickSize: 0},
			marks: [
				Plot.barX(rows, {x: key, y: "segment_label", fill: "segment_color", insetTop: 2, insetBottom: 2, title: (r) => `${r.segment_label}: ${format(r[key])}`}),
				Plot.text(rows, {x: key, y: "segment_label", text: (r) => format(r[key]), textAnchor: "start", dx: 5, fill: "#333"}),
				Plot.text([label], {frameAnchor: "top-left", dy: -22, text: (d) => d, fontWeight: 600, fill: "#333"})
			]
		});
		parts.push(section("expected", t.expectedNote,
			element("div", {class: "pair"},
				valued.length ? bars("expected-value", valued, "clv_12m", t.expectedRevenue, money, [0, Math.max(1, ...valued.map((r) => r.clv_12m))]) : null,
				leaving.length ? bars("expected-churn", leaving, "mean_churn_probability", t.churn, (x) => percent(x, 0), [0, 1]) : null),
			numbers("expected", [{key: "segment_label", label: t.segment}, {key: "customers", label: t.customers, format: (x) => number(x)}, {key: "clv_12m", label: t.expectedRevenue, format: exact},
				{key: "clv_12m_share", label: t.share, format: percent}, {key: "expected_orders_90d", label: t.expectedOrders, format: (x) => number(x, 1)},
				{key: "mean_churn_probability", label: t.churn, format: percent}], expected)));
	} else parts.push(missing("expected"));

	// --- goals ------------------------------------------------------------------
	const goals = s.goals ?? [];
	if (goals.length) {
		const rate = (g) => /_rate$|_share$|^csat$/.test(g.kpi);
		const figure = (g, x) => (x === null ? t.none : rate(g) ? percent(x) : number(x, Math.abs(x) < 100 ? 2 : 0));
		parts.push(section("goals", t.goalsNote, element("div", {class: "scroll"}, element("table", {"data-table": "goals"},
			element("thead", {}, element("tr", {}, ...[t.segment, t.kpi, t.baseline, t.actual, t.target, "", t.statusWord, t.due, t.action].map((label, i) => element("th", {scope: "col", class: i > 1 && i < 5 ? "number" : null}, label)))),
			element("tbody", {}, ...goals.map((g) => element("tr", {},
				element("td", {"data-key": "segment_label", "data-value": g.segment_label}, g.segment_label),
				element("td", {"data-key": "kpi", "data-value": g.kpi}, g.kpi.replaceAll("_", " ")),
				...["baseline", "actual", "target_value"].map((key) => element("td", {class: "number", "data-key": key, "data-value": g[key] ?? ""}, figure(g, g[key]))),
				element("td", {}, progress(g.progress, g.elapsed)),
				element("td", {class: `status ${g.status}`, "data-key": "status", "data-value": g.status}, t.status[g.status] ?? g.status),
				element("td", {}, date(g.due_on)), element("td", {}, [g.action, g.owner].filter(Boolean).join(" · "))))))))); 
	} else parts.push(missing("goals"));

	// --- categories -------------------------------------------------------------
	const categories = (s.categories ?? []).filter((r) => r.segment_label !== null);
	if (categories.length) {
		const size = new Map();
		for (const r of categories) size.set(r.category, (size.get(r.category) ?? 0) + (r.customers ?? 0));
		const names = [...size].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([c]) => c).slice(0, 10);
		const rows = categories.filter((r) => names.includes(r.category));
		const labels = [...new Map([...rows].sort((a, b) => a.segment_order - b.segment_order).map((r) => [r.segment_label, 1])).keys()];
		const most = Math.max(...rows.map((r) => r.share ?? 0));
		parts.push(section("categories", t.categoriesNote,
			plot("categories", t.categories, {
				height: 60 + 30 * labels.length, marginLeft: room(labels), marginTop: 32, marginBottom: 8,
				x: {domain: names, label: null, axis: "top", tickSize: 0, tickFormat: (c) => (c.length > 13 ? `${c.slice(0, 12)}…` : c)}, y: {domain: labels, label: null, tickSize: 0},
				color: {type: "linear", domain: [0, most || 1], range: ["#fdf6ee", "#a63603"], interpolate: "rgb"},
				marks: [
					Plot.cell(rows, {x: "category", y: "segment_label", fill: (r) => r.share ?? 0, inset: 1.5, rx: 3, title: (r) => `${r.segment_label}, ${r.category}: ${r.suppressed ? t.hidden : percent(r.share)}`}),
					Plot.text(rows, {x: "category", y: "segment_label", text: (r) => (r.suppressed ? "…" : percent(r.share, 0)), fill: (r) => ((r.share ?? 0) > 0.55 * most ? "#fff" : "#222")})
				]
			}),
			numbers("categories", [{key: "segment_label", label: t.segment}, {key: "category", label: t.category}, {key: "customers", label: t.customers, format: (x) => number(x)},
				{key: "share", label: t.share, format: percent}, {key: "lift", label: t.lift, format: (x) => number(x, 2)}], categories)));
	} else parts.push(missing("categories"));

	// --- data quality -------------------------------------------------------------
	const found = (s.quality ?? []).filter((r) => r.affected > 0);
	parts.push(section("quality", found.length ? t.qualityNote : t.clean,
		found.length ? element("div", {class: "scroll"}, table("quality", [{key: "reason", label: t.reason}, {key: "affected", label: t.affected, format: (x) => number(x)}, {key: "explanation", label: t.meaning}, {key: "advice", label: t.advice}], found)) : null));

	parts.push(element("footer", {}, t.footer));
	return parts;
}

function legend(kinds) {
	return element("ul", {class: "legend"}, ...kinds.map((k) => element("li", {}, element("i", {style: `background:${k.segment_color}`}), k.segment_label ?? "–")));
}

// How far, and how far it should be by now: the mark.
function progress(done, elapsed) {
	const part = Math.max(0, Math.min(1, done ?? 0));
	return drawn("svg", {width: 96, height: 12, viewBox: "0 0 96 12", "data-chart": "progress", role: "img", "aria-label": `${Math.round(100 * part)} %`},
		drawn("rect", {x: 0, y: 2, width: 96, height: 8, rx: 2, fill: "#e5e7eb"}),
		drawn("rect", {x: 0, y: 2, width: 96 * part, height: 8, rx: 2, fill: "#2563a8"}),
		drawn("line", {x1: 96 * (elapsed ?? 0), x2: 96 * (elapsed ?? 0), y1: 0, y2: 12, stroke: "#222", "stroke-width": 1.5}));
}

// Flows between the segments of two days, in the order and the colors of the segments.
function movesChart(flows, t, number) {
	const height = 460;
	const nodes = new Map();
	const end = (side, segment, label, order, color) => {
		const id = `${side}:${segment ?? ""}`;
		if (!nodes.has(id)) nodes.set(id, {id, side, label: label ?? t.unknown, order: order ?? 999, color: color ?? "#9fb3c8"});
		return id;
	};
	const links = flows.map((r) => ({
		source: end("from", r.from_segment, r.from_label, r.from_order, r.from_color),
		target: end("to", r.to_segment, r.to_label, r.to_order, r.to_color), value: r.customers, row: r}));
	const [left, right] = ["from", "to"].map((side) => 10 + room([...nodes.values()].filter((n) => n.side === side).map((n) => `${n.label} 10,000`)));
	const graph = sankey().nodeId((n) => n.id).nodeWidth(12).nodePadding(9).nodeAlign(sankeyJustify)
		.nodeSort((a, b) => a.order - b.order).linkSort((a, b) => a.target.order - b.target.order || a.source.order - b.source.order)
		.extent([[left, 6], [WIDTH - right, height - 6]])({nodes: [...nodes.values()], links});
	const path = sankeyLinkHorizontal();
	const svg = drawn("svg", {viewBox: `0 0 ${WIDTH} ${height}`, width: WIDTH, height, class: "moves"});
	for (const link of graph.links) {
		const stays = link.row.from_segment === link.row.to_segment;
		svg.append(drawn("path", {d: path(link), fill: "none", stroke: link.source.color, "stroke-opacity": stays ? 0.28 : 0.6, "stroke-width": Math.max(1, link.width), "data-from": link.row.from_segment ?? "", "data-to": link.row.to_segment},
			drawn("title", {}, `${link.source.label} → ${link.target.label}: ${number(link.value)}`)));
	}
	for (const node of graph.nodes) {
		const isFrom = node.side === "from";
		svg.append(drawn("rect", {x: node.x0, y: node.y0, width: node.x1 - node.x0, height: Math.max(1, node.y1 - node.y0), fill: node.color}, drawn("title", {}, `${node.label}: ${number(node.value)}`)),
			drawn("text", {x: isFrom ? node.x0 - 6 : node.x1 + 6, y: (node.y0 + node.y1) / 2, dy: "0.35em", "text-anchor": isFrom ? "end" : "start"}, `${node.label} ${number(node.value)}`));
	}
	return svg;
}
