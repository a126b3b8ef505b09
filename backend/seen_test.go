package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"saoma/backend/pay"
	"saoma/backend/wire"
)

// kinds are what the merchant's server reads of an order's history.
func (w *world) kinds(t *testing.T, id string) (kinds []string) {
	t.Helper()
	var list struct {
		Data []struct {
			Type string `json:"type"`
		} `json:"data"`
	}
	w.call(t, "GET", "/v1/orders/"+id+"/events", "", w.secret()).json(t, &list)
	for _, e := range list.Data {
		kinds = append(kinds, e.Type)
	}
	return kinds
}

// That a page was shown is recorded once, however often it is loaded; that a screen was told of the end likewise. The
// history still verifies.
func TestWhatTheCustomerSawIsRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.latte(t)
	for range 3 {
		if a := w.call(t, "GET", "/checkout/"+o.Token, ""); a.status != http.StatusOK {
			t.Fatal(a.status)
		}
	}
	eventually(t, "it is recorded", func() bool { return slices.Contains(w.kinds(t, o.ID), "shown") })
	dialer := websocket.Dialer{Subprotocols: []string{wire.Subprotocol}}
	socket, response, err := dialer.DialContext(t.Context(), strings.Replace(w.url, "http", "ws", 1)+"/v1/checkouts/"+o.Token+"/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = response.Body.Close(), socket.Close() }()
	w.pays(t, o)
	eventually(t, "the push is recorded", func() bool { return slices.Contains(w.kinds(t, o.ID), "pushed") })
	want := []string{"created", "prepaid", "shown", "succeeded", "pushed"}
	if got := w.kinds(t, o.ID); !slices.Equal(got, want) {
		t.Errorf("the history is %q; want %q", got, want)
	}
	if _, _, err := w.service.cashier.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

// Nothing waits for what is recorded on the side, also when nobody empties the queue.
func TestAFullSeenQueueHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	q := make(seenQueue, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 3 {
			q.shown(pay.Order{ID: "ord_1"})
			q.pushed(pay.Order{ID: "ord_1"}, 2)
		}
		q.pushed(pay.Order{ID: "ord_2"}, 0)
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("somebody waits")
	}
	if e := <-q; e != (seen{order: "ord_1"}) || len(q) != 0 {
		t.Errorf("the queue holds %+v and %d more", e, len(q))
	}
}
