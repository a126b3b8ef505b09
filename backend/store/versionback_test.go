package store_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"saoma/backend/store"
)

// The program works on a database that a newer version has brought further, whether it was open at that moment or is started
// afterwards: so servers are replaced one after the other, and a version can be taken back.
func TestVersionBack(t *testing.T) {
	t.Parallel()
	meanwhile := func(f func(*testing.T, *store.Store)) func(*testing.T, database) {
		return func(t *testing.T, d database) {
			s := d.open(t)
			insert(t, s, order(9000)) // with statements that know the old schema
			nextVersion(t, d)
			f(t, s)
		}
	}
	afterwards := func(f func(*testing.T, *store.Store)) func(*testing.T, database) {
		return func(t *testing.T, d database) {
			nextVersion(t, d)
			f(t, d.open(t))
		}
	}
	each(t, map[string]func(*testing.T, database){
		"open meanwhile":     meanwhile(testUpdatesCompareAndSwap),
		"started afterwards": afterwards(testUpdatesCompareAndSwap),
		"claimed once":       meanwhile(testClaimedOnce),
		"products and stock": afterwards(testStock),
		"staff":              afterwards(testStaff),
		"webhooks":           meanwhile(testWebhooks),
		"what is written is read": func(t *testing.T, d database) {
			nextVersion(t, d)
			testWhatIsWrittenIsRead(t, d)
		},
	})
}

// nextVersion takes a step that this program does not know, as its next version does when it starts: it adds all that a
// migration may add, to every table.
func nextVersion(t *testing.T, d database) {
	t.Helper()
	script := "-- +goose Up\nCREATE TABLE next_things (id TEXT PRIMARY KEY);\n"
	for _, table := range store.Tables() {
		script += fmt.Sprintf("ALTER TABLE %s ADD COLUMN next_column TEXT NOT NULL DEFAULT 'as before';\n"+
			"CREATE INDEX %s_next ON %s (next_column);\n", table, table, table)
	}
	if strings.HasPrefix(d.address, "postgres:") {
		script += "CREATE TABLE next_limits AS SELECT current_setting('statement_timeout') AS statements, current_setting('lock_timeout') AS locks;\n"
	}
	for _, statement := range statements(script) {
		if offence := offenceOf(statement, map[string]bool{}); offence != "" {
			t.Errorf("%s: %s", statement, offence)
		}
	}
	s, err := store.Open(t.Context(), d.address) // makes the schema that the step is for
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	steps := fstest.MapFS{"90001_next.sql": {Data: []byte(script)}}
	if err := store.Migrate(t.Context(), d.address, steps); err != nil {
		t.Fatal(err)
	}
}

// A migration may take as long as it needs, and waits for no lock so long that others wait behind it.
func TestMigrationsHaveTime(t *testing.T) {
	t.Parallel()
	d := newPostgres(t)
	nextVersion(t, d)
	var statements, locks string
	err := d.raw(t).QueryRowContext(t.Context(), `SELECT statements, locks FROM next_limits`).Scan(&statements, &locks)
	if err != nil || statements != "0" || locks != "10s" {
		t.Errorf("a statement of a migration may take %s and wait for %s, %v; want 0, no limit, and 10s", statements, locks, err)
	}
}
