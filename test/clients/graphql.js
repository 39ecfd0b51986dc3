// Asks PostGraphile, over the schema of a model and as a reader: prints the answers to the
// questions, as a JSON array. PostGraphile is set up as docs/crm.md says.
//
//   node graphql.js CONNECTION SCHEMA QUESTION...
const { Pool } = require('pg');
const { createPostGraphileSchema, makePgSmartTagsPlugin, withPostGraphileContext } = require('postgraphile');
const { graphql } = require('graphql');

const [connectionString, schemaName, ...questions] = process.argv.slice(2);

const tags = makePgSmartTagsPlugin([
  { kind: 'procedure', match: (f) => f.name.startsWith('_'), tags: { omit: true } },
  { kind: 'class', match: (view) => ['customer_scores', 'customer_segments'].includes(view.name), tags: { primaryKey: 'customer_key' } },
  { kind: 'class', match: (view) => view.name === 'segment_changes', tags: { primaryKey: 'change_id' } },
]);

(async () => {
  const pgPool = new Pool({ connectionString });
  const schema = await createPostGraphileSchema(pgPool, [schemaName], { ignoreRBAC: false, appendPlugins: [tags] });
  const answers = [];
  for (const question of questions) {
    answers.push(await withPostGraphileContext({ pgPool }, (context) => graphql(schema, question, null, context)));
  }
  await pgPool.end();
  console.log(JSON.stringify(answers));
})();
