# The installation script, the catalog it makes (test/lint.sql), the messages, the
# words (test/words.pl), and the page that is made from the catalog.

stage_lint() {
	local script
	script=$(find "$TOP/normal.root" -name "customer_scoring--$(sed -n "s/^default_version = '\(.*\)'/\1/p" customer_scoring.control).sql")
	check 'the script creates nothing conditionally'  absent '^(CREATE +OR +REPLACE|CREATE .*IF +NOT +EXISTS|DROP .*IF +EXISTS)' "$script"
	check 'the script names no schema of the user'    absent '\bpublic\.[a-z_\"]|SCHEMA +public' "$script"
	check 'every C function is found by MODULE_PATHNAME' absent '\$libdir' "$script"
	check 'no SQL reads parse trees as text'          reads_no_trees sql/*.sql sql/model/*.sql
	check 'a parse tree that is read as text is found' planted_tree_fails
	check 'every SELECT has a column'                 selects_something sql/*.sql sql/*.pl sql/model/*.sql src/*.c src/*/*.c
	check 'a SELECT without a column is found'        planted_select_fails
	check 'messages name no customer'                 absent 'err(msg|detail|hint)[a-z_]*\(.*(customer(->|_id)|row->|[>.]key\b)' src/*.c src/*/*.c
	check 'no signal-unsafe or global state of libm'  absent '\b(lgamma|tgamma|srand|rand|random|strtok|setlocale)\(' src/*.c src/*/*.c
	check 'a use of a later SQL file fails the build'  planted_use_fails
	check 'the format of C and SQL (test/format)'      well_formatted
	check 'lines in a bad format are found'            planted_lines_found
	check 'the tests order by columns, not by numbers that are cast' orders_by_columns test/sql/*.sql test/t/*.pl README.md docs/*.md
	check 'an order by a number that is cast is found' planted_order_fails
	check 'a text that is not there fails the build'  planted_fails 's/_explain_text(.purpose./_explain_text('"'purpoze'"'/' explain 'uses text "purpoze"'
	check 'a text that nobody uses fails the build'   planted_fails "s/^\t('purpose',/\t('aim', 'a', 'b'),\n&/" words 'nobody uses text "aim"'
	check 'a comment beyond ASCII fails the build'    planted_fails "s/IS 'internal: what explanations/IS 'internal: expliqué/" words "literal that can't be an expression"
	check 'a name beyond ASCII fails the build'       planted_fails 's/CREATE TABLE @extschema@._text/&é/' words 'beyond ASCII outside of a literal'
	check 'a shop query over an unknown column fails'  planted_fails "s/s.total_sales, 2) AS value/s.totale, 2) AS value/" ../shops 'query orders: source stats has no column totale'
	check 'docs/sources.md has a row for each system'  perl sql/check_shops.pl sql/shops.sql docs/sources.md
	check 'a fact that is no column fails the build'  planted_fails "/'silence_ratio', 'all'/s/true, true/true, false/" columns 'fact "silence_ratio"'
	check 'the docs say what settings and columns are' perl test/check_docs.pl
	check 'a stale table of the docs is found'        stale_docs_fail
	check 'texts are in plain modern English'         perl test/words.pl README.md CONTRIBUTING.md CHANGELOG.md docs/*.md \
		sql/*.sql sql/*.pl sql/model/*.sql src/*.[ch] src/*/*.[ch] $(find demo -type f)
	check 'package-lock.json names no address'        no_addresses
	check 'a word that has a plainer one is found'    planted_words_fail
	start_cluster normal
	sql postgres -c 'CREATE SCHEMA scoring' -c 'CREATE EXTENSION customer_scoring SCHEMA scoring'
	sql postgres -At -f test/lint.sql >"$WORK/lint.out" 2>&1
	tally_tap lint "$WORK/lint.out" $?
	check 'comments are in plain modern English'      plain_comments
	check 'docs/functions.md is what the catalog says: make docs/functions.md' fresh_page
	grep -q '^not ok' "$WORK/lint.out" && cat "$WORK/lint.out"
	check 'a setting and a column are one row and their use' adding_is_one_row
	check 'the tables of models are those of their layout: see test/layouts' layout_is_known
	check 'another column of such a table is found'    planted_column_fails
	figure "$(sed -n 's/^# \(.*\)$/\1/p' "$WORK/lint.out" | tail -n 1)"
}

# absent PATTERN FILE...: no line of code matches; comments may.
absent() {
	local pattern=$1; shift
	! grep -HnE "$pattern" "$@" | grep -vE '^[^:]*:[0-9]+:[[:space:]]*(--|/?\*)'
}

# Each major writes a parse tree in another way: what it says is asked of pg_depend, or of C that
# walks it. A digest tells whether one has changed, and no more.
reads_no_trees() {
	local tree='(ev_action|ev_qual|prosqlbody|proargdefaults|conbin|adbin|indexprs|indpred|polqual|polwithcheck|tgqual|partexprs|pg_node_tree)'
	local spelling="'[^']*(\\\\?\\{[A-Z]{3}|:[a-z]+([A-Z][A-Za-z]*)? *(true|[0-9([\\\\]))"
	absent "~\\*? *$spelling|$tree(::[a-z_.]+|\))* *((NOT +)?I?LIKE|(OPERATOR\([a-z_.]*)?!?~)|(regexp_[a-z_]+|substring|substr|strpos|position|split_part|replace)\([^,]*\b$tree" "$@"
}

planted_tree_fails() {
	local planted
	for planted in "w.ev_action ~ ':relid 12'" "(w.ev_action::text) !~* 'x'" "p.prosqlbody::text LIKE '%:funcid%'" \
		"d.adbin OPERATOR(pg_catalog.~) 'x'" "regexp_matches(w.ev_action::text, ':relid ([0-9]+)')" "strpos(w.ev_action, 'x')" "tree ~ ':hasSubLinks true'" "tree ~ '\{XMLEXPR '" "tree ~ ':relid (\d+)'"; do
		echo "SELECT FROM pg_rewrite AS w WHERE $planted;" >"$WORK/tree.sql"
		! reads_no_trees "$WORK/tree.sql" >/dev/null || { echo "not found: $planted"; return 1; }
	done
	for planted in 'md5(w.ev_action)' "pg_get_expr(d.adbin, d.adrelid) ~ 'x'" 'f.prosqlbody IS NULL'; do
		echo "SELECT $planted;" >"$WORK/tree.sql"
		reads_no_trees "$WORK/tree.sql" || return 1
	done
}

# Citus can't plan a subquery without columns over its tables: a source, or the people, may be some.
selects_something() {
	perl -0777 -ne 's{^\s*(--|/?\*).*$}{}mg; while (/\bSELECT[\s\x27"]+FROM\b/g) { $bad = 1; printf "%s: SELECT FROM%s\n", $ARGV, substr($_, pos, 60) =~ s/\s+/ /gr } END { exit($bad ? 1 : 0) }' "$@"
}

planted_select_fails() {
	local planted
	for planted in 'EXISTS (SELECT FROM rule)' $'EXISTS (SELECT\n\t FROM rule)' "format('SELECT'"$'\n'"' FROM %s')"; do
		echo "$planted" >"$WORK/select.sql"
		! selects_something "$WORK/select.sql" >/dev/null || { echo "not found: $planted"; return 1; }
	done
	printf '%s\n' 'EXISTS (SELECT 1 FROM rule)' 'WITH level AS (SELECT) SELECT a FROM b' '-- SELECT FROM' >"$WORK/select.sql"
	selects_something "$WORK/select.sql"
}

# npm has an address of its own for what a lock file names by version and checksum.
no_addresses() { ! grep -nE '"resolved"|://' examples/*/package-lock.json test/*/package-lock.json; }

well_formatted() { test/format; }

# ORDER BY 2::text sorts by the text 2: the rows come as they lie, and in another order from one major to the next.
orders_by_columns() { ! grep -HnEi '\border by ([^();]*, *)?[0-9]+ *(::|collate\b|\|\||[-+*/] *[0-9a-z])' "$@"; }

planted_order_fails() {
	local planted
	for planted in '2::text' '1, 2::text' '1 DESC, 2 :: text' "1, 2 COLLATE \"C\"" '2 + 1' "1 || ''"; do
		echo "SELECT a, b FROM t ORDER BY $planted;" >"$WORK/order.sql"
		! orders_by_columns "$WORK/order.sql" >/dev/null || { echo "not found: $planted"; return 1; }
	done
	for planted in '1, 2' '1, b::text' 'draw(1 + a, 2), a' 'a + 1' '2 DESC NULLS LAST LIMIT 1'; do
		echo "SELECT a, b FROM t ORDER BY $planted;" >"$WORK/order.sql"
		orders_by_columns "$WORK/order.sql" || return 1
	done
}

# Each rule of test/format finds a line that breaks it, in a folder of its own.
planted_lines_found() {
	local tree=$WORK/unformatted
	mkdir -p "$tree/test" "$tree/src/score" "$tree/sql/model"
	cp test/format "$tree/test/"
	printf 'int\tx;\n' >"$tree/src/score/good.c"
	printf -- '-- good\n' >"$tree/sql/model/good.sql"
	(cd "$tree" && test/format) >/dev/null || return 1
	printf '    int x;\n' >"$tree/src/score/spaces.c"
	printf 'int\tx; \n' >"$tree/src/score/end.c"
	printf 'int\tx;\t// x\n' >"$tree/src/score/comment.c"
	printf 'int\tx;' >"$tree/src/score/newline.c"
	printf '%0101d\n' 0 >"$tree/src/score/long.c"
	printf '%0121d\n' 0 >"$tree/sql/model/long.sql"
	(cd "$tree" && ! test/format) >"$WORK/format.out" || return 1
	local rule
	for rule in 'spaces.c:1: is indented with spaces' 'end.c:1: ends with a space' 'comment.c:1: has a comment with //' \
		'newline.c: does not end with one newline' 'long.c:1: has 101 columns' 'long.sql:1: has 121 columns'; do
		grep -q "$rule" "$WORK/format.out" || { echo "not found: $rule"; return 1; }
	done
}

# A copy of what the installation script is made of, in $WORK/planted.
planted_copy() {
	rm -rf "$WORK/planted"
	mkdir "$WORK/planted"
	cp -r Makefile META.json customer_scoring.control sql src test docs "$WORK/planted/"
	script=customer_scoring--$(sed -n "s/^default_version = '\(.*\)'/\1/p" customer_scoring.control).sql
	rm -f "$WORK/planted/$script"
}

# planted_script: the installation script of that copy.
planted_script() { make -s -C "$WORK/planted" PG_CONFIG="$PG_CONFIG" "$script" >"$WORK/planted.out" 2>&1; }
# Comments that are put together by expressions are seen in the catalog alone.
plain_comments() {
	sql postgres -At -c "SELECT pg_describe_object(classoid, objoid, objsubid), description FROM pg_description WHERE objoid >= 16384" >"$WORK/comments"
	[ "$(wc -l <"$WORK/comments")" -gt 300 ] && perl test/words.pl "$WORK/comments"
}

# Each word of the list is found, as a word and not as a part of one.
planted_words_fail() {
	local line
	perl test/words.pl <<<"when the customer is here, the herd, shallow barriers, his-tory.he" >"$WORK/words" || { cat "$WORK/words"; return 1; }
	for line in 'he orders' 'of Whom' 'Lest it' 'all bar one' 'made anew.' "isn't to be had? It is not to be had" 'for want of rows' 'the cut points' 'all verbs'; do
		! perl test/words.pl <<<"$line" >"$WORK/words" && grep -q '^-:1: ' "$WORK/words" || { echo "not found: $line"; return 1; }
	done
}

# The page of functions, made again, is the one that is there.
fresh_page() {
	sql postgres -At -f test/functions_page.sql >"$WORK/functions.md" && diff docs/functions.md "$WORK/functions.md" >"$WORK/functions.diff" ||
		{ head -n 20 "$WORK/functions.diff"; return 1; }
}

# The build refuses a file of sql/ that uses a name of a later one.
planted_use_fails() {
	local script
	planted_copy
	planted_script || return 1
	rm -f "$WORK/planted/$script"
	echo 'SELECT @extschema@.create_model(NULL, NULL);' >>"$WORK/planted/sql/score.sql"
	! planted_script && grep -q 'score.sql.* uses create_model, which sql/model/manage.sql makes' "$WORK/planted.out"
}

# planted_fails SED FILE MESSAGE: with that edit of a file of sql/model the build says MESSAGE.
planted_fails() {
	local script
	planted_copy
	sed -i "$1" "$WORK/planted/sql/model/$2.sql"
	! planted_script && grep -q "$3" "$WORK/planted.out"
}

# docs_fail SED FILE MESSAGE: with that edit of a file of docs the check says MESSAGE.
docs_fail() {
	local script
	planted_copy
	sed -i "$1" "$WORK/planted/docs/$2.md"
	! (cd "$WORK/planted" && perl test/check_docs.pl) >"$WORK/planted.out" 2>&1 && grep -q "$3" "$WORK/planted.out"
}
stale_docs_fail() {
	docs_fail '/^| `margin` |/d' models 'no row for setting margin' &&
		docs_fail '/^| `margin` |/s/| 1 |/| 0.5 |/' models 'default of margin is "0.5", not "1"' &&
		docs_fail '/^| `as_of` | NULL/s/always/sometimes/' models 'setting as_of is said to be' &&
		docs_fail '/^| `tenure_days` |/s/int/bigint/' models 'column tenure_days is of type bigint, not int' &&
		docs_fail 's/, `propensity_90d` (numbers)/ (numbers)/' segments 'known column propensity_90d'
}

# layout_of DATABASE [option of psql...]: the number of the layout, and a digest of the tables.
layout_of() {
	local database=$1; shift
	sql "$database" -At -F ' ' "$@" -c "SELECT scoring._model_layout(), md5(string_agg(line, chr(10) ORDER BY line COLLATE \"C\"))
		FROM (SELECT concat_ws(' ', relation, part, constraints) FROM scoring._model_table
			UNION ALL SELECT concat_ws(' ', relation, name, definition, kind) FROM scoring._model_table_column
			UNION ALL SELECT concat_ws(' ', 'configuration', name, type, is_required) FROM scoring._setting) AS l (line)"
}
layout_is_known() {
	local number version digest
	layout_of postgres >"$WORK/layout"
	read -r number version digest < <(tail -n 1 test/layouts)
	# before its release a layout may change as it likes
	grep -q "^## $version ([0-9]" CHANGELOG.md || { [ "$digest" = - ] && digest=$(cut -d' ' -f2 "$WORK/layout"); }
	[ "$number $digest" = "$(<"$WORK/layout")" ] || { echo "the layout is: $(<"$WORK/layout")"; return 1; }
}
planted_column_fails() {
	layout_of postgres -c 'BEGIN' -c "INSERT INTO scoring._model_table_column VALUES (1000, 'pending', 'added', 'text', NULL, 'added')" | tail -n 1 >"$WORK/planted.layout"
	[ "$(wc -w <"$WORK/planted.layout")" = 2 ] && ! cmp -s "$WORK/layout" "$WORK/planted.layout"
}

# What CONTRIBUTING.md says of adding a setting and a column, done in a copy: two
# rows and one use. Its script is installed as another version; the library is the same.
adding_is_one_row() {
	local script extension
	planted_copy
	(cd "$WORK/planted/sql/model" && perl -0pi -e "s{(?=\n\) AS s \(name, argument)}{,\n\t('loyal_orders', 100, 'int', '5', true, 1, 1000, NULL, 'views', 'none',\n\t\t'from how many orders on a customer is loyal')}" settings.sql &&
		perl -0pi -e "s{(?=\n\) AS c \(name, part)}{,\n\t('is_loyal', 'all', 'boolean', NULL, false, false, 'whether the customer has loyal_orders or more')}" columns.sql &&
		perl -0pi -e 's{segment_overridden, s.segment_by_rules,(?=\n)}{$& \$q\$ || format(\x27s.frequency >= %s AS is_loyal,\x27, settings ->> \x27loyal_orders\x27) || \$q\$}' query.sql) || return 1
	(cd "$WORK/planted" && ! perl test/check_docs.pl >"$WORK/planted.out" 2>&1) &&
		grep -q 'no row for setting loyal_orders' "$WORK/planted.out" && grep -q 'column is_loyal is of type nothing' "$WORK/planted.out" || return 1
	planted_script || { cat "$WORK/planted.out"; return 1; }
	extension=$(dirname "$(find "$WORK/normal.root/" -name customer_scoring.control)")
	cp "$WORK/planted/$script" "$extension/customer_scoring--added.sql"
	sql postgres -c 'CREATE DATABASE added' && sql added -At >"$WORK/added.out" 2>&1 <<-'SQL'
		CREATE SCHEMA scoring;
		CREATE EXTENSION customer_scoring SCHEMA scoring VERSION 'added';
		CREATE TABLE orders AS SELECT i % 10 AS customer, date '2025-01-01' + i AS day, 10 AS value FROM generate_series(1, 45) AS i;
		SELECT count(*) > 0 FROM scoring.create_model('shop', 'orders', as_of => '2025-12-31', loyal_orders => 4);
		SELECT 'loyal', count(*) FILTER (WHERE is_loyal), count(*) FROM shop.customer_scores;
		SELECT item, detail FROM scoring.alter_model('shop', reset => '{loyal_orders}') WHERE item = 'loyal_orders';
		SELECT 'loyal', count(*) FILTER (WHERE is_loyal), count(*) FROM shop.customer_scores;
		SELECT col_description(attrelid, attnum) FROM pg_attribute WHERE attname = 'loyal_orders' AND attrelid = 'shop.configuration'::regclass;
		SELECT col_description(attrelid, attnum) FROM pg_attribute WHERE attname = 'is_loyal' AND attrelid = 'shop.customer_scores'::regclass;
		DO $$ BEGIN PERFORM scoring.alter_model('shop', loyal_orders => 1001); EXCEPTION WHEN invalid_parameter_value THEN RAISE WARNING '%', SQLERRM; END $$;
		-- what is said of the columns of customer_scores is so
		SELECT 'type', s.name, a.atttypid::regtype FROM scoring._score_column AS s LEFT JOIN pg_attribute AS a ON a.attrelid = 'shop.customer_scores'::regclass AND a.attname = s.name
		 WHERE s.part = 'all' AND a.atttypid IS DISTINCT FROM s.type::regtype;
	SQL
	rm -f "$extension/customer_scoring--added.sql"
	diff - "$WORK/added.out" <<-'OUT'
		t
		loyal|10|10
		loyal_orders|4 -> 5
		loyal|5|10
		from how many orders on a customer is loyal
		whether the customer has loyal_orders or more
		WARNING:  loyal_orders 1001 is not between 1 and 1000
	OUT
}
