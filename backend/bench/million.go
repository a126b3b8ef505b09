package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"saoma/backend/pay"
	"saoma/backend/store"
)

// million measures start, memory and what people and shops ask for, with many orders stored.
func (b *bench) million(ctx context.Context) (err error) {
	file, err := b.largeBooks(ctx)
	if err != nil {
		return err
	}
	s, err := openShop(b.dir, fmt.Sprintf("database = %q", "sqlite:"+file))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	cookie, err := signIn(ctx, file)
	if err != nil {
		return err
	}
	p, err := b.start(ctx, "million", s.config, s.address)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	memory, err := p.memoryAtRest()
	if err != nil {
		return err
	}
	name := thousands(b.count/1000) + "k orders: "
	b.add(
		row{Name: name + "start to ready", Figure: milliseconds(p.ready), Unit: "ms", Target: 100, AtMost: true},
		row{Name: name + "idle memory", Figure: memory / 1024, Unit: "MB", Target: 30, AtMost: true},
	)
	questions, err := s.questions(ctx, cookie)
	if err != nil {
		return err
	}
	for _, q := range questions {
		times, err := s.ask(ctx, q, b.times(60))
		if err != nil {
			return fmt.Errorf("%s: %w", q.name, err)
		}
		b.add(row{Name: name + q.name + ", p99", Figure: milliseconds(percentile(times, 99)), Unit: "ms", Target: 50, AtMost: true})
	}
	return nil
}

// signIn makes somebody who may look at the dashboard, and a session.
func signIn(ctx context.Context, file string) (cookie string, err error) {
	books, err := store.OpenSQLite(ctx, file)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, books.Close()) }()
	token := cashierAt(books, time.Now()).NewToken()
	return "saoma-staff=" + string(token), books.Update(ctx, func(tx pay.Tx) error {
		who := pay.Staff{ID: "staff_" + pay.StaffID(token), Merchant: cafe, Name: "bench-" + strings.ToLower(string(token)), Role: "owner",
			PasswordHash: "none", CreatedAt: time.Now()}
		if err := tx.InsertStaff(ctx, who); err != nil {
			return err
		}
		return tx.InsertSession(ctx, pay.Session{Digest: pay.DigestOf(string(token)), Staff: who.ID, CreatedAt: time.Now(), SeenAt: time.Now()})
	})
}

// A question is a page or list, asked for in several ways.
type question struct {
	name   string
	paths  []string
	header map[string]string
}

// questions are what pages and lists there are of orders. Some of the orders that they ask for are old ones.
func (s *shop) questions(ctx context.Context, cookie string) ([]question, error) {
	status, text, err := fetch(ctx, s.client, http.MethodGet, "http://"+s.address+"/v1/orders?limit=20", "", s.authorization())
	if err != nil {
		return nil, err
	}
	var page struct {
		Data []struct {
			ID            string `json:"id"`
			TransactionID string `json:"transaction_id"`
		} `json:"data"`
	}
	if err := json.Unmarshal(text, &page); err != nil || len(page.Data) == 0 {
		return nil, fmt.Errorf("the list of orders is answered %d: %.300s", status, text)
	}
	var transaction string
	for _, o := range page.Data {
		if o.TransactionID != "" {
			transaction = o.TransactionID
		}
	}
	day := func(back int) string { return time.Now().AddDate(0, 0, -back).Format(time.DateOnly) }
	after := url.QueryEscape(time.Now().AddDate(0, 0, -20).Format(time.RFC3339))
	dashboard := map[string]string{"Cookie": cookie}
	pages := func(queries ...string) (paths []string) {
		for _, q := range queries {
			paths = append(paths, "/dashboard/orders?"+q)
		}
		return paths
	}
	lists := func(queries ...string) (paths []string) {
		for _, q := range queries {
			paths = append(paths, "/v1/orders?"+q)
		}
		return paths
	}
	return []question{
		{"dashboard, today and the month", []string{"/dashboard/"}, dashboard},
		{"dashboard, list", pages("", "status=paid", "status=cancelled", "status=expired", "status=pending"), dashboard},
		{"dashboard, list of days", pages("from="+day(40)+"&to="+day(40), "from="+day(50)+"&status=cancelled", "to="+day(30)+"&status=refunded"), dashboard},
		{"dashboard, search", pages("q="+page.Data[0].ID, "q="+transaction, "q=R0500000", "q=12.80", "q=99.99&status=expired",
			"q=nothing+like+this", "q=R0500000&status=paid&from="+day(59)), dashboard},
		{"dashboard, one order", []string{"/dashboard/orders/" + page.Data[0].ID}, dashboard},
		{"API, lists", lists("", "status=paid&limit=100", "status=expired", "created_after="+after, "created_after="+after+"&status=cancelled",
			"reference=R0300000", "reference=R0300000&status=paid"), s.authorization()},
	}, nil
}

// ask asks some times and returns how long the answers took. The first of each way is as slow as it is.
func (s *shop) ask(ctx context.Context, q question, n int) (times []time.Duration, err error) {
	for range n {
		for _, path := range q.paths {
			began := time.Now()
			status, text, err := fetch(ctx, s.client, http.MethodGet, "http://"+s.address+path, "", q.header)
			took := time.Since(began)
			if err != nil {
				return nil, err
			}
			if status != http.StatusOK {
				return nil, fmt.Errorf("%s is answered %d: %.300s", path, status, text)
			}
			times = append(times, took)
		}
	}
	return times, nil
}
