// The data of the site: the views of one model, read in one snapshot, by a role that may
// do nothing but read them (grant_reader). No view with a row for each customer is read.
import pg from "pg";

const model = process.env.DASHBOARD_MODEL;
const tenant = process.env.DASHBOARD_TENANT || null;

// Sections of the page, and the view that each is drawn from.
const sections = {
	status: "model_status", headline: "headline", segments: "segment_summary", grid: "rfm_grid", moves: "segment_moves_90d",
	history: "segment_history_12m", expected: "prediction_by_segment", goals: "goals", categories: "category_by_segment",
	quality: "data_quality"
};

function stop(message, hint) {
	process.stderr.write(`dashboard/build: ${message}\n${hint ? `  ${hint}\n` : ""}`);
	process.exit(1);
}

if (!model) stop("no model is named", "dashboard/build MODEL");

// money and large counts arrive as numbers of JSON; dates as text
const client = new pg.Client({application_name: "customer_scoring dashboard"});
try {
	await client.connect();
} catch (error) {
	stop(`can't connect to PostgreSQL: ${error.message || error.code}`,
		"The connection is that of psql: PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE.");
}
try {
	await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
	await client.query("SET LOCAL search_path = pg_catalog; SET LOCAL DateStyle = ISO; SET LOCAL jit = off; SET LOCAL client_min_messages = warning");
	const {rows: views} = await client.query(
		`SELECT c.relname AS view, pg_catalog.format('%I.%I', n.nspname, c.relname) AS name,
		        pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT') AS readable,
		        EXISTS (SELECT FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = 'tenant') AS tenanted
		   FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
		  WHERE n.nspname = $1 AND c.relkind = 'v' AND c.relname = ANY ($2)`, [model, Object.values(sections)]);
	const there = new Map(views.map((v) => [v.view, v]));
	if (!there.has("headline") || !there.has("model_status"))
		stop(`there is no model "${model}" in this database`, "SELECT model FROM models(); lists those there are.");
	const unreadable = views.filter((v) => !v.readable);
	if (unreadable.length)
		stop(`this role may not read ${unreadable[0].name}`, `The owner of the model can grant it: SELECT grant_reader('${model.replaceAll("'", "''")}', current_user);`);
	const tenanted = there.get("headline").tenanted;
	if (tenanted) {
		// a page is about one shop: its numbers are not to be added up by who reads it
		const {rows} = await client.query(`SELECT h.tenant FROM ${there.get("headline").name} AS h ORDER BY h.tenant`);
		if (tenant === null && rows.length !== 1)
			stop(`model "${model}" has ${rows.length} tenants that this role may see`, "Name one: --tenant NAME, or let a reader of one tenant build the page.");
		if (tenant !== null && !rows.some((r) => r.tenant === tenant))
			stop(`model "${model}" has no tenant "${tenant}" that this role may see`);
		if (tenant === null) process.env.DASHBOARD_TENANT = rows[0].tenant;
	} else if (tenant !== null) {
		stop(`model "${model}" has no tenants`, "Leave --tenant out.");
	}
	const shown = tenanted ? process.env.DASHBOARD_TENANT : null;
	const data = {model, tenant: shown, language: process.env.DASHBOARD_LANGUAGE ?? "en", sections: {}};
	for (const [section, view] of Object.entries(sections)) {
		const v = there.get(view);
		if (!v) continue;
		const {rows} = await client.query(
			`SELECT pg_catalog.to_jsonb(t) AS row FROM ${v.name} AS t${v.tenanted ? " WHERE t.tenant IS NOT DISTINCT FROM $1" : ""}`,
			v.tenanted ? [shown] : []);
		data.sections[section] = rows.map((r) => r.row);
	}
	// what a page for managers has no use for
	for (const row of data.sections.status) for (const column of ["source", "definition"]) delete row[column];
	for (const row of data.sections.goals ?? []) delete row.set_by;
	await client.query("COMMIT");
	process.stdout.write(JSON.stringify(data));
} catch (error) {
	stop(error.message, error.hint);
} finally {
	await client.end();
}
