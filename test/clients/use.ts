// A query with the types that kysely-codegen has written: tsc refuses it if a column is
// missing or has another type, and the rows that it prints have the types it was promised.
//
//   node use.js CONNECTION
import { Kysely, PostgresDialect } from 'kysely';
import type { Selectable } from 'kysely';
import pg = require('pg');
import type { DB } from './model';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;
type Wanted = { customer_key: string | null; as_of: string | null; recency_days: number | null; frequency: string | null;
	monetary: string | null; silence_ratio: number | null; segment_overridden: boolean | null };
const promised: Same<Pick<Selectable<DB['shop.customer_scores']>, keyof Wanted>, Wanted> = true;

pg.types.setTypeParser(pg.types.builtins.DATE, (day: string) => day);
const db = new Kysely<DB>({ dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: process.argv[2] }) }) });

(async () => {
	const rows: Wanted[] = await db.selectFrom('shop.customer_scores')
		.select(['customer_key', 'as_of', 'recency_days', 'frequency', 'monetary', 'silence_ratio', 'segment_overridden'])
		.where('segment', '=', 'vip').orderBy('monetary', 'desc').orderBy('customer_key').limit(3).execute();
	console.log(JSON.stringify(rows));
	await db.destroy();
	if (!promised) process.exit(1);
})();
