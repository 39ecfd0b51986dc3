# Getting a CSV file into the server, for demo/run. COPY does the parsing; this
# file only chooses its options, and what to do when COPY refuses.

now() { printf '%s' "${EPOCHREALTIME/,/.}"; }
elapsed() { awk -v a="$1" -v b="$(now)" 'BEGIN { printf "%.3f", b - a }'; }

# What is going on, on a terminal; '' wipes it.
status() {
	[ -t 2 ] || return 0
	printf '\r\033[K%s' "${1:+$1 ...}" >&2
}

# psql that stops at the first error and says it as ours.
sql() {
	local rc=0 errors=$WORK/errors.$BASHPID
	psql -X -q -v ON_ERROR_STOP=1 -v SHOW_CONTEXT=never "$@" 2>"$errors" || rc=$?
	if [ $rc != 0 ]; then
		stop_progress
		status ''
		sed -n 's/^.*ERROR:  \(.*\)/demo\/run: \1/p; s/^HINT:  \(.*\)/  \1/p' "$errors" >&2
		grep -q 'ERROR:' "$errors" || cat "$errors" >&2
		exit 1
	fi
}

quoted() { printf "'%s'" "${1//\'/\'\'}"; }

MOST_OF_A_LINE=1000000

# What can be said of the file before a server is needed. Sets BOM, LINES_SKIPPED, FILTER.
look_at_file() {
	local head
	[ -e "$FILE" ] || die "$(say "there is no file $FILE" "le fichier $FILE n'existe pas")"
	[ ! -d "$FILE" ] || die "$(say "$FILE is a directory" "$FILE est un répertoire")"
	[ -r "$FILE" ] || die "$(say "$FILE can't be read: permission denied" "$FILE ne peut être lu : accès refusé")"
	if ! [ -f "$FILE" ]; then
		die "$(say "$FILE is not a plain file" "$FILE n'est pas un fichier ordinaire")"
	fi
	[ -s "$FILE" ] || die "$(say "$FILE is empty" "$FILE est vide")"
	head=$(head -c 8 -- "$FILE" | od -An -tx1 | tr -d ' \n')
	BOM=0 LINES_SKIPPED=0 FILTER=cat
	case $head in
		efbbbf*) BOM=3 ;;
		fffe* | feff*) FILTER='iconv -f UTF-16 -t UTF-8' ;;
		??00??00??00??00) FILTER='iconv -f UTF-16LE -t UTF-8' ;;
		00??00??00??00??) FILTER='iconv -f UTF-16BE -t UTF-8' ;;
		504b0304* | d0cf11e0*)
			die "$(say "$FILE is a workbook or an archive, not CSV: save the sheet as CSV (UTF-8)" "$FILE est un classeur ou une archive, pas du CSV : enregistrez la feuille en CSV (UTF-8)")" ;;
		1f8b* | 28b52ffd | fd377a58 | 425a68*)
			die "$(say "$FILE is compressed: unpack it first" "$FILE est compressé : décompressez-le d'abord")" ;;
	esac
	if [ "$FILTER" != cat ] && ! eval "$FILTER" <"$FILE" >/dev/null 2>&1; then
		die "$(say "$FILE begins like UTF-16, but is not" "$FILE commence comme de l'UTF-16, mais n'en est pas")"
	fi
	if [ "$FILTER" = cat ] && [ "$(head -c 65536 -- "$FILE" | tr -d '\0' | wc -c)" != "$(head -c 65536 -- "$FILE" | wc -c)" ]; then
		die "$(say "$FILE is binary, not CSV" "$FILE est binaire, pas du CSV")"
	fi
	case $(feed 2>/dev/null | head -c 300 | tr -d '\r\n\t ' | tr '[:upper:]' '[:lower:]') in
		'<html'* | '<!doctype'* | '<table'* | '<?xml'* | '<!--'*)
			die "$(say "$FILE is HTML or XML, not CSV: save the sheet as CSV (UTF-8)" "$FILE est du HTML ou du XML, pas du CSV : enregistrez la feuille en CSV (UTF-8)")" ;;
		'{"'* | '[{'* | '[]'* | '{}'*) die "$(say "$FILE is JSON, not CSV" "$FILE est du JSON, pas du CSV")" ;;
		'%pdf'* | '{\rtf'* | 'par1'* | 'sqlite'*) die "$(say "$FILE is a document or a database, not CSV" "$FILE est un document ou une base, pas du CSV")" ;;
	esac
	# line ends of old Macs
	if [ "$(head -c 65536 -- "$FILE" | tr -dc '\n' | wc -c)" = 0 ] && [ "$(head -c 65536 -- "$FILE" | tr -dc '\r' | wc -c)" != 0 ]; then
		FILTER+=" | tr '\\r' '\\n'"
	fi
	# Excel's first line that names the delimiter
	if [[ $(head -n 1 < <(feed 2>/dev/null) | tr -d '\r"\0') =~ ^sep=(.)$ ]]; then
		[ -n "$DELIMITER" ] || DELIMITER=${BASH_REMATCH[1]}
		LINES_SKIPPED=1
	fi
	if [ "$(feed 2>/dev/null | head -n 1 | head -c $((MOST_OF_A_LINE + 1)) | wc -c)" -gt $MOST_OF_A_LINE ]; then
		die "$(say "the first line of $FILE is longer than 1 MB: it has no line ends, or is not CSV" "la première ligne de $FILE dépasse 1 Mo : pas de fins de ligne, ou pas du CSV")"
	fi
	LC_ALL=C grep -qa '[^[:space:]]' < <(feed 2>/dev/null) || die "$(say "$FILE has no text in it" "$FILE ne contient aucun texte")"
}

# The text of the file.
feed() {
	tail -c +$((BOM + 1)) -- "$FILE" | eval "$FILTER" | tail -n +$((LINES_SKIPPED + 1))
}

# --- progress --------------------------------------------------------------------

PROGRESS=
start_progress() {
	[ "$(stat -Lc %s -- "$FILE")" -gt 20000000 ] || return 0
	(
		trap - EXIT INT TERM
		rows=0 said=$SECONDS
		while sleep 1; do
			rows=$(psql -XAtq -c "SELECT to_char(max(tuples_processed), 'FM999,999,999,999') FROM pg_stat_progress_copy WHERE type = 'PIPE'" 2>/dev/null)
			[ -n "$rows" ] || continue
			if [ -t 2 ]; then
				status "$(say "$rows rows loaded" "$rows lignes chargées")"
			elif [ $((SECONDS - said)) -ge 5 ]; then
				said=$SECONDS
				say "$rows rows loaded" "$rows lignes chargées" >&2; echo >&2
			fi
		done
	) &
	PROGRESS=$!
}
stop_progress() {
	[ -n "$PROGRESS" ] || return 0
	kill "$PROGRESS" 2>/dev/null
	wait "$PROGRESS" 2>/dev/null
	PROGRESS=
}

# --- COPY ------------------------------------------------------------------------

# copy STATEMENT TABLE COLUMNS OPTIONS <DATA: one attempt, after the statement. Sets SQLSTATE,
# and MESSAGE where it failed, else ROWS, how many they were.
copy() {
	SQLSTATE=00000 MESSAGE=
	if ROWS=$(psql -X -At -v ON_ERROR_STOP=1 -v VERBOSITY=verbose -c "$1" -c "COPY $2 ($3) FROM STDIN (FORMAT csv, $4)" \
		2>"$WORK/copy.errors")
	then
		ROWS=${ROWS##*COPY }		# what psql says at the end
		return 0
	fi
	SQLSTATE=$(sed -n 's/^ERROR:  \([0-9A-Z]\{5\}\): .*/\1/p' "$WORK/copy.errors" | head -n 1)
	MESSAGE=$(sed -n 's/^ERROR:  [0-9A-Z]\{5\}: //p' "$WORK/copy.errors" | head -n 1)
	[ -n "$MESSAGE" ] || MESSAGE=$(head -n 1 "$WORK/copy.errors")
	return 1
}

# with_encodings COMMAND: COMMAND ENCODING with each candidate, until the server
# finds the whole file valid in it. Sets USED_ENCODING.
with_encodings() {
	local encoding encodings='UTF8 WIN1252 LATIN1'
	[ -z "$ENCODING" ] || encodings=$ENCODING
	for encoding in $encodings; do
		USED_ENCODING=$encoding
		"$1" "$encoding" && return 0
		case $SQLSTATE in
			22021 | 22P05)
				case $MESSAGE in *': 0x00') die "$(say "$FILE is binary, not CSV: it holds bytes of zero" "$FILE est binaire, pas du CSV : il contient des octets nuls")" ;; esac ;;
			*) return 1 ;;
		esac
	done
	return 1
}

# The lines that show how the file is written.
first_lines() {
	feed 2>/dev/null | head -n 60 | head -c $MOST_OF_A_LINE >"$WORK/first"
	# what was cut off may end within a letter
	[ "$(stat -c %s "$WORK/first")" -lt $MOST_OF_A_LINE ] || LC_ALL=C sed -i '$d' "$WORK/first"
	tr -d '\001\002' <"$WORK/first" | LC_ALL=C sed 's/\r$//; s/\r/ /g; s/^/:/'
}

# Control characters that no line of text holds, so that COPY takes a line as it is.
AS_IT_IS="HEADER false, DELIMITER E'\\x01', QUOTE E'\\x02'"

# (The data come by redirection: a copy at the end of a pipe would set its
# variables in a subshell.)
copy_first_lines() {
	copy 'TRUNCATE demo.first_lines RESTART IDENTITY' demo.first_lines content "$AS_IT_IS, ENCODING '$1'" < <(first_lines)
}
copy_rows() {
	copy "SELECT demo.make_raw($COLUMNS_IN_FILE)" demo.raw "$COLUMN_LIST" "HEADER $HEADER, DELIMITER $(quoted "$DELIMITER"), ENCODING '$1'" < <(feed)
}
copy_lines() {
	copy "TRUNCATE demo.lines; ALTER TABLE demo.lines ALTER line RESTART WITH $((LINES_SKIPPED + 1))" demo.lines content "$AS_IT_IS, ENCODING '$1'" < <(feed | tr -d '\001\002' | LC_ALL=C sed 's/\r$//; s/\r/ /g; s/^/:/')
}

# Loads what COPY takes of a file that it doesn't take whole: see set_records_apart.
records() {
	with_encodings copy_lines || die "$MESSAGE"
	sql -o /dev/null -c "SELECT demo.set_records_apart($(quoted "$DELIMITER"), $COLUMNS_IN_FILE)"
	[ $HEADER = false ] || sql -c "DELETE FROM demo.records WHERE line = $((LINES_SKIPPED + 1))"
	copy "SELECT demo.make_raw($COLUMNS_IN_FILE)" demo.raw "line, $COLUMN_LIST" "HEADER false, DELIMITER $(quoted "$DELIMITER"), ENCODING 'UTF8'" < <(
		sql -c "COPY (SELECT line || $(quoted "$DELIMITER") || content FROM demo.records ORDER BY line)
			TO STDOUT (FORMAT csv, ${AS_IT_IS#*, })" | tr -d '\002'
	) || die "$MESSAGE"
}

load_file() {
	local lines before answer i
	if [ -n "$ENCODING" ]; then
		[[ $ENCODING =~ ^[A-Za-z0-9_-]+$ ]] && [ "$(sql -At -c "SELECT pg_char_to_encoding('$ENCODING') >= 0")" = t ] ||
			die "$(say "no such encoding: $ENCODING; try utf-8, latin1 or windows-1252" "encodage inconnu : $ENCODING ; essayez utf-8, latin1 ou windows-1252")"
	fi
	[ -z "$TIME_ZONE" ] || psql -X -q -v ON_ERROR_STOP=1 -o /dev/null -v zone="$TIME_ZONE" -f - 2>/dev/null <<<"SELECT now() AT TIME ZONE :'zone';" ||
		die "$(say "no such time zone: $TIME_ZONE; write it like Europe/Paris" "fuseau inconnu : $TIME_ZONE ; écrivez Europe/Paris")"

	status "$(say 'loading' 'chargement')"
	with_encodings copy_first_lines || die "$MESSAGE"
	answer=$(sql -At -F ' ' -v delimiter="$DELIMITER" -v header=$HEADER -v customer="$CUSTOMER" -v day="$DAY" -v value="$VALUE" \
		-v quantity="$QUANTITY" -v refunded="$REFUNDED" -f - <<-'END'
		SELECT columns, lines_above, ascii(delimiter) AS delimiter_code
		  FROM demo.read_first_lines(nullif(:'delimiter', ''), :'header', ARRAY[:'customer', :'day', :'value']) \gset
		SELECT demo.name_columns(:columns, :'header') \g /dev/null
		SELECT :columns, :lines_above, :delimiter_code, customer_position, day_position, value_position,
			   coalesce(quantity_position::text, 'NULL'), coalesce(refunded_position::text, 'NULL')
		  FROM demo.choose_columns(nullif(:'customer', ''), nullif(:'day', ''), nullif(:'value', ''), nullif(:'quantity', ''), nullif(:'refunded', ''));
	END
	) || exit 1
	read -r COLUMNS_IN_FILE i DELIMITER CUSTOMER_AT DAY_AT VALUE_AT QUANTITY_AT REFUNDED_AT <<<"$answer"
	LINES_SKIPPED=$((LINES_SKIPPED + i))
	printf -v i '\\x%02x' "$DELIMITER"
	printf -v DELIMITER "$i"
	COLUMN_LIST=c1; for ((i = 2; i <= COLUMNS_IN_FILE; i++)); do COLUMN_LIST+=", c$i"; done

	start_progress
	before=$((LINES_SKIPPED + $([ $HEADER = true ] && echo 1 || echo 0)))
	# A line of \. alone would end the data for COPY. Where COPY finds other
	# rows than there are lines, a field has line breaks, or seems to.
	if LC_ALL=C grep -qxa $'\\\\\\.\r\\{0,1\\}' < <(feed 2>/dev/null); then
		records
		before=0
	elif with_encodings copy_rows; then
		lines=$(feed | wc -l)
		[ -z "$(tail -c 1 -- "$FILE" | tr -d '\n\r\0')" ] || lines=$((lines + 1))
		if [ "$ROWS" != $((lines + LINES_SKIPPED - before)) ]; then
			records
			before=0
		fi
	elif [ "$SQLSTATE" = 22P04 ]; then
		records
		before=0
	elif [ "$SQLSTATE" = 54000 ] || [ "$SQLSTATE" = 53200 ] || [[ $MESSAGE == *'alloc request size'* ]]; then
		die "$(sql -At -c "SELECT demo.t('line too long')")"
	else
		die "$MESSAGE"
	fi
	stop_progress

	status "$(say 'reading days and amounts' 'lecture des dates et des montants')"
	sql -o /dev/null -v before=$before -v customer="$CUSTOMER_AT" -v day="$DAY_AT" -v value="$VALUE_AT" -v quantity="$QUANTITY_AT" \
		-v refunded="$REFUNDED_AT" -v refunded_asked="$([ -n "$REFUNDED" ] && echo true || echo false)" -v guests="$GUESTS" -v cancelled="$CANCELLED" -v anyway=$ANYWAY \
		-v order="$ORDER" -v decimal="$DECIMAL" -v format="$DATE_FORMAT" -v zone="$TIME_ZONE" -v currency="$CURRENCY" \
		-v encoding="$([ "$USED_ENCODING" = UTF8 ] || [ -n "$ENCODING" ] || echo "$USED_ENCODING")" -f - <<-'END'
		SELECT demo.stop_without_rows() WHERE NOT EXISTS (SELECT FROM demo.raw);
		INSERT INTO demo.remarks (line) SELECT demo.t('encoding', :'encoding') WHERE :'encoding' <> '';
		SELECT demo.read_days(:day, nullif(:'format', ''), nullif(:'zone', ''));
		SELECT demo.read_numbers('value', :value, nullif(:'decimal', ''));
		SELECT demo.read_numbers('quantity', :quantity, nullif(:'decimal', '')) WHERE :quantity IS NOT NULL;
		SELECT coalesce(demo.read_refunded(:refunded, :value, :refunded_asked)::text, 'NULL') AS refunded WHERE :refunded IS NOT NULL
		UNION ALL SELECT 'NULL' WHERE :refunded IS NULL \gset
		SELECT demo.make_orders(:customer, :day, :value, :quantity, :refunded, demo.currency_code(:'currency'), :anyway, :before);
		SELECT demo.look_at_totals();
		SELECT demo.look_at_guests(nullif(:'guests', ''), :value);
		SELECT demo.look_at_cancelled(:'cancelled' = 'out');
		SELECT demo.look_at_quantities(:value) WHERE :quantity IS NULL;
		SELECT demo.add_up_orders(:'order') WHERE :'order' <> '';
		SELECT demo.look_at_order_numbers() WHERE :'order' = '';
		SELECT demo.look_at_keys();
		SELECT demo.finish_orders();
	END
}
