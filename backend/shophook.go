package main

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// What the shop's own server does with Saoma's webhooks: it verifies them, writes down what became of its orders, and
// answers fast. A real shop does that in its database, and starts to make the coffee.

// hooksMax bounds how many orders the demo's shop remembers.
const hooksMax = 1000

// hooks are what the shop was told of its orders.
type hooks struct {
	key    *standardwebhooks.Webhook
	mu     sync.Mutex
	orders map[string]saomaOrder
	oldest []string
}

// hear takes a webhook. Whatever it does not answer with 2xx it is told again.
func (s *shop) hear(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		http.Error(w, "cannot be read", http.StatusBadRequest)
		return
	}
	// Before anything in it is believed: the signature, over the bytes as they came, and the time.
	if err := s.hooks.key.Verify(body, r.Header); err != nil {
		s.log.Warn("the shop was sent something that is not from Saoma", "error", err)
		http.Error(w, "bad signature", http.StatusUnauthorized)
		return
	}
	var hook struct {
		Type string     `json:"type"`
		Data saomaOrder `json:"data"`
	}
	if err := json.Unmarshal(body, &hook); err != nil {
		http.Error(w, "not understood", http.StatusBadRequest)
		return
	}
	// New types may come with time: what one does not know is no error.
	if strings.HasPrefix(hook.Type, "order.") {
		s.hooks.keep(hook.Data)
	}
	w.WriteHeader(http.StatusNoContent)
}

// keep writes an order down. The same may be told twice, and the version says which is newer.
func (h *hooks) keep(o saomaOrder) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.orders == nil {
		h.orders = make(map[string]saomaOrder)
	}
	known, before := h.orders[o.ID]
	if before && known.Version >= o.Version {
		return
	}
	h.orders[o.ID] = o
	if before {
		return
	}
	if h.oldest = append(h.oldest, o.ID); len(h.oldest) > hooksMax {
		delete(h.orders, h.oldest[0])
		h.oldest = h.oldest[1:]
	}
}

// order returns what the shop was told of an order, if that is the end of it: one that has expired may have been
// renewed since, of which no webhook tells.
func (h *hooks) order(id string) (saomaOrder, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	o, told := h.orders[id]
	return o, told && o.Status != "expired"
}
