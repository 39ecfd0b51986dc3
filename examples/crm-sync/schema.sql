-- What the consumer writes, in the database of the CRM: yours has other tables. Cursor
-- and rows are in one database, so that one transaction writes both.
CREATE SCHEMA crm_sync;

CREATE TABLE crm_sync.state (
	model			text PRIMARY KEY,
	epoch			text,			-- which model of that name; another one has a feed of its own
	last_change_id	bigint,			-- the last change that is written here; NULL: nothing is
	reconciled_at	timestamptz
);

-- The segment of each customer, as the feed has told it.
CREATE TABLE crm_sync.contact (
	model			text NOT NULL,
	customer_key	text COLLATE "C" NOT NULL,
	segment			text NOT NULL,
	PRIMARY KEY (model, customer_key)
);

-- What happened to them: a row that is written twice would be seen twice. It goes with its
-- contact, for people who are erased are erased here too.
CREATE TABLE crm_sync.move (
	model				text NOT NULL,
	change_id			bigint NOT NULL,
	as_of				date NOT NULL,
	customer_key		text COLLATE "C" NOT NULL,
	previous_segment	text,
	segment				text NOT NULL,
	PRIMARY KEY (model, change_id),
	FOREIGN KEY (model, customer_key) REFERENCES crm_sync.contact ON DELETE CASCADE
);
CREATE INDEX ON crm_sync.move (model, customer_key);
