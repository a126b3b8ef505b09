package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"saoma/backend/store/postgrestest"
)

// Shops that outgrow SQLite go on with PostgreSQL: everything that was promised is there, and what was open is paid there.
func TestMigrate(t *testing.T) {
	t.Parallel()
	s := newSiege(t)
	cluster, err := postgrestest.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Remove(); err != nil {
			t.Error(err)
		}
	})
	fresh, err := cluster.NewDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(s.data, "address")
	if err := os.WriteFile(secret, []byte(fresh+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	migrate := []string{"migrate", "-from", "sqlite:" + s.database(), "-to", "file:" + secret}
	if said, err := s.tell(migrate...); err == nil || !strings.Contains(said, "no such file") {
		t.Errorf("a database that is not there: %v %s", err, said)
	}
	s.start()
	eventually(t, "the program answers", func() bool { return healthy(t, s.url) })
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var shops sync.WaitGroup
	for i := range uint64(4) {
		shops.Go(func() { s.shop(ctx, fmt.Sprintf("shop%d", i), rand.New(rand.NewPCG(1, i))) })
	}
	eventually(t, "business is good", func() bool { return s.promised.count() > 40 })
	if said, err := s.tell(migrate...); err == nil || !strings.Contains(said, "stop the server first") {
		t.Errorf("a migration under a running server: %v %s", err, said)
	}
	stop()
	shops.Wait()
	open, ok := s.order(t.Context(), request{"/v1/orders", "open", `{"amount":4242,"description":"tea"}`})
	if !ok {
		t.Fatal("no order is open")
	}
	s.terminate()

	said, err := s.tell(migrate...)
	if err != nil || !strings.Contains(said, "events and 0 days are as they were recorded") {
		t.Fatalf("%v: %s", err, said)
	}
	if said, err := s.tell(migrate...); err == nil || !strings.Contains(said, "something in it already") {
		t.Errorf("a second migration: %v %s", err, said)
	}
	s.moveTo(t, fresh)
	s.start()
	eventually(t, "the program answers from PostgreSQL", func() bool { return healthy(t, s.url) })
	s.pay(open.CodeURL)
	if !s.becomes(t.Context(), "/v1/orders/"+open.ID, "paid") {
		t.Error("what was open is not paid")
	}
	s.asked.Range(func(_, q any) bool {
		s.repeat(t.Context(), q.(request)) // the same key, the same order
		return !t.Failed()
	})
	s.terminate()
	if said, err := s.tell("verify", "-config", filepath.Join(s.data, "saoma.toml")); err != nil {
		t.Errorf("verify: %v %s", err, said)
	}
}

// moveTo has the configuration name another database.
func (s *siege) moveTo(t *testing.T, address string) {
	t.Helper()
	file := filepath.Join(s.data, "saoma.toml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append(fmt.Appendf(nil, "database = %q\n", address), text...), 0o600); err != nil {
		t.Fatal(err)
	}
}
