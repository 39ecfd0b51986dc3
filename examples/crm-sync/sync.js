// Keeps the tables of a CRM (schema.sql) in step with the segments of a model, whose feed
// segment_changes it follows as a reader. Cursor and batch are one transaction of the CRM:
// killed anywhere, it goes on where it was, and loses or doubles nothing. See docs/crm.md.
import pg from 'pg';
import { setTimeout as sleep } from 'node:timers/promises';

const env = process.env;
const model = env.MODEL ?? 'shop';
const batchSize = Number(env.BATCH ?? 1000);
const pollSeconds = Number(env.POLL_SECONDS ?? 60);			// a notification comes sooner
const reconcileSeconds = Number(env.RECONCILE_SECONDS ?? 86400);
const schema = pg.escapeIdentifier(model);

// pg gives bigint and numeric as text, which is right: a number of JavaScript has 53 bits.
// A date stays text too; as a Date it would be midnight in the time zone of this process.
pg.types.setTypeParser(pg.types.builtins.DATE, (day) => day);

async function transaction(client, begin, work) {
  await client.query(begin);
  try {
    const result = await work();
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});			// the connection may be gone
    throw error;
  }
}

// One batch. The row of the state is locked first: a second consumer waits here, and a
// transaction whose client was killed in COMMIT has ended before its successor reads the cursor.
async function pass(source, crm) {
  return transaction(crm, 'BEGIN', async () => {
    await crm.query('INSERT INTO crm_sync.state (model) VALUES ($1) ON CONFLICT DO NOTHING', [model]);
    const { rows: [state] } = await crm.query(
      `SELECT epoch, last_change_id, coalesce(reconciled_at < now() - make_interval(secs => $2), true) AS due
         FROM crm_sync.state WHERE model = $1 FOR UPDATE`, [model, reconcileSeconds]);
    // Feed, cursor and everybody's segments are of one moment: one snapshot.
    return transaction(source, 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', async () => {
      const { rows: [now] } = await source.query(
        `SELECT oid AS epoch, (SELECT coalesce(max(change_id), 0) FROM ${schema}.segment_changes) AS last
           FROM pg_catalog.pg_namespace WHERE nspname = $1`, [model]);
      if (!now) throw new Error(`there is no model ${model}`);
      const follows = state.last_change_id !== null && state.epoch === String(now.epoch);
      const { rows: changes } = follows ? await source.query(
        `SELECT change_id, as_of, customer_key, previous_segment, segment FROM ${schema}.segment_changes
          WHERE change_id > $1 ORDER BY change_id LIMIT $2`, [state.last_change_id, batchSize]) : { rows: [] };
      const isLast = changes.length < batchSize;
      const reconciles = !follows || (state.due && isLast);
      if (!follows) await crm.query('DELETE FROM crm_sync.contact WHERE model = $1', [model]);
      if (changes.length) await apply(crm, changes);
      if (reconciles) await reconcile(source, crm);
      const cursor = follows ? changes.at(-1)?.change_id ?? state.last_change_id : now.last;
      if (changes.length || reconciles) {
        await crm.query(
          `UPDATE crm_sync.state SET epoch = $2, last_change_id = $3,
                  reconciled_at = CASE WHEN $4 THEN now() ELSE reconciled_at END WHERE model = $1`,
          [model, String(now.epoch), cursor, reconciles]);
      }
      return isLast;
    });
  });
}

// A change without a segment is somebody who is gone: they take what is known of them along.
async function apply(crm, changes) {
  const batch = `WITH batch AS (SELECT * FROM jsonb_to_recordset($2) AS c (change_id bigint, as_of date,
    customer_key text, previous_segment text, segment text))`;
  const values = [model, JSON.stringify(changes)];
  await crm.query(`${batch} DELETE FROM crm_sync.contact AS c USING batch AS b
    WHERE c.model = $1 AND c.customer_key = b.customer_key AND b.segment IS NULL`, values);
  await crm.query(`${batch} INSERT INTO crm_sync.contact (model, customer_key, segment)
    SELECT $1, l.customer_key, l.segment
      FROM (SELECT DISTINCT ON (customer_key) * FROM batch ORDER BY customer_key, change_id DESC) AS l
     WHERE l.segment IS NOT NULL
    ON CONFLICT (model, customer_key) DO UPDATE SET segment = EXCLUDED.segment`, values);
  await crm.query(`${batch} INSERT INTO crm_sync.move (model, change_id, as_of, customer_key, previous_segment, segment)
    SELECT $1, b.change_id, b.as_of, b.customer_key, b.previous_segment, b.segment FROM batch AS b
     WHERE NOT EXISTS (SELECT FROM batch AS g WHERE g.customer_key = b.customer_key
                        AND g.change_id >= b.change_id AND g.segment IS NULL)`, values);
}

// Everybody, as the feed has told it up to now: who has moved since the last record_changes
// counts where they were. Who is erased, objects or withdraws consent has no row in the feed,
// and is only missing here.
async function reconcile(source, crm) {
  await crm.query(`CREATE TEMP TABLE told (customer_key text COLLATE "C" PRIMARY KEY, segment text) ON COMMIT DROP`);
  await source.query(`DECLARE everybody CURSOR FOR SELECT customer_key,
    CASE WHEN changed_on IS NULL AND previous_segment IS NOT NULL THEN previous_segment ELSE segment END AS segment
    FROM ${schema}.customer_segments`);
  for (;;) {
    const { rows } = await source.query('FETCH 5000 FROM everybody');
    if (!rows.length) break;
    await crm.query(`INSERT INTO told SELECT t.customer_key, t.segment
      FROM jsonb_to_recordset($1) AS t (customer_key text, segment text) WHERE t.segment IS NOT NULL`, [JSON.stringify(rows)]);
  }
  await crm.query(`DELETE FROM crm_sync.contact AS c
    WHERE c.model = $1 AND NOT EXISTS (SELECT FROM told AS t WHERE t.customer_key = c.customer_key)`, [model]);
  await crm.query(`INSERT INTO crm_sync.contact AS c (model, customer_key, segment) SELECT $1, customer_key, segment FROM told
    ON CONFLICT (model, customer_key) DO UPDATE SET segment = EXCLUDED.segment
      WHERE c.segment IS DISTINCT FROM EXCLUDED.segment`, [model]);
}

// Until an error, or with ONCE until nothing is left. Notifications wake it, the clock does
// too: who was not connected has missed one.
async function follow(source, crm) {
  let wake = () => {};
  let heard = false;
  const lost = new Promise((_, reject) => {
    for (const client of [source, crm]) client.on('error', reject);
  });
  lost.catch(() => {});
  await Promise.all([source.connect(), crm.connect()]);
  source.on('notification', () => { heard = true; wake(); });
  // a pooler in transaction mode takes LISTEN, and never delivers anything: LISTEN=no
  if (env.LISTEN !== 'no') await source.query(`LISTEN ${pg.escapeIdentifier(`${model}_segment_changes`)}`);
  for (;;) {
    heard = false;
    while (!await pass(source, crm));
    if (env.ONCE) return;
    const notified = new Promise((resolve) => { wake = resolve; });
    if (!heard) await Promise.race([notified, lost, sleep(pollSeconds * 1000, undefined, { ref: false })]);
  }
}

for (let failures = 0; ; failures++) {
  const source = new pg.Client({ connectionString: env.SOURCE_URL, application_name: 'crm-sync' });
  const crm = new pg.Client({ connectionString: env.CRM_URL, application_name: 'crm-sync' });
  const started = Date.now();
  try {
    await follow(source, crm);
    await Promise.all([source.end(), crm.end()]);
    break;
  } catch (error) {
    console.error(`crm-sync: ${error.message}`);
    if (env.ONCE) process.exit(1);
    if (Date.now() - started > 60000) failures = 0;
    for (const client of [source, crm]) client.end().catch(() => {});
    await sleep(Math.min(60, 2 ** failures) * 1000);
  }
}
