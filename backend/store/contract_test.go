package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"

	"saoma/backend/store"
	"saoma/backend/store/postgrestest"
)

// What every database has to keep to.
func TestContract(t *testing.T) {
	t.Parallel()
	with := func(f func(*testing.T, *store.Store)) func(*testing.T, database) {
		return func(t *testing.T, d database) { f(t, d.open(t)) }
	}
	each(t, map[string]func(*testing.T, database){
		"what is written is read":               testWhatIsWrittenIsRead,
		"the code is that of the open attempt":  with(testTheCodeIsThatOfTheOpenAttempt),
		"an attempt of another channel":         with(testAnAttemptOfAnotherChannel),
		"missing rows":                          with(testMissingRows),
		"updates compare and swap":              with(testUpdatesCompareAndSwap),
		"the database refuses":                  testTheDatabaseRefuses,
		"a failed update leaves nothing":        with(testAFailedUpdateLeavesNothing),
		"a view cannot write":                   with(testViewCannotWrite),
		"many writers":                          with(testManyWriters),
		"many writers on two servers":           testManyWritersOnTwoServers,
		"the same new thing on two servers":     testTheSameOnTwoServers,
		"claimed once":                          with(testClaimedOnce),
		"claimed once by two servers":           testClaimedByTwoServers,
		"lists are filtered and paged":          with(testListsAreFilteredAndPaged),
		"products":                              with(testProducts),
		"lists of products":                     with(testListsOfProducts),
		"staff":                                 with(testStaff),
		"the staff log is only appended":        testTheStaffLogIsOnlyAppended,
		"stock":                                 with(testStock),
		"reports and ledgers":                   with(testReportsAndLedgers),
		"webhooks":                              with(testWebhooks),
		"pruning":                               with(testPruning),
		"webhooks of one order":                 with(testWebhooksOfOneOrder),
		"webhooks sent again":                   with(testWebhooksSentAgain),
		"a batch is made again":                 func(t *testing.T, d database) { testBatchIsMadeAgain(t, d.openWithOneWriter(t)) },
		"one of a batch fails":                  func(t *testing.T, d database) { testBatchOneFails(t, d.openWithOneWriter(t)) },
		"a change in a batch sees earlier ones": func(t *testing.T, d database) { testBatchSeesEarlier(t, d.openWithOneWriter(t)) },
	})
}

// A database is an empty one that a test may open as often as it likes.
type database struct {
	address string // for store.Open
	driver  string // and its own address, for SQL that the store would not say
	source  string
	refuses func(error) bool // by a constraint or a trigger
}

// each runs the tests on every kind of database.
func each(t *testing.T, tests map[string]func(*testing.T, database)) {
	t.Helper()
	for name, test := range tests {
		t.Run(name+"/sqlite", func(t *testing.T) {
			t.Parallel()
			test(t, newSQLite(t))
		})
		t.Run(name+"/postgres", func(t *testing.T) {
			t.Parallel()
			test(t, newPostgres(t))
		})
	}
}

func newSQLite(t *testing.T) database {
	file := filepath.Join(t.TempDir(), "books", "saoma.db")
	return database{"sqlite:" + file, "sqlite", file, func(err error) bool {
		const constraint = 19 // the primary result code of a statement that a constraint or a trigger refused
		e, ok := errors.AsType[*sqlite.Error](err)
		return ok && e.Code()&0xff == constraint
	}}
}

func newPostgres(t *testing.T) database {
	t.Helper()
	c, err := cluster()
	if err != nil {
		t.Fatal(err)
	}
	address, err := c.NewDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return database{address, "pgx", address, func(err error) bool {
		const integrityConstraintViolation = "23" // the class of such errors
		e, ok := errors.AsType[*pgconn.PgError](err)
		return ok && strings.HasPrefix(e.Code, integrityConstraintViolation)
	}}
}

// cluster is one PostgreSQL for all tests of the package.
var cluster = sync.OnceValues(func() (*postgrestest.Cluster, error) { return postgrestest.Start(context.Background()) })

func TestMain(m *testing.M) {
	if address := os.Getenv(startsAtOnce); address != "" {
		os.Exit(startServer(address))
	}
	code := m.Run()
	if c, err := cluster(); err == nil {
		if err := c.Remove(); err != nil {
			fmt.Fprintln(os.Stderr, "remove the PostgreSQL of the tests:", err)
		}
	}
	os.Exit(code)
}

func (d database) open(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), d.address)
	closed(t, s, err)
	if d.driver == "sqlite" {
		t.Cleanup(func() { checkPlans(t, s) })
	}
	return s
}

// openWithOneWriter has changes that wait for each other come in one batch on every database.
func (d database) openWithOneWriter(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.OpenWithOneWriter(t.Context(), d.address)
	return closed(t, s, err)
}

// closed closes the store when the test ends.
func closed(t *testing.T, s *store.Store, err error) *store.Store {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (d database) raw(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open(d.driver, d.source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// open opens a SQLite database, for what is peculiar to it, and returns its file.
func open(t *testing.T) (*store.Store, string) {
	t.Helper()
	d := newSQLite(t)
	return d.open(t), d.source
}
