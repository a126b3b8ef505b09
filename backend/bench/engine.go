package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	_ "modernc.org/sqlite" // registers the driver "sqlite"
)

// groupCommit is SQLite alone: one writer that commits what 256 producers want done, 256 changes at a time.
func (p *probes) groupCommit(ctx context.Context, dir string) (err error) {
	file := filepath.Join(dir, "probe.db")
	remove := func() error {
		var errs []error
		for _, part := range []string{"", "-wal", "-shm"} {
			if err := os.Remove(file + part); err != nil && !errors.Is(err, os.ErrNotExist) {
				errs = append(errs, err)
			}
		}
		return errors.Join(errs...)
	}
	if err := remove(); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", "file:"+file+"?_txlock=immediate&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close(), remove()) }()
	db.SetMaxOpenConns(1)
	for _, text := range []string{
		`CREATE TABLE orders (id INTEGER PRIMARY KEY, name TEXT UNIQUE, state INTEGER, due INTEGER)`,
		`CREATE INDEX due ON orders (due) WHERE state = 0`,
		`CREATE TABLE events (id INTEGER PRIMARY KEY, of INTEGER, kind TEXT)`,
		`INSERT INTO orders SELECT value, 'order ' || value, 0, value FROM (
			WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 100000) SELECT value FROM n)`,
	} {
		if _, err := db.ExecContext(ctx, text); err != nil {
			return err
		}
	}
	const batch = 256
	began, n := time.Now(), 0
	for time.Since(began) < 2*time.Second {
		if err := commitBatch(ctx, db, n, batch); err != nil {
			return err
		}
		n += batch
	}
	p.GroupCommits = float64(n) / time.Since(began).Seconds()
	return nil
}

func commitBatch(ctx context.Context, db *sql.DB, first, size int) (err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, tx.Rollback())
		}
	}()
	update, err := tx.PrepareContext(ctx, `UPDATE orders SET state = 1 - state WHERE name = ?`)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, update.Close()) }()
	insert, err := tx.PrepareContext(ctx, `INSERT INTO events (of, kind) VALUES (?, ?)`)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, insert.Close()) }()
	for i := range size {
		n := (first+i)%100_000 + 1 // one after the other, as orders are paid
		if _, err := update.ExecContext(ctx, fmt.Sprint("order ", n)); err != nil {
			return err
		}
		if _, err := insert.ExecContext(ctx, n, "paid"); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// echo is a message there and back through gorilla/websocket alone, a thousand times a second.
func (p *probes) echo(ctx context.Context) error {
	upgrader := websocket.Upgrader{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer func() { _ = c.Close() }()
		for {
			kind, message, err := c.ReadMessage()
			if err != nil || c.WriteMessage(kind, message) != nil {
				return
			}
		}
	}))
	defer server.Close()
	c, res, err := websocket.DefaultDialer.DialContext(ctx, "ws"+strings.TrimPrefix(server.URL, "http"), nil)
	if err != nil {
		return err
	}
	defer func() { _, _ = c.Close(), res.Body.Close() }()
	message := []byte(strings.Repeat("x", 600))
	var times []time.Duration
	for began, i := time.Now(), 0; i < 1000; i++ {
		time.Sleep(time.Until(began.Add(time.Duration(i) * time.Millisecond)))
		one := time.Now()
		if err := c.WriteMessage(websocket.TextMessage, message); err != nil {
			return err
		}
		if _, _, err := c.ReadMessage(); err != nil {
			return err
		}
		times = append(times, time.Since(one))
	}
	p.EchoP50, p.EchoP99 = milliseconds(percentile(times, 50)), milliseconds(percentile(times, 99))
	return nil
}

// sockets is what a socket costs that is served as gorilla's own examples do it.
func (p *probes) sockets(ctx context.Context) error {
	const n = 1000
	upgrader := websocket.Upgrader{}
	var open atomic.Int64
	done := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		go func() { <-done; _ = c.Close() }()
		open.Add(1)
		_, _, _ = c.ReadMessage()
	}))
	before := inUse()
	var conns []net.Conn
	defer func() {
		close(done)
		for _, c := range conns {
			_ = c.Close()
		}
		server.Close()
	}()
	dialer := net.Dialer{}
	for range n {
		c, err := dialer.DialContext(ctx, "tcp", server.Listener.Addr().String())
		if err != nil {
			return err
		}
		conns = append(conns, c)
		if _, err := fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"); err != nil {
			return err
		}
	}
	for open.Load() < n {
		if err := ctx.Err(); err != nil {
			return err
		}
		time.Sleep(time.Millisecond)
	}
	p.SocketKB = float64(inUse()-before) / n / 1024
	return nil
}

func inUse() int64 {
	runtime.GC()
	runtime.GC() // the second empties what the first left in pools
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapInuse + stats.StackInuse)
}

// together calls f for every number below n, some at once, and returns the first error.
func together(ctx context.Context, n, atOnce int, f func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(atOnce, n) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				if err := f(ctx, i); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}
