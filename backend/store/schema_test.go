package store_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// released is the last migration that may be in use anywhere. Whoever releases a version moves it to the newest one of that
// version's schema.
const released = "00013_waiting.sql"

const why = `while servers are replaced one after the other, those of the version before go on working on the new schema, for
minutes, and come back if the new version has to be taken back. So a migration only adds: tables, indexes, and columns with a
DEFAULT that is right for rows of programs that do not know the column. What nobody needs any more is dropped a release later,
by a statement that this test is then to let through by name, with the reason.`

// Every migration since the last release leaves the version before able to work.
func TestMigrationsOnlyAdd(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("schema/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal(err, "no migrations")
	}
	for _, file := range files {
		if filepath.Base(file) <= released {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		made := make(map[string]bool)
		for _, statement := range statements(string(text)) {
			if offence := offenceOf(statement, made); offence != "" {
				t.Errorf("%s: %s: %s\nIt may not: %s", file, offence, statement, why)
			}
		}
	}
}

// The rule refuses what would break the version before, and nothing else.
func TestWhatAMigrationMayDo(t *testing.T) {
	t.Parallel()
	for script, allowed := range map[string]bool{
		"CREATE TABLE tips (id TEXT PRIMARY KEY, n BIGINT CHECK (n > 0)); CREATE UNIQUE INDEX tips_n ON tips (n);": true,
		"create table if not exists tips (id TEXT); insert into tips (id) values ('a');":                           true,
		"-- drop table orders;\nCREATE INDEX orders_total ON orders (total);":                                      true,
		"ALTER TABLE orders ADD COLUMN tip BIGINT NOT NULL DEFAULT 0; UPDATE orders SET tip = 1 WHERE total > 1;":  true,
		"ALTER TABLE orders ADD note TEXT DEFAULT '';":                                                             true,
		"ALTER TABLE orders ADD COLUMN checked BOOLEAN NOT NULL DEFAULT FALSE;":                                    true,
		"ALTER TABLE orders ADD COLUMN tip BIGINT;":                                                                false,
		"ALTER TABLE orders ADD COLUMN tip BIGINT NOT NULL;":                                                       false,
		"ALTER TABLE orders ADD COLUMN tip BIGINT NOT NULL DEFAULT 0 CHECK (tip < total);":                         false,
		"ALTER TABLE orders ADD COLUMN tip TEXT DEFAULT '' UNIQUE;":                                                false,
		"ALTER TABLE orders ADD COLUMN tip TEXT DEFAULT '' REFERENCES tips (id);":                                  false,
		"ALTER TABLE orders ADD CONSTRAINT small CHECK (total < 100) -- DEFAULT\n;":                                false,
		"ALTER TABLE orders ADD CHECK (description <> ' default ');":                                               false,
		"CREATE UNIQUE INDEX orders_reference ON orders (reference);":                                              false,
		"ALTER TABLE orders DROP COLUMN note;":                                                                     false,
		"ALTER TABLE orders RENAME COLUMN note TO remark;":                                                         false,
		"ALTER TABLE orders ALTER COLUMN total TYPE TEXT;":                                                         false,
		"DROP TABLE echoes;":             false,
		"DROP INDEX deliveries_waiting;": false,
		"DELETE FROM echoes;":            false,
		"CREATE TRIGGER t BEFORE INSERT ON orders EXECUTE FUNCTION only_appended();": false,
	} {
		made := make(map[string]bool)
		offence := ""
		for _, statement := range statements(script) {
			if offence == "" {
				offence = offenceOf(statement, made)
			}
		}
		if (offence == "") != allowed {
			t.Errorf("%s: %q; want it allowed: %t", script, offence, allowed)
		}
	}
}

// statements splits a script, without comments.
func statements(script string) (list []string) {
	script = regexp.MustCompile(`--[^\n]*`).ReplaceAllString(script, "")
	for statement := range strings.SplitSeq(script, ";") {
		if statement = strings.Join(strings.Fields(statement), " "); statement != "" {
			list = append(list, statement)
		}
	}
	return list
}

// dispensable indexes are of no use to the hot paths of the version before: it lists orders and counts what is due the slower
// way while servers are replaced.
var dispensable = map[string]bool{
	"orders_of_merchant": true, "orders_by_state": true, "attempts_due_now": true, "refunds_due_now": true,
	"attempts_by_transaction": true, "attempts_one_payment": true, // attempts_by_payment serves as both
}

// asUnique indexes forbid only what another did before.
var asUnique = map[string]bool{"attempts_by_payment": true}

// offenceOf says what the version before could not live with, "" if nothing. made are the tables that the same migration has
// made, of which that version knows nothing.
func offenceOf(statement string, made map[string]bool) string {
	is := func(pattern string) []string {
		return regexp.MustCompile(`(?i)^` + pattern).FindStringSubmatch(statement)
	}
	if m := is(`CREATE TABLE (?:IF NOT EXISTS )?(\w+)`); m != nil {
		made[m[1]] = true
		return ""
	}
	if m := is(`CREATE UNIQUE INDEX (?:IF NOT EXISTS )?(\w+) +ON (\w+)`); m != nil && !made[m[2]] && !asUnique[m[1]] {
		return "it writes what would not be unique"
	}
	if is(`CREATE (UNIQUE )?INDEX |INSERT INTO |UPDATE `) != nil {
		return ""
	}
	if m := is(`DROP INDEX (\w+)$`); m != nil && dispensable[m[1]] {
		return ""
	}
	m := is(`ALTER TABLE \w+ ADD (?:COLUMN )?(\w+) (.*)$`)
	if m == nil || regexp.MustCompile(`(?i)^(CONSTRAINT|CHECK|UNIQUE|PRIMARY|FOREIGN|EXCLUDE)$`).MatchString(m[1]) {
		return "it may need what this takes away, or do what this forbids"
	}
	literals := regexp.MustCompile(`'[^']*'`).ReplaceAllString(m[2], "''")
	if regexp.MustCompile(`(?i)\b(CHECK|UNIQUE|REFERENCES|PRIMARY)\b`).MatchString(literals) {
		return "it does not write this column, and may write what is forbidden here"
	}
	if !regexp.MustCompile(`(?i)\bDEFAULT\b`).MatchString(literals) {
		return "it does not write this column, which has no DEFAULT"
	}
	return ""
}
