// The SQL of the migrations of packages, in their order, without the framework that runs
// them: each class says its statements to addSql().
//
//   node migrations.js PACKAGE...
const fs = require("fs"), path = require("path"), Module = require("module");

class Migration {
	statements = [];
	addSql(sql) { this.statements.push(sql); }
}

// the one helper that they take from the framework: for columns of earlier versions of Medusa
const alter = (table, columns, change) => columns.map((column) => `DO $$ BEGIN
	ALTER TABLE "${table}" ALTER COLUMN "${column}" ${change};
EXCEPTION WHEN undefined_table OR undefined_column THEN NULL; END $$;`).join("\n");

const load = Module._load;
Module._load = function (name, ...rest) {
	return name.startsWith("@medusajs/framework/") ? { Migration, generatePostgresAlterColummnIfExistStatement: alter } : load.call(this, name, ...rest);
};

(async () => {
	for (const name of process.argv.slice(2)) {
		const folder = path.resolve("node_modules", name, "dist/migrations");
		for (const file of fs.readdirSync(folder).filter((f) => f.endsWith(".js")).sort()) {
			const [made] = Object.values(require(path.join(folder, file)));
			const migration = new made();
			await migration.up();
			for (const sql of migration.statements) process.stdout.write(`${sql.replace(/;?\s*$/, "")};\n`);
		}
	}
})();
