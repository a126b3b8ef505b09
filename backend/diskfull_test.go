package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"saoma/backend/pay"
	"saoma/backend/wechatsim"
)

// fillDisk lets no file of this process grow beyond the size that the database's log has now, until the disk is freed:
// every commit needs the log to grow. The limit (RLIMIT_FSIZE) needs no rights and no mount. What differs from a disk
// without space is one word: the kernel says "file too large" to SQLite, and not "no space left". Either way the
// transaction is gone and the connection lives.
func fillDisk(t *testing.T, database string) (free func()) {
	t.Helper()
	var before syscall.Rlimit
	info, err := os.Stat(database + "-wal")
	if err := errors.Join(err, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before)); err != nil {
		t.Fatal(err)
	}
	full := syscall.Rlimit{Cur: uint64(info.Size()), Max: before.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full); err != nil {
		t.Fatal(err)
	}
	free = sync.OnceFunc(func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(free)
	return free
}

// newSmallWorld is a server for a configuration, with a simulator that repeats callbacks fast; no shop.
func newSmallWorld(t *testing.T, committed func(pay.Order)) *world {
	t.Helper()
	folder := dataFolder(t)
	l := listen(t)
	// Callbacks again after 75 ms, 75 ms, 150 ms, 0.9 s, 3 s, …
	w := configured(t, folder, l.Addr().String(), wechatsim.Options{Speed: 200})
	w.serve(t, l, committed)
	return w
}

// serve serves the configuration in the world's folder on the listener, by the world's clock.
func (w *world) serve(t *testing.T, l net.Listener, committed func(pay.Order)) {
	t.Helper()
	c, err := loadConfig(filepath.Join(w.data, "saoma.toml"))
	if err != nil {
		t.Fatal(err)
	}
	w.service, err = newService(t.Context(), c, slog.New(slog.NewTextHandler(&w.log, nil)), options{
		now: func() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }, committed: committed,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.service.start(l)
	t.Cleanup(func() {
		if err := w.service.close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			said := w.log.String()
			t.Logf("the program logged, in the end:\n%s", said[max(0, len(said)-20_000):])
		}
	})
}

func (w *world) database() string { return filepath.Join(w.data, "saoma.db") }

// tea makes an order with an Idempotency-Key, which is its reference too.
func (w *world) tea(t *testing.T, key string) answer {
	t.Helper()
	return w.call(t, "POST", "/v1/orders", fmt.Sprintf(`{"amount":1280,"description":"tea","reference":%q}`, key),
		w.secret(), "Idempotency-Key: "+key)
}

// wantFailure wants a 500 that tells the caller nothing of our inside, and the log all, in one line.
func (w *world) wantFailure(t *testing.T, what string, a answer) {
	t.Helper()
	var p struct {
		Status    int
		Code      string
		RequestID string `json:"request_id"`
	}
	if a.status != http.StatusInternalServerError || a.header.Get("Content-Type") != "application/problem+json" ||
		json.Unmarshal(a.body, &p) != nil || p.Status != a.status || p.Code != "internal" || p.RequestID == "" {
		t.Errorf("%s: %d %s; want a problem 500 internal", what, a.status, a.body)
		return
	}
	for _, inside := range []string{"disk", "database", "I/O", w.data, "sql", ".go:", w.secretKey} {
		if strings.Contains(string(a.body), inside) {
			t.Errorf("%s: the answer shows our inside: %s", what, a.body)
		}
	}
	line := regexp.MustCompile(`(?m)^.*level=ERROR.*request=` + p.RequestID + `.*$`).FindString(w.log.String())
	if !strings.Contains(line, "disk") || len(line) > 700 {
		t.Errorf("%s: logged %q; want a line that names the disk", what, line)
	}
}

// While the disk is full nothing is acknowledged, and what was acknowledged before can be read. When there is space
// again all goes on by itself.
//
// Not parallel: the limit is of the whole process, and no other test runs beside one that is not parallel.
func TestDiskFull(t *testing.T) {
	w := newSmallWorld(t, nil)
	var orders [3]order // the first is paid, the second is paid while the disk is full, the third is cancelled then
	p := &promises{}
	for i := range orders {
		key := fmt.Sprintf("before-%d", i)
		w.tea(t, key).json(t, &orders[i])
		p.keep(t, "order", key, orders[i].ID)
	}
	w.pays(t, orders[0])
	w.wantStatus(t, orders[0].ID, "paid")
	cancel := "/v1/orders/" + orders[2].ID + "/cancel"
	giveBack := func() answer {
		return w.call(t, "POST", "/v1/orders/"+orders[0].ID+"/refunds", `{"amount":1280,"reference":"back"}`,
			w.secret(), "Idempotency-Key: back")
	}

	free := fillDisk(t, w.database())
	for range 2 {
		w.wantFailure(t, "an order", w.tea(t, "during"))
		w.wantFailure(t, "a refund", giveBack())
		w.wantFailure(t, "a cancel", w.call(t, "POST", cancel, "", w.secret()))
	}
	if n, m := len(w.sim.Trades()), len(w.sim.Refunds()); n != len(orders) || m != 0 {
		t.Errorf("WeChat Pay was asked for what is not in the books: %d orders, %d refunds", n, m)
	}
	w.pays(t, orders[1])
	callbacks := func() (list []int) {
		for _, d := range w.sim.Trades()[1].Callbacks { // the newest trade is the first of the list
			list = append(list, d.Status)
		}
		return list
	}
	eventually(t, "the callback is sent again", func() bool { return len(callbacks()) >= 2 })
	for _, status := range callbacks() {
		if status < 500 {
			t.Fatalf("a callback was answered %d and is not in the books", status)
		}
	}
	if !regexp.MustCompile(`(?m)^.*level=ERROR msg="callback refused".*status=500.*disk.*$`).MatchString(w.log.String()) {
		t.Error("the log does not say why the callback was refused")
	}
	for i, want := range []string{"paid", "pending", "pending"} {
		if o := w.read(t, orders[i].ID); o.Status != want {
			t.Errorf("order %d reads as %s; want %s", i, o.Status, want)
		}
	}
	// Ready: pages and codes that are out are served, and WeChat Pay and the shops ask again for the rest. Another
	// answer would take these away too.
	for path, want := range map[string]int{"/healthz": 204, "/readyz": 204, "/checkout/" + orders[1].Token: 200} {
		if a := w.call(t, "GET", path, ""); a.status != want {
			t.Errorf("%s: %d; want %d", path, a.status, want)
		}
	}

	free()
	eventually(t, "the callback is answered 204", func() bool {
		return slices.Contains(callbacks(), http.StatusNoContent)
	})
	w.wantStatus(t, orders[1].ID, "paid")
	if a := w.call(t, "POST", cancel, "", w.secret()); a.status != http.StatusOK {
		t.Errorf("cancel: %d %s", a.status, a.body)
	}
	p.keep(t, "cancelled", orders[2].ID, orders[2].ID)
	for what, a := range map[string]answer{
		"order/during": w.tea(t, "during"),
		"refund/back":  giveBack(),
	} {
		var made struct{ ID string }
		if a.status != http.StatusCreated || json.Unmarshal(a.body, &made) != nil {
			t.Errorf("%s, with space again: %d %s", what, a.status, a.body)
		}
		kind, key, _ := strings.Cut(what, "/")
		p.keep(t, kind, key, made.ID)
	}
	w.wantStatus(t, orders[0].ID, "refunded")
	w.wantLaws(t, p)
}

// The disk fills up after an order was stored and before WeChat Pay's answer is. The code is lost, the order is not.
func TestDiskFullInTheMiddle(t *testing.T) {
	var w *world
	var free func()
	w = newSmallWorld(t, func(o pay.Order) {
		if o.State == pay.Created {
			free = fillDisk(t, w.database())
		}
	})
	w.wantFailure(t, "the order", w.tea(t, "key"))
	if n := len(w.sim.Trades()); n != 1 {
		t.Fatalf("WeChat Pay knows %d orders; want 1", n)
	}
	free()
	w.forward(pay.PrepaySettle)
	var a answer
	eventually(t, "the repeat is answered", func() bool {
		a = w.tea(t, "key")
		return a.status == http.StatusCreated
	})
	var o order
	a.json(t, &o)
	if n := w.orders(t); n != 1 || o.Status != "pending" {
		t.Errorf("%d orders, one of them %s; want one that is pending", n, o.Status)
	}
	w.pays(t, o)
	w.wantStatus(t, o.ID, "paid")
	p := &promises{}
	p.keep(t, "order", "key", o.ID)
	w.wantLaws(t, p)
}

// wantLaws holds the books against all laws that do not need rest, and their history against itself.
func (w *world) wantLaws(t *testing.T, p *promises) {
	t.Helper()
	for _, b := range breaches(t, w.database(), w.sim, p, "always.sql") {
		t.Error(b)
	}
	err := run(t.Context(), []string{"verify", "-config", filepath.Join(w.data, "saoma.toml")}, io.Discard)
	if err != nil {
		t.Error(err)
	}
}

// promises are what our answers said, which must be so ever after.
type promises struct {
	mu   sync.Mutex
	made map[[2]string]string // ids by what was promised (order, refund, cancelled) and the Idempotency-Key
}

// keep writes a promise down. The same key must name the same thing ever after.
func (p *promises) keep(t *testing.T, what, key, id string) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.made == nil {
		p.made = map[[2]string]string{}
	}
	k := [2]string{what, key}
	if before := p.made[k]; id == "" || before != "" && before != id {
		t.Errorf("the key %s of an %s first made %q and then %q", key, what, before, id)
	}
	p.made[k] = id
}

func (p *promises) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.made)
}

func (p *promises) id(what, key string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.made[[2]string{what, key}]
}

// breaches holds our books in the file against WeChat Pay's and the promises, by the laws in files of testdata.
func breaches(t *testing.T, file string, sim *simulator, p *promises, laws ...string) (list []string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	// One connection, which has the temporary tables; one transaction, which sees one moment.
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := errors.Join(tx.Rollback(), db.Close()); err != nil {
			t.Error(err)
		}
	}()
	if err := p.tabulate(t.Context(), tx, sim); err != nil {
		t.Fatal(err)
	}
	for _, name := range laws {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		for _, law := range bytes.Split(text, []byte("-- law: "))[1:] {
			says, query, _ := strings.Cut(string(law), "\n")
			found, err := first(t.Context(), tx, query)
			if err != nil {
				t.Fatalf("%s: %v", says, err)
			}
			if found != "" {
				list = append(list, "it is not so that "+says+": "+found)
			}
		}
	}
	return list
}

// tabulate writes the temporary tables that testdata/always.sql speaks of.
func (p *promises) tabulate(ctx context.Context, tx *sql.Tx, sim *simulator) (err error) {
	exec := func(query string, args ...any) {
		if err == nil {
			_, err = tx.ExecContext(ctx, query, args...)
		}
	}
	accepted := func(list []wechatsim.Delivery) bool {
		return slices.ContainsFunc(list, func(d wechatsim.Delivery) bool { return d.Status == http.StatusNoContent })
	}
	exec(`CREATE TEMP TABLE promised (what, key, id)`)
	exec(`CREATE TEMP TABLE trades (number, transaction_id, fen, state, accepted)`)
	exec(`CREATE TEMP TABLE backs (number, trade, fen, state, accepted)`)
	exec(`CREATE INDEX temp.backs_of_trade ON backs (trade)`)
	p.mu.Lock()
	defer p.mu.Unlock()
	for k, id := range p.made {
		exec(`INSERT INTO temp.promised VALUES ($1, $2, $3)`, k[0], k[1], id)
	}
	for _, x := range sim.Trades() {
		exec(`INSERT INTO temp.trades VALUES ($1, $2, $3, $4, $5)`,
			x.OutTradeNo, x.TransactionID, x.Total, string(x.State), accepted(x.Callbacks))
	}
	for _, x := range sim.Refunds() {
		exec(`INSERT INTO temp.backs VALUES ($1, $2, $3, $4, $5)`,
			x.OutRefundNo, x.OutTradeNo, x.Amount, string(x.State), accepted(x.Callbacks))
	}
	return err
}

// first returns the first rows of a query as text, "" if there are none.
func first(ctx context.Context, tx *sql.Tx, query string) (text string, err error) {
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	columns, err := rows.Columns()
	if err != nil {
		return "", err
	}
	cells := make([]any, len(columns))
	for i := range cells {
		cells[i] = new(any)
	}
	for n := 0; rows.Next() && n < 5; n++ {
		if err := rows.Scan(cells...); err != nil {
			return "", err
		}
		for i, name := range columns {
			text += fmt.Sprintf("%s=%v ", name, *cells[i].(*any))
		}
		text += "; "
	}
	return text, rows.Err()
}
