package main

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"saoma/backend/store"
)

// tell runs the program with arguments and returns what it says.
func (s *siege) tell(args ...string) (string, error) {
	s.t.Helper()
	out, err := exec.CommandContext(s.t.Context(), s.program, args...).CombinedOutput()
	return string(out), err
}

// A backup is taken while shops sell and customers pay. What was promised before it began is in it, its chain is whole, and
// the program goes on from it.
func TestBackupUnderLoad(t *testing.T) {
	t.Parallel()
	s := newSiege(t)
	config := filepath.Join(s.data, "saoma.toml")
	s.start()
	ctx, stop := context.WithCancel(t.Context())
	var shops sync.WaitGroup
	defer func() { stop(); shops.Wait() }()
	for i := range uint64(6) {
		shops.Go(func() { s.shop(ctx, fmt.Sprintf("shop%d", i), rand.New(rand.NewPCG(1, i))) })
	}
	eventually(t, "business is good", func() bool { return s.promised.count() > 40 })

	before := s.promised.copy()
	file := filepath.Join(s.data, "backups.db")
	said, err := s.tell("backup", "-config", config, "-to", file)
	if err != nil || !strings.Contains(said, "verified") {
		t.Fatalf("%v: %s", err, said)
	}
	if said, err := s.tell("backup", "-config", config, "-to", file); err == nil || !strings.Contains(said, "there already") {
		t.Errorf("a second one over it: %v %s", err, said)
	}
	if said, err := s.tell("restore", "-config", config, "-from", file); err == nil || !strings.Contains(said, "there already") {
		t.Errorf("a restore over a database: %v %s", err, said)
	}
	if said, err := s.tell("restore", "-config", config, "-from", file, "-replace"); err == nil || !strings.Contains(said, "stop the server first") {
		t.Errorf("a restore under a running server: %v %s", err, said)
	}
	after := s.promised.count()
	eventually(t, "business goes on", func() bool { return s.promised.count() > after })
	stop()
	shops.Wait()
	s.terminate()

	said, err = s.tell("restore", "-config", config, "-from", file, "-replace")
	if err != nil || !strings.Contains(said, "restored to "+s.database()) || !strings.Contains(said, ".before-") {
		t.Fatalf("%v: %s", err, said)
	}
	if info, err := os.Stat(s.database()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the restored database: %v %v", info.Mode(), err)
	}
	left, err := filepath.Glob(filepath.Join(s.data, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range left {
		if strings.HasSuffix(name, ".partial") || strings.Contains(name, ".restoring") || strings.HasSuffix(name, "-wal") {
			t.Errorf("%s is left", name)
		}
	}
	for _, b := range missing(t, s.database(), before) {
		t.Error(b)
	}
	if said, err := s.tell("verify", "-config", config); err != nil {
		t.Errorf("verify: %v %s", err, said)
	}
	s.start()
	eventually(t, "the program goes on from it", func() bool { return healthy(t, s.url) })
	if _, ok := s.order(t.Context(), request{"/v1/orders", "after-the-restore", `{"amount":100,"description":"tea"}`}); !ok {
		t.Error("no new order")
	}
	s.terminate()
}

// terminate ends the program as an operator does.
func (s *siege) terminate() {
	s.t.Helper()
	if err := s.process.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	if err := s.process.Wait(); err != nil {
		s.t.Fatalf("the program ended with %v:\n%s", err, s.log.String())
	}
}

func (p *promises) copy() map[[2]string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.made)
}

// missing names promised orders and refunds that are not in the books.
func missing(t *testing.T, file string, promised map[[2]string]string) (list []string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	for what, id := range promised {
		table := map[string]string{"order": "orders", "cancelled": "orders", "refund": "refunds"}[what[0]]
		var n int
		if err := db.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM `+table+` WHERE id = ?`, id).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n != 1 {
			list = append(list, fmt.Sprintf("the %s %s was promised and is not there", what[0], id))
		}
	}
	return list
}

// A shelf is a folder with a configuration, a database with one order, and a backup of it.
type shelf struct{ config, database, backup string }

func newShelf(t *testing.T) shelf {
	t.Helper()
	folder := dataFolder(t)
	s := shelf{filepath.Join(folder, "saoma.toml"), filepath.Join(folder, "saoma.db"), filepath.Join(folder, "backup.db")}
	text := "listen = \"127.0.0.1:0\"\npublic_url = \"http://127.0.0.1:1\"\n"
	if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	books, err := store.OpenSQLite(t.Context(), s.database)
	if err != nil {
		t.Fatal(err)
	}
	if err := books.Close(); err != nil {
		t.Fatal(err)
	}
	alterBooks(t, s.database, `INSERT INTO orders (id, merchant, token, state, version, total, refunded, description, reference, items, metadata,
		channel, return_url, late, transaction_id, created_at, expires_at, paid_at) VALUES ('ord_1', 'cafe', 't', 'created', 1, 1, 0, '', '', '[]', '{}',
		'native', '', FALSE, '', 1, 2, 0)`)
	if said, err := s.tell(t, "backup", "-to", s.backup); err != nil || !strings.Contains(said, "1 orders, 0 events") {
		t.Fatalf("%v: %s", err, said)
	}
	return s
}

func (s shelf) tell(t *testing.T, command string, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := run(t.Context(), append([]string{command, "-config", s.config}, args...), &out)
	return out.String(), err
}

// orders counts the orders in a database.
func (s shelf) orders(t *testing.T, file string) (n int64) {
	t.Helper()
	books, err := store.OpenSQLite(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	c, err := books.Contents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := books.Close(); err != nil {
		t.Fatal(err)
	}
	return c.Orders
}

func TestRestoreWhereNothingIs(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	if err := removeDatabase(s.database); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.database+"-wal", []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.tell(t, "restore", "-from", s.backup); err == nil || !strings.Contains(err.Error(), "without its database") {
		t.Errorf("beside the log of another database: %v", err)
	}
	if err := removeDatabase(s.database); err != nil {
		t.Fatal(err)
	}
	if said, err := s.tell(t, "restore", "-from", s.backup); err != nil || s.orders(t, s.database) != 1 || strings.Contains(said, ".before-") {
		t.Errorf("%v: %s", err, said)
	}
}

// A damaged database is what backups are for; it is kept all the same.
func TestRestoreOverDamage(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	if err := os.WriteFile(s.database, bytes.Repeat([]byte("damage"), 5000), 0o600); err != nil {
		t.Fatal(err)
	}
	if said, err := s.tell(t, "restore", "-from", s.backup, "-replace"); err != nil || s.orders(t, s.database) != 1 {
		t.Fatalf("%v: %s", err, said)
	}
	kept, err := filepath.Glob(s.database + ".before-*")
	if err != nil || len(kept) != 1 {
		t.Fatalf("kept %v, %v", kept, err)
	}
	if text, err := os.ReadFile(kept[0]); err != nil || !bytes.HasPrefix(text, []byte("damage")) {
		t.Errorf("kept %.20q, %v", text, err)
	}
}

// What is no good backup is not restored, and nothing is touched.
func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	good, err := os.ReadFile(s.backup)
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(s.database)
	if err != nil {
		t.Fatal(err)
	}
	cut := func(n int) []byte { return good[:n] }
	damaged := bytes.Clone(good)
	for i := 3 * 4096; i < 6*4096; i++ {
		damaged[i] ^= 0x55
	}
	for name, text := range map[string][]byte{"empty": {}, "a text": []byte(strings.Repeat("no database ", 1000)), "cut off": cut(len(good) / 2), "damaged": damaged} {
		file := filepath.Join(t.TempDir(), "bad.db")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if said, err := s.tell(t, "restore", "-from", file, "-replace"); err == nil {
			t.Errorf("%s: %s", name, said)
		}
	}
	altered := filepath.Join(t.TempDir(), "altered.db")
	if err := os.WriteFile(altered, good, 0o600); err != nil {
		t.Fatal(err)
	}
	alterBooks(t, altered, `INSERT INTO events VALUES ('ord_1', 1, 1, 'created', 1, '{}', '', 'wrong')`)
	if said, err := s.tell(t, "restore", "-from", altered, "-replace"); err == nil || !strings.Contains(err.Error(), "altered") {
		t.Errorf("an altered history: %v %s", err, said)
	}
	if _, err := s.tell(t, "restore", "-from", s.backup+"x", "-replace"); err == nil {
		t.Error("no such file")
	}
	if after, err := os.ReadFile(s.database); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the database was touched: %v", err)
	}
	left, err := fs.Glob(os.DirFS(filepath.Dir(s.database)), "*.restoring*")
	if err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

// A backup that cannot be verified gets no name.
func TestBackupRefuses(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	alterBooks(t, s.database, `INSERT INTO events VALUES ('ord_1', 1, 1, 'created', 1, '{}', '', 'wrong')`)
	to := filepath.Join(t.TempDir(), "new.db")
	if _, err := s.tell(t, "backup", "-to", to); err == nil || !strings.Contains(err.Error(), "altered") {
		t.Errorf("of an altered history: %v", err)
	}
	if _, err := s.tell(t, "backup", "-to", filepath.Join(t.TempDir(), "no", "folder.db")); err == nil {
		t.Error("into no folder")
	}
	if _, err := s.tell(t, "backup", "-to", s.database); err == nil || !strings.Contains(err.Error(), "replaces nothing") {
		t.Errorf("over the database itself: %v", err)
	}
	left, err := filepath.Glob(to + "*")
	if err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}
