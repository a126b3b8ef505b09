package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"saoma/backend/pay"
	"saoma/backend/store"
)

// Servers that share a database read first and write then, each in its own process, and neither's change is lost.
func testManyWritersOnTwoServers(t *testing.T, d database) {
	servers := []*store.Store{d.open(t), d.open(t)}
	const orders, writers, each = 3, 4, 8
	for n := range orders {
		insert(t, servers[0], order(n))
	}
	var wg sync.WaitGroup
	for _, s := range servers {
		for range writers {
			wg.Go(func() {
				for i := range each * orders {
					err := s.Update(t.Context(), func(tx pay.Tx) error {
						o, err := tx.Order(t.Context(), order(i%orders).ID)
						if err != nil {
							return err
						}
						o.Version++
						return tx.UpdateOrder(t.Context(), o)
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	wg.Wait()
	err := servers[1].View(t.Context(), func(tx pay.Tx) error {
		for n := range orders {
			o, err := tx.Order(t.Context(), order(n).ID)
			if want := int64(1 + len(servers)*writers*each); err != nil || o.Version != want {
				t.Errorf("order %d has version %d, %v; want %d", n, o.Version, err, want)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// The same Idempotency-Key sent to two servers makes one thing; the second learns of the first.
func testTheSameOnTwoServers(t *testing.T, d database) {
	servers := []*store.Store{d.open(t), d.open(t)}
	const keys = 20
	subjects := make([][keys]string, len(servers))
	var wg sync.WaitGroup
	for n, s := range servers {
		wg.Go(func() {
			for k := range keys {
				once := pay.Once{Key: fmt.Sprint("key", k), Request: "r"}
				err := s.Update(t.Context(), func(tx pay.Tx) (err error) {
					subjects[n][k], _, err = tx.OnceSubject(t.Context(), "cafe", once.Key)
					if !errors.Is(err, pay.ErrNoRow) {
						return err
					}
					subjects[n][k] = fmt.Sprintf("made by %d", n)
					return tx.InsertOnce(t.Context(), "cafe", once, subjects[n][k], noon)
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if subjects[0] != subjects[1] {
		t.Errorf("the servers disagree:\n%v\n%v", subjects[0], subjects[1])
	}
}

// What is due is done by one server.
func testClaimedByTwoServers(t *testing.T, d database) {
	servers := []*store.Store{d.open(t), d.open(t)}
	const n = 60
	update(t, servers[0], func(ctx context.Context, tx pay.Tx) error {
		for i := range n {
			o := order(i)
			if err := errors.Join(tx.InsertOrder(ctx, o), tx.InsertAttempt(ctx, attempt(o, fmt.Sprint("T", i)))); err != nil {
				return err
			}
		}
		return nil
	})
	now := noon.Add(time.Hour)
	var mu sync.Mutex
	seen := make(map[string]int)
	var wg sync.WaitGroup
	for _, s := range servers {
		for range 3 {
			wg.Go(func() {
				for {
					var claimed []pay.Attempt
					err := s.Update(t.Context(), func(tx pay.Tx) (err error) {
						claimed, err = tx.ClaimAttempts(t.Context(), "cafe", now, now.Add(time.Minute), 4)
						return err
					})
					if err != nil {
						t.Error(err)
					}
					if len(claimed) == 0 {
						return
					}
					mu.Lock()
					for _, a := range claimed {
						seen[a.OutTradeNo]++
					}
					mu.Unlock()
				}
			})
		}
	}
	wg.Wait()
	for name, times := range seen {
		if times != 1 {
			t.Errorf("%s was claimed %d times", name, times)
		}
	}
	if len(seen) != n {
		t.Errorf("claimed %d of %d", len(seen), n)
	}
}
