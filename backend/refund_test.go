package main

import (
	"bytes"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

type refund struct {
	ID      string `json:"id"`
	OrderID string `json:"order_id"`
	Status  string `json:"status"`
	Amount  int64  `json:"amount"`
	Trouble string `json:"trouble"`
}

func TestRefundByTheAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.latte(t)
	refunds := "/v1/orders/" + o.ID + "/refunds"
	if a := w.call(t, "POST", refunds, `{"amount":100}`, w.secret()); a.status != http.StatusConflict {
		t.Errorf("of an unpaid order: %d %s", a.status, a.body)
	}
	w.pays(t, o)
	w.wantStatus(t, o.ID, "paid")
	for body, field := range map[string]string{
		`{}`: "amount", `{"amount":0}`: "amount", `{"amount":2801}`: "amount", `{"amount":"1"}`: "amount", `{"amount":1,"why":"x"}`: "why",
		`{"amount":1,"reason":"` + strings.Repeat("字", 27) + `"}`: "reason",
	} {
		a := w.call(t, "POST", refunds, body, w.secret())
		if a.status != http.StatusUnprocessableEntity || !strings.Contains(string(a.body), `"field":"`+field+`"`) {
			t.Errorf("%s: %d %s; want %s named", body, a.status, a.body, field)
		}
	}
	a := w.call(t, "POST", refunds, `{"amount":2800,"reason":"不要了","reference":"r-1"}`, w.secret())
	var r refund
	a.json(t, &r)
	if a.status != http.StatusCreated || r.OrderID != o.ID || r.Amount != 2800 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	w.wantStatus(t, o.ID, "refunded")
	w.call(t, "GET", "/v1/refunds/"+r.ID, "", w.secret()).json(t, &r)
	if r.Status != "succeeded" || r.Trouble != "" {
		t.Errorf("in the end %+v", r)
	}
	if a := w.call(t, "GET", "/v1/refunds/R0", "", w.secret()); a.status != http.StatusNotFound {
		t.Errorf("an unknown refund: %d", a.status)
	}
}

func TestRenewByTheAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.latte(t)
	w.forward(16 * time.Minute)
	w.wantStatus(t, o.ID, "expired")
	a := w.call(t, "POST", "/v1/checkouts/"+o.Token+"/renew", "", w.origin())
	var fresh order
	a.json(t, &fresh)
	if a.status != http.StatusOK || fresh.Status != "pending" || fresh.CodeURL == "" || fresh.CodeURL == o.CodeURL {
		t.Fatalf("%d %s", a.status, a.body)
	}
	w.pays(t, fresh)
	w.wantStatus(t, o.ID, "paid")
	if a := w.call(t, "POST", "/v1/checkouts/"+o.Token+"/renew", "", w.origin()); a.status != http.StatusConflict {
		t.Errorf("renewing a paid order: %d %s", a.status, a.body)
	}
}

// The same key and the same body get the same answer, to the byte; the same key and another body are refused.
func TestIdempotencyKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := "Idempotency-Key: 2026-11-23-7"
	body, other := `{"amount":1280,"description":"tea"}`, `{"amount":1281,"description":"tea"}`
	var answers [8]answer
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() { answers[i] = w.call(t, "POST", "/v1/orders", body, w.secret(), key) })
	}
	wg.Wait()
	for _, a := range answers {
		if a.status != http.StatusCreated || !bytes.Equal(a.body, answers[0].body) {
			t.Errorf("%d %s; want the same as %s", a.status, a.body, answers[0].body)
		}
	}
	var o order
	answers[0].json(t, &o)
	w.pays(t, o)
	w.wantStatus(t, o.ID, "paid")
	if a := w.call(t, "POST", "/v1/orders", body, w.secret(), key); !bytes.Equal(a.body, answers[0].body) {
		t.Errorf("after the payment: %s; want the answer as it was", a.body)
	}
	a := w.call(t, "POST", "/v1/orders", other, w.secret(), key)
	if a.status != http.StatusUnprocessableEntity || !strings.Contains(string(a.body), "idempotency_key_reused") {
		t.Errorf("another body: %d %s", a.status, a.body)
	}
	if n := w.orders(t); n != 1 {
		t.Errorf("%d orders were made; want 1", n)
	}
	// A browser's key is another matter, and a refund's too.
	if a := w.call(t, "POST", "/v1/checkouts", `{"key":"pk_demo","items":[{"sku":"tea","quantity":1}]}`, w.origin(), key); a.status != http.StatusCreated {
		t.Errorf("a browser: %d %s", a.status, a.body)
	}
	var first string
	for i := range 3 {
		a := w.call(t, "POST", "/v1/orders/"+o.ID+"/refunds", `{"amount":100}`, w.secret(), key+"-refund")
		if i == 0 {
			first = string(a.body)
		}
		if a.status != http.StatusCreated || string(a.body) != first {
			t.Errorf("refund %d: %d %s; want %s", i, a.status, a.body, first)
		}
	}
	if n := len(w.sim.Refunds()); n != 1 {
		t.Errorf("%d refunds were made; want 1", n)
	}
	if a := w.call(t, "POST", "/v1/orders", body, w.secret(), "Idempotency-Key: "+strings.Repeat("k", 256)); a.status != http.StatusUnprocessableEntity {
		t.Errorf("a huge key: %d %s", a.status, a.body)
	}
}

// What was refused may be mended under the same key.
func TestARefusedRequestDoesNotUseItsKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := "Idempotency-Key: k"
	if a := w.call(t, "POST", "/v1/orders", `{"amount":1280}`, w.secret(), key); a.status != http.StatusUnprocessableEntity {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if a := w.call(t, "POST", "/v1/orders", `{"amount":1280,"description":"tea"}`, w.secret(), key); a.status != http.StatusCreated {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestVerifyCommand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.latte(t)
	w.pays(t, o)
	w.wantStatus(t, o.ID, "paid")
	writeConfig(t, w.data, "127.0.0.1:0")
	var out bytes.Buffer
	config := filepath.Join(w.data, "saoma.toml")
	if err := run(t.Context(), []string{"verify", "-config", config}, &out); err != nil || !strings.HasPrefix(out.String(), "3 events") {
		t.Errorf("%q, %v; want 3 events in order", out.String(), err)
	}
	if err := run(t.Context(), []string{"verify", "-config", config + "x"}, &out); err == nil {
		t.Error(fmt.Sprint("verified without a configuration: ", out.String()))
	}
}
