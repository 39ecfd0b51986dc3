/*
 * What BI tools do with a model, by the JDBC driver: list its views and columns,
 * read every column as the type that it is declared with, call the dated
 * functions with parameters.
 *
 *   java ModelViews URL USER MODEL...
 *
 * Prints a line "ok WHAT" or "not ok WHAT" for each test.
 */
import java.math.BigDecimal;
import java.sql.*;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.util.*;
import java.util.regex.Pattern;

public class ModelViews {
	static Connection db;
	static boolean failed;

	static void test(boolean ok, String what) {
		System.out.println((ok ? "ok " : "not ok ") + what.replace('\n', ' '));
		failed |= !ok;
	}

	/* A column as DatabaseMetaData has it. */
	static class Column {
		String name, typeName, remarks;
		int type, size, digits;
	}

	static List<Column> columns(String model, String view) throws SQLException {
		List<Column> columns = new ArrayList<>();
		try (ResultSet r = db.getMetaData().getColumns(null, model, view, null)) {
			while (r.next()) {
				Column c = new Column();
				c.name = r.getString("COLUMN_NAME");
				c.type = r.getInt("DATA_TYPE");
				c.typeName = r.getString("TYPE_NAME");
				c.size = r.getInt("COLUMN_SIZE");
				c.digits = r.getInt("DECIMAL_DIGITS");
				c.remarks = r.getString("REMARKS");
				columns.add(c);
			}
		}
		return columns;
	}

	/* The type that a column of this name has in every view; null: no rule. */
	static Integer rule(String name) {
		if (name.matches("monetary|mean_value|revenue|median_monetary")) return Types.NUMERIC;
		if (name.matches("[rfm]_score|basket_score|score|segment_order|recency_days|tenure_days|version|months_since")) return Types.INTEGER;
		if (name.matches("frequency|customers|affected|calibrated_customers|change_id|active_customers")) return Types.BIGINT;
		if (name.matches(".*_(share|probability)|rfm_score|rfm_score_change|silence_ratio|mean_.*_score|median_recency_days|lower_bound|upper_bound")) return Types.DOUBLE;
		if (name.matches("as_of|.*_on|valid_from|cohort_month")) return Types.DATE;
		if (name.matches(".*_at")) return Types.TIMESTAMP;
		if (name.matches("customer_key|customer_id|tenant|.*segment|.*label|.*color|action|rfm_code|.*_reason|reason|status")) return Types.VARCHAR;
		return null;
	}

	/* Every column of every row, as its declared type; what is wrong with it, or null. */
	static String read(ResultSet r, List<Column> columns, int[] rows) throws SQLException {
		ResultSetMetaData meta = r.getMetaData();
		if (meta.getColumnCount() != columns.size())
			return meta.getColumnCount() + " columns, not " + columns.size();
		for (int i = 1; i <= columns.size(); i++) {
			Column c = columns.get(i - 1);
			if (!meta.getColumnName(i).equals(c.name) || meta.getColumnType(i) != c.type)
				return "column " + i + " is " + meta.getColumnName(i) + " of type " + meta.getColumnTypeName(i);
			if (c.type == Types.NUMERIC && meta.getScale(i) != c.digits)
				return c.name + " has scale " + meta.getScale(i);
		}
		Set<String> keys = new HashSet<>();
		while (r.next()) {
			rows[0]++;
			for (int i = 1; i <= columns.size(); i++) {
				Column c = columns.get(i - 1);
				Object value;
				switch (c.type) {
					case Types.NUMERIC:
						BigDecimal d = r.getBigDecimal(i);
						if (d != null && d.scale() != c.digits)
							return c.name + " " + d + " has scale " + d.scale();
						value = d;
						break;
					case Types.INTEGER: value = r.getInt(i); break;
					case Types.BIGINT: value = r.getLong(i); break;
					case Types.DOUBLE:
						double f = r.getDouble(i);
						if (Double.isNaN(f) || Double.isInfinite(f))
							return c.name + " is " + f;
						value = f;
						break;
					case Types.DATE: value = r.getObject(i, LocalDate.class); break;
					case Types.TIMESTAMP: value = r.getObject(i, OffsetDateTime.class); break;
					case Types.BIT: value = r.getBoolean(i); break;
					case Types.VARCHAR: value = r.getString(i); break;
					default: return c.name + " has JDBC type " + c.type;
				}
				if (c.name.equals("customer_key") && columns.get(0) == c && (r.wasNull() || !keys.add((String) value)))
					return "customer_key is no key";
				if (c.name.matches("[rfm]_score|basket_score") && !r.wasNull() && ((Integer) value < 1 || (Integer) value > 20))
					return c.name + " is " + value;
			}
		}
		return null;
	}

	static void views(String model) throws SQLException {
		List<String> views = new ArrayList<>();
		boolean described = true;
		try (ResultSet r = db.getMetaData().getTables(null, model, null, new String[] {"VIEW"})) {
			while (r.next()) {
				// the driver lists what the catalogs have: private levels, which no reader may read, too
				if (r.getString("TABLE_NAME").startsWith("_"))
					continue;
				views.add(r.getString("TABLE_NAME"));
				described &= r.getString("REMARKS") != null && !r.getString("REMARKS").isEmpty();
			}
		}
		test(views.size() >= 14, model + ": DatabaseMetaData lists " + views.size() + " views: " + views);
		test(described, model + ": all have REMARKS");

		/* information_schema says the same */
		Map<String, List<String>> standard = new LinkedHashMap<>();
		String odd = "";
		try (PreparedStatement s = db.prepareStatement(
				"SELECT c.table_name, c.column_name, c.data_type, c.numeric_precision, c.numeric_scale FROM information_schema.columns c"
				+ " JOIN information_schema.tables t USING (table_schema, table_name) WHERE table_schema = ? AND t.table_type = 'VIEW' ORDER BY c.table_name, c.ordinal_position")) {
			s.setString(1, model);
			try (ResultSet r = s.executeQuery()) {
				while (r.next()) {
					standard.computeIfAbsent(r.getString(1), k -> new ArrayList<>()).add(r.getString(2));
					String type = r.getString(3);
					if (!type.matches("text|integer|bigint|smallint|numeric|double precision|date|boolean|timestamp with time zone"))
						odd += " " + r.getString(1) + "." + r.getString(2) + " " + type;
					if (type.equals("numeric") && (r.getObject(4) == null || r.getObject(5) == null))
						odd += " " + r.getString(1) + "." + r.getString(2) + " without a scale";
				}
			}
		}
		test(new TreeSet<>(views).equals(new TreeSet<>(standard.keySet())), model + ": information_schema lists the same views");
		test(odd.isEmpty(), model + ": information_schema knows plain types only" + odd);
		try (PreparedStatement s = db.prepareStatement("SELECT count(*) FROM information_schema.tables WHERE table_schema = ? AND table_type <> 'VIEW'")) {
			s.setString(1, model);
			try (ResultSet r = s.executeQuery()) {
				r.next();
				test(r.getInt(1) == 0, model + ": and no table, to a reader");
			}
		}

		Set<String> reserved = new HashSet<>(Arrays.asList(db.getMetaData().getSQLKeywords().toLowerCase().split(",")));
		reserved.addAll(Arrays.asList("order", "user", "group", "desc", "end", "window", "offset", "limit", "value", "values", "date", "day", "from", "to", "select", "table", "column"));
		Pattern plain = Pattern.compile("[a-z][a-z0-9_]{0,29}");
		for (String view : views) {
			String name = model + "." + view;
			List<Column> columns = columns(model, view);
			String wrong = "";
			List<String> names = new ArrayList<>();
			for (Column c : columns) {
				names.add(c.name);
				if (c.remarks == null || c.remarks.isEmpty())
					wrong += " " + c.name + " has no REMARKS";
				if (c.type == Types.OTHER || c.type == Types.ARRAY || c.type == Types.STRUCT || c.type == Types.DISTINCT || c.type == Types.SQLXML || c.type == Types.BINARY)
					wrong += " " + c.name + " is " + c.typeName;
				if (rule(c.name) != null && rule(c.name) != c.type)
					wrong += " " + c.name + " is " + c.typeName;
				if (c.type == Types.NUMERIC && (c.size != 24 || c.digits != 2))
					wrong += " " + c.name + " is numeric(" + c.size + ", " + c.digits + ")";
				if (!plain.matcher(c.name).matches())
					wrong += " " + c.name + " needs quotes or is long";
			}
			if (!plain.matcher(view).matches())
				wrong += " " + view + " needs quotes or is long";
			test(wrong.isEmpty(), name + ": " + columns.size() + " columns with REMARKS and plain types" + wrong);
			test(names.equals(standard.get(view)), name + ": the same columns in information_schema");

			/* as a report does: names in quotes, in a cursor; then prepared, in binary */
			int[] rows = {0}, again = {0};
			db.setAutoCommit(false);
			try (Statement s = db.createStatement()) {
				s.setFetchSize(50);
				StringBuilder list = new StringBuilder();
				for (String column : names)
					list.append(list.length() == 0 ? "" : ", ").append("\"" + view + "\".\"" + column + "\"");
				try (ResultSet r = s.executeQuery("SELECT " + list + " FROM \"" + model + "\".\"" + view + "\"")) {
					String bad = read(r, columns, rows);
					test(bad == null, name + ": " + rows[0] + " rows by their types" + (bad == null ? "" : ": " + bad));
				}
			}
			db.setAutoCommit(true);
			try (PreparedStatement s = db.prepareStatement("SELECT * FROM " + name)) {
				s.unwrap(org.postgresql.PGStatement.class).setPrepareThreshold(-1);
				s.executeQuery().close();
				try (ResultSet r = s.executeQuery()) {
					String bad = read(r, columns, again);
					test(bad == null && again[0] == rows[0], name + ": the same, prepared, in binary" + (bad == null ? "" : ": " + bad));
				}
			}
			test(rows[0] > 0 || view.equals("attribute_summary") || view.equals("propensity_check"), name + " has rows");
		}
	}

	static void functions(String model) throws SQLException {
		Map<String, String> functions = new TreeMap<>();
		try (ResultSet r = db.getMetaData().getFunctions(null, model, null)) {
			while (r.next())
				functions.put(r.getString("FUNCTION_NAME"), r.getString("REMARKS"));
		}
		test(functions.keySet().containsAll(Arrays.asList("cohort_retention", "customer_scores_at", "segment_history", "segment_transitions")),
			model + ": DatabaseMetaData lists the dated functions: " + functions.keySet());
		test(!functions.containsValue(null) && !functions.containsValue(""), model + ": all have REMARKS");

		LocalDate[] days = {LocalDate.of(2024, 6, 30), LocalDate.of(2025, 6, 30)};
		try (PreparedStatement s = db.prepareStatement("SELECT * FROM " + model + ".customer_scores_at(?)")) {
			List<Column> wide = columns(model, "customer_scores");
			int[][] rows = {{0}, {0}};
			for (int round = 0; round < 6; round++) {		/* the plan is kept from the fifth on */
				rows[round % 2][0] = 0;
				s.setObject(1, days[round % 2]);
				try (ResultSet r = s.executeQuery()) {
					String bad = read(r, wide, rows[round % 2]);
					if (bad != null)
						test(false, model + ".customer_scores_at: " + bad);
				}
			}
			test(rows[0][0] > 0 && rows[1][0] > 0, model + ".customer_scores_at by a parameter, prepared: " + rows[0][0] + " and " + rows[1][0] + " rows");
			s.setNull(1, Types.DATE);
			try (ResultSet r = s.executeQuery()) {
				test(!r.next(), model + ".customer_scores_at of no day: no rows");
			}
		}
		try (PreparedStatement s = db.prepareStatement("SELECT min(as_of), max(as_of), max(last_order_on) FROM " + model + ".customer_scores_at(?)")) {
			for (LocalDate day : days) {
				s.setObject(1, day);
				try (ResultSet r = s.executeQuery()) {
					r.next();
					test(day.equals(r.getObject(1, LocalDate.class)) && day.equals(r.getObject(2, LocalDate.class)) && !r.getObject(3, LocalDate.class).isAfter(day),
						model + ".customer_scores_at answers for " + day);
				}
			}
		}
		String[][] calls = {{"segment_transitions(?, ?)", "2"}, {"segment_history(?, ?)", "2"}, {"segment_history(?, ?, CAST(? AS interval))", "3"},
			{"segment_history(from_day => ?, to_day => ?, step => '14 days')", "2"}, {"cohort_retention()", "0"}, {"customer_scores_at(?, 1)", "1"}};
		for (String[] call : calls) {
			try (PreparedStatement s = db.prepareStatement("SELECT * FROM " + model + "." + call[0])) {
				int n = Integer.parseInt(call[1]);
				if (n > 0) s.setObject(1, days[0]);
				if (n > 1) s.setObject(2, days[1]);
				if (n > 2) s.setString(3, "1 month");
				try (ResultSet r = s.executeQuery()) {
					ResultSetMetaData meta = r.getMetaData();
					List<Column> columns = new ArrayList<>();
					String wrong = "";
					for (int i = 1; i <= meta.getColumnCount(); i++) {
						Column c = new Column();
						c.name = meta.getColumnName(i);
						c.type = meta.getColumnType(i);
						c.digits = 2;
						if (rule(c.name) != null && rule(c.name) != c.type && !(c.name.equals("rfm_score")))
							wrong += " " + c.name + " is " + meta.getColumnTypeName(i);
						if (c.type == Types.NUMERIC)
							c.digits = meta.getScale(i);
						columns.add(c);
					}
					int rows = 0;
					while (r.next()) {
						rows++;
						for (int i = 1; i <= columns.size(); i++) {
							Column c = columns.get(i - 1);
							if (c.type == Types.NUMERIC && r.getBigDecimal(i) != null && r.getBigDecimal(i).scale() != 2)
								wrong += " " + c.name + " " + r.getBigDecimal(i);
							else if (c.type == Types.DATE)
								r.getObject(i, LocalDate.class);
							else if (c.type == Types.DOUBLE)
								r.getDouble(i);
							else if (c.type == Types.OTHER || c.type == Types.ARRAY || c.type == Types.STRUCT)
								wrong += " " + c.name + " is " + meta.getColumnTypeName(i);
							else
								r.getString(i);
						}
						if (!wrong.isEmpty())
							break;
					}
					test(rows > 0 && wrong.isEmpty(), model + "." + call[0] + ": " + rows + " rows" + wrong);
				}
			}
		}
	}

	static void refused(String what, String sql, String state, String message) throws SQLException {
		try (Statement s = db.createStatement()) {
			s.execute(sql);
			test(false, what + ": not refused");
		} catch (SQLException e) {
			test(e.getSQLState().equals(state) && e.getMessage().contains(message), what + ": " + e.getSQLState() + " " + e.getMessage());
		}
	}

	public static void main(String[] args) throws Exception {
		Properties properties = new Properties();
		properties.setProperty("user", args[1]);
		properties.setProperty("readOnly", "true");
		db = DriverManager.getConnection(args[0], properties);
		DatabaseMetaData meta = db.getMetaData();
		System.out.println("# " + meta.getDriverName() + " " + meta.getDriverVersion() + ", Java " + System.getProperty("java.version") + ", PostgreSQL " + meta.getDatabaseProductVersion());
		for (String model : Arrays.copyOfRange(args, 2, args.length)) {
			List<String> schemas = new ArrayList<>();
			try (ResultSet r = meta.getSchemas()) {
				while (r.next())
					schemas.add(r.getString("TABLE_SCHEM"));
			}
			test(schemas.contains(model), model + " is among the schemas");
			views(model);
			functions(model);
			refused(model + ".customer_histories", "SELECT * FROM " + model + ".customer_histories", "42501", "customer_histories");
		}
		db.close();
		properties.remove("readOnly");
		db = DriverManager.getConnection(args[0], properties);
		refused("refresh_model", "SELECT * FROM scoring.refresh_model('" + args[2] + "')", "42501", "belongs to role");
		db.close();
		System.exit(failed ? 1 : 0);
	}
}
