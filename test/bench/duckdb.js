// Runs the benchmark's SQL in DuckDB, on two threads. The SQL comes from the
// standard input.
//
//   node duckdb.js load  FILE CSV           make the table of orders in FILE from CSV
//   node duckdb.js table FILE OUT           run the SQL on that table, once untimed and once timed
//   node duckdb.js whole FILE OUT CSV       run the SQL on CSV, in a new FILE
//
// The result goes to a table, after the timing to OUT if that isn't empty.
// Prints seconds, processor seconds and the most memory in kB.
const fs = require('fs')
const { DuckDBInstance } = require('@duckdb/node-api')

const quote = text => `'${text.replaceAll("'", "''")}'`

async function main () {
  const [mode, file, out, csv] = process.argv.slice(2)
  const orders = path => `SELECT * FROM read_csv(${quote(path)}, header = false,
    columns = {'customer_id': 'INTEGER', 'day': 'DATE', 'amount': 'DECIMAL(10,2)'})`
  const instance = await DuckDBInstance.create(file, { threads: '2' })
  const connection = await instance.connect()
  if (mode === 'load') {
    await connection.run('CREATE SCHEMA bench')
    await connection.run(`CREATE TABLE bench.orders AS ${orders(out)}`)
    await connection.run('CHECKPOINT')
    return
  }
  const sql = fs.readFileSync(0, 'utf8')
  const query = `CREATE OR REPLACE TABLE bench.result AS ${sql}`
  if (mode === 'table') await connection.run(query)
  const cpu = process.cpuUsage()
  const start = process.hrtime.bigint()
  if (mode === 'whole') {
    await connection.run('CREATE SCHEMA bench')
    await connection.run(`CREATE VIEW bench.orders AS ${orders(csv)}`)
  }
  await connection.run(query)
  const seconds = Number(process.hrtime.bigint() - start) / 1e9
  const used = process.cpuUsage(cpu)
  if (out) await connection.run(`COPY bench.result TO ${quote(out)} (FORMAT csv, HEADER false)`)
  console.log(seconds, (used.user + used.system) / 1e6, process.resourceUsage().maxRSS)
}

main().catch(error => { console.error(error.message); process.exit(1) })
