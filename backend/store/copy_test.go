package store_test

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"saoma/backend/pay"
	"saoma/backend/store"
)

// schemaTables lists the tables in a database of SQLite.
func schemaTables(t *testing.T, db *sql.DB) []string {
	t.Helper()
	return texts(t, db, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'goose%' ORDER BY name`)
}

func texts(t *testing.T, db *sql.DB, query string) (list []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		list = append(list, text)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

// fill puts a row into every table. All texts are the same, so that each row refers to one that is there.
func fill(t *testing.T, db *sql.DB, tables []string) {
	t.Helper()
	state := map[string]string{"orders": "paid", "attempts": "paid", "refunds": "succeeded", "deliveries": "delivered", "endpoints": "on"}
	for _, table := range tables {
		var values []string
		for _, column := range texts(t, db, `SELECT name || ' ' || type FROM pragma_table_info('`+table+`') ORDER BY cid`) {
			name, kind, _ := strings.Cut(column, " ")
			value := map[string]string{"TEXT": "'拿铁 ''; -- 🍵'", "BIGINT": "1", "BOOLEAN": "TRUE"}[kind]
			switch name {
			case "state":
				value = "'" + state[table] + "'"
			case "channel":
				value = "'native'"
			case "role":
				value = "'owner'"
			case "stock":
				value = "NULL"
			case "items":
				value = "'[]'"
			case "metadata":
				value = "'{}'"
			}
			values = append(values, value)
		}
		if _, err := db.ExecContext(t.Context(), `INSERT INTO `+table+` VALUES (`+strings.Join(values, ", ")+`)`); err != nil {
			t.Fatalf("a row for %s: %v", table, err)
		}
	}
}

// dump writes down every row of the tables.
func dump(t *testing.T, db *sql.DB, tables []string) (list []string) {
	t.Helper()
	for _, table := range tables {
		list = append(list, dumpTable(t, db, table)...)
	}
	slices.Sort(list)
	return list
}

func dumpTable(t *testing.T, db *sql.DB, table string) (list []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `SELECT * FROM `+table)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.ColumnTypes()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		line := table
		for i, c := range columns {
			if values[i] == int64(1) && c.DatabaseTypeName() == "BOOLEAN" {
				values[i] = true // as PostgreSQL says it
			}
			line += fmt.Sprintf(" %s=%v", c.Name(), values[i])
		}
		list = append(list, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

// Every table of the schema is copied, with every column, once, and into an empty database only.
func TestCopy(t *testing.T) {
	t.Parallel()
	here, there := newSQLite(t), newPostgres(t)
	from, to := here.open(t), there.open(t)
	old, fresh := here.raw(t), there.raw(t)
	tables := schemaTables(t, old)
	if copied := slices.Sorted(slices.Values(store.Tables())); !slices.Equal(copied, tables) {
		t.Fatalf("the schema has the tables %v, and %v are copied", tables, copied)
	}
	fill(t, old, store.Tables())
	looked := false
	c, err := store.Copy(t.Context(), from, to, func(s pay.Store) error {
		looked = true
		return s.View(t.Context(), func(tx pay.Tx) error {
			o, err := tx.Order(t.Context(), "拿铁 '; -- 🍵")
			if err == nil && o.Total != 1 {
				t.Errorf("the copy is shown as %+v", o)
			}
			return err
		})
	})
	if err != nil || !looked {
		t.Fatalf("%v, looked at: %v", err, looked)
	}
	if want := (store.Copied{Rows: int64(len(tables)), Orders: 1, Paid: 1, Total: 1, Refunded: 1}); c != want {
		t.Errorf("copied %+v, want %+v", c, want)
	}
	if was, is := dump(t, old, tables), dump(t, fresh, tables); !slices.Equal(was, is) {
		t.Errorf("the copy holds\n%s\nand the original\n%s", strings.Join(is, "\n"), strings.Join(was, "\n"))
	}
	_, err = store.Copy(t.Context(), from, to, func(pay.Store) error { return nil })
	if !errors.Is(err, store.ErrNotEmpty) {
		t.Errorf("a second copy: %v", err)
	}
}

// A copy that fails, on its way or when it is looked at, leaves nothing, and it can be tried again.
func TestCopyOrNothing(t *testing.T) {
	t.Parallel()
	here, there := newSQLite(t), newPostgres(t)
	from, to := here.open(t), there.open(t)
	var many []pay.Order
	for n := range 1000 { // several statements
		many = append(many, order(n))
	}
	insert(t, from, many...)
	empty := func(when string) {
		t.Helper()
		if left := dump(t, there.raw(t), store.Tables()); len(left) != 0 {
			t.Errorf("%s: %d rows are left", when, len(left))
		}
	}
	doubt := errors.New("doubt")
	if _, err := store.Copy(t.Context(), from, to, func(pay.Store) error { return doubt }); !errors.Is(err, doubt) {
		t.Errorf("an error of who looks at it: %v", err)
	}
	empty("after a doubt")
	// PostgreSQL keeps no such character.
	if _, err := here.raw(t).ExecContext(t.Context(), `UPDATE orders SET description = 'a' || char(0) WHERE id = 'ord_0900'`); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Copy(t.Context(), from, to, func(pay.Store) error { return nil }); err == nil || !strings.Contains(err.Error(), "the table orders") {
		t.Errorf("a row that the other database does not take: %v", err)
	}
	empty("after a bad row")
	if _, err := here.raw(t).ExecContext(t.Context(), `UPDATE orders SET description = 'a' WHERE id = 'ord_0900'`); err != nil {
		t.Fatal(err)
	}
	if c, err := store.Copy(t.Context(), from, to, func(pay.Store) error { return nil }); err != nil || c.Orders != 1000 {
		t.Errorf("the next copy: %+v, %v", c, err)
	}
}

// What the other database alters on its way in, such as by a trigger that somebody has put there, is noticed.
func TestCopyIsReadBack(t *testing.T) {
	t.Parallel()
	here, there := newSQLite(t), newPostgres(t)
	from, to := here.open(t), there.open(t)
	insert(t, from, order(1), order(2))
	for _, statement := range []string{
		`CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.reference := 'table-8'; RETURN NEW; END $$`,
		`CREATE TRIGGER meddle BEFORE INSERT ON orders FOR EACH ROW WHEN (NEW.id = 'ord_0002') EXECUTE FUNCTION meddle()`,
	} {
		if _, err := there.raw(t).ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := store.Copy(t.Context(), from, to, func(pay.Store) error { return nil }); err == nil || !strings.Contains(err.Error(), "some differ") {
		t.Errorf("an altered row: %v", err)
	}
}
