package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"saoma/backend/live"
	"saoma/backend/pay"
	"saoma/backend/store"
)

// growth measures the same work with 1,000, 10,000 and 100,000 of something about: it should cost the same.
func (b *bench) growth(ctx context.Context) error {
	for _, step := range []func(context.Context, int) error{b.openOrdersCost, b.watchersCost, b.merchantsCost} {
		for _, n := range []int{1000, 10_000, 100_000} {
			if err := step(ctx, n); err != nil {
				return err
			}
		}
	}
	return nil
}

// flat compares a figure with that of 1,000.
func (b *bench) flat(name, unit string, n int, figure float64) {
	r := row{Name: fmt.Sprintf("%s, %s", name, thousands(n)), Figure: figure, Unit: unit}
	for _, first := range b.rows {
		if first.Name == fmt.Sprintf("%s, %s", name, thousands(1000)) {
			r.Ratio, r.Of = figure/first.Figure, "that with 1,000"
		}
	}
	b.add(r)
}

// openOrdersCost measures payments and a look of the sweep while so many orders are open.
func (b *bench) openOrdersCost(ctx context.Context, n int) (err error) {
	dir, err := os.MkdirTemp(b.dir, "growth")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	file := filepath.Join(dir, "saoma.db")
	if _, err := openOrders(ctx, file, n); err != nil {
		return err
	}
	books, err := store.OpenSQLite(ctx, file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, books.Close()) }()
	const some = 5000
	began := time.Now()
	if err := together(ctx, some, 128, func(ctx context.Context, i int) error {
		return fillOne(ctx, books, 10*i+1, time.Now())
	}); err != nil {
		return err
	}
	b.flat("an order made and paid in the books, open orders", "µs", n, float64(time.Since(began).Microseconds())/some)
	c := cashierAt(books, time.Now())
	look, err := each(300*time.Millisecond, func() error {
		due, err := c.Due(ctx)
		if err == nil && len(due) > 0 {
			err = fmt.Errorf("the orders of %v are due", due)
		}
		return err
	})
	b.flat("a look of the sweep for what is due, open orders", "µs", n, look)
	return err
}

// watchersCost measures news for one who waits while so many do.
func (b *bench) watchersCost(ctx context.Context, n int) error {
	hub := live.NewHub(live.Options{})
	before := inUse()
	topics := make([]string, n)
	for i := range topics {
		topics[i] = fmt.Sprint("order ", i)
		hub.Watch(topics[i])
	}
	b.flat("a long poll in the hub", "B", n, float64(inUse()-before)/float64(n))
	i := 0
	took, err := each(300*time.Millisecond, func() error {
		topic := topics[i%n]
		i++
		hub.Publish(topic, nil, 0)
		hub.Watch(topic)
		return nil
	})
	b.flat("news for one, who comes again, watchers", "µs", n, took)
	return errors.Join(err, hub.Close(ctx, 4000))
}

// merchantsCost measures how one of so many merchants is found by its key.
func (b *bench) merchantsCost(_ context.Context, n int) error {
	list := make([]pay.Merchant, n)
	for i := range list {
		list[i] = pay.Merchant{ID: pay.MerchantID(fmt.Sprint("m", i)), PublishableKey: fmt.Sprint("pk_", i),
			SecretDigest: pay.DigestOf(fmt.Sprint("secret ", i)), Origins: []string{fmt.Sprintf("https://shop%d.example", i)}}
	}
	merchants := pay.NewMerchants(list)
	last := fmt.Sprint("secret ", n-1)
	took, err := each(300*time.Millisecond, func() error {
		if _, ok := merchants.BySecretKey(last); !ok {
			return errors.New("a merchant is not found")
		}
		return nil
	})
	b.flat("a merchant found by its secret key, merchants", "µs", n, took)
	return err
}
