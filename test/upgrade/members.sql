-- What the extension consists of, a line a fact, for the comparison of an updated
-- extension with a new one in a schema of the same name.
SELECT line
  FROM (
	WITH member AS (
		SELECT d.classid, d.objid FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
		 WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'customer_scoring'
	), relation AS (
		SELECT c.* FROM member m JOIN pg_class c ON m.classid = 'pg_class'::regclass AND c.oid = m.objid
	)
	SELECT 'member ' || pg_describe_object(classid, objid, 0) AS line FROM member
	UNION ALL
	SELECT format('comment %s: %s', pg_describe_object(d.classoid, d.objoid, d.objsubid), d.description)
	  FROM pg_description d JOIN member m ON m.classid = d.classoid AND m.objid = d.objoid
	UNION ALL
	SELECT format('initial rights %s %s: %s', pg_describe_object(i.classoid, i.objoid, i.objsubid), i.privtype, i.initprivs)
	  FROM pg_init_privs i JOIN member m ON m.classid = i.classoid AND m.objid = i.objoid
	UNION ALL
	-- the text of a function in SQL is that of its tree; the argument names, defaults and settings are in it
	SELECT format('function %s %s %s', p.oid::regprocedure, p.proacl,
				  CASE WHEN p.prokind = 'a' THEN concat_ws(' ', pg_get_function_arguments(p.oid), p.prorettype::regtype, p.proparallel)
				       ELSE pg_get_functiondef(p.oid) END)
	  FROM member m JOIN pg_proc p ON m.classid = 'pg_proc'::regclass AND p.oid = m.objid
	UNION ALL
	SELECT format('aggregate %s %s', a.aggfnoid::regprocedure, concat_ws(' ', a.aggkind, a.aggnumdirectargs, a.aggtransfn,
				  a.aggfinalfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn, a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn,
				  a.aggfinalextra, a.aggmfinalextra, a.aggfinalmodify, a.aggmfinalmodify, a.aggsortop::regoperator,
				  a.aggtranstype::regtype, a.aggtransspace, a.aggmtranstype::regtype, a.aggmtransspace, a.agginitval, a.aggminitval))
	  FROM member m JOIN pg_aggregate a ON m.classid = 'pg_proc'::regclass AND a.aggfnoid = m.objid
	UNION ALL
	SELECT format('type %s %s', t.oid::regtype, concat_ws(' ', t.typlen, t.typbyval, t.typtype, t.typcategory, t.typispreferred,
				  t.typdelim, t.typinput, t.typoutput, t.typreceive, t.typsend, t.typanalyze, t.typalign, t.typstorage,
				  t.typnotnull, t.typbasetype::regtype, t.typcollation::regcollation, t.typacl,
				  (SELECT array_agg(concat_ws(' ', a.attname, a.atttypid::regtype, a.attcollation::regcollation) ORDER BY a.attnum)
				     FROM pg_attribute a WHERE a.attrelid = t.typrelid AND NOT a.attisdropped AND a.attnum > 0),
				  (SELECT array_agg(pg_get_constraintdef(k.oid) ORDER BY 1) FROM pg_constraint k WHERE k.contypid = t.oid)))
	  FROM member m JOIN pg_type t ON m.classid = 'pg_type'::regclass AND t.oid = m.objid
	UNION ALL
	SELECT format('operator %s %s', o.oid::regoperator, concat_ws(' ', o.oprkind, o.oprcanmerge, o.oprcanhash, o.oprresult::regtype,
				  o.oprcom::regoperator, o.oprnegate::regoperator, o.oprcode, o.oprrest, o.oprjoin))
	  FROM member m JOIN pg_operator o ON m.classid = 'pg_operator'::regclass AND o.oid = m.objid
	UNION ALL
	SELECT format('cast %s %s', pg_describe_object(m.classid, m.objid, 0), concat_ws(' ', c.castfunc::regprocedure, c.castcontext, c.castmethod))
	  FROM member m JOIN pg_cast c ON m.classid = 'pg_cast'::regclass AND c.oid = m.objid
	UNION ALL
	SELECT format('class %s %s', pg_describe_object(m.classid, m.objid, 0), concat_ws(' ', c.opcdefault, c.opcintype::regtype, c.opckeytype::regtype))
	  FROM member m JOIN pg_opclass c ON m.classid = 'pg_opclass'::regclass AND c.oid = m.objid
	UNION ALL
	SELECT format('family %s: %s', pg_describe_object(m.classid, m.objid, 0), concat_ws(' ', o.amopstrategy, o.amopopr::regoperator))
	  FROM member m JOIN pg_amop o ON m.classid = 'pg_opfamily'::regclass AND o.amopfamily = m.objid
	UNION ALL
	SELECT format('family %s: %s', pg_describe_object(m.classid, m.objid, 0), concat_ws(' ', p.amprocnum, p.amproc::regprocedure))
	  FROM member m JOIN pg_amproc p ON m.classid = 'pg_opfamily'::regclass AND p.amprocfamily = m.objid
	UNION ALL
	SELECT format('language %s %s', l.lanname, concat_ws(' ', l.lanpltrusted, l.lanplcallfoid::regprocedure, l.laninline::regprocedure,
				  l.lanvalidator::regprocedure, l.lanacl))
	  FROM member m JOIN pg_language l ON m.classid = 'pg_language'::regclass AND l.oid = m.objid
	UNION ALL
	SELECT format('relation %s %s', r.oid::regclass, concat_ws(' ', r.relkind, r.relpersistence, r.relacl, r.reloptions))
	  FROM relation r
	UNION ALL
	SELECT format('column %s %s: %s', r.oid::regclass, row_number() OVER (PARTITION BY r.oid ORDER BY a.attnum),
				  concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attcollation::regcollation, a.attidentity,
				  a.attgenerated, a.attstorage, a.attstattarget, a.attacl, pg_get_expr(d.adbin, d.adrelid)))
	  FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
	  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
	UNION ALL
	SELECT format('constraint %s %s: %s', r.oid::regclass, k.conname, pg_get_constraintdef(k.oid))
	  FROM relation r JOIN pg_constraint k ON k.conrelid = r.oid
	UNION ALL
	SELECT format('index %s', pg_get_indexdef(i.indexrelid)) FROM relation r JOIN pg_index i ON i.indrelid = r.oid
	UNION ALL
	SELECT format('rows %s: %s', r.oid::regclass, (xpath('/table/row/text()', x.rows))[1])
	  FROM relation r
	 CROSS JOIN LATERAL query_to_xml(format('SELECT count(*) || '' '' || md5(string_agg(t::text, chr(10) ORDER BY t::text COLLATE "C")) AS row FROM %s t', r.oid::regclass),
				true, false, '') AS x (rows) WHERE r.relkind = 'r'
  ) AS f ORDER BY line COLLATE "C";
