package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// What the shop's own server does about orders: it makes those that it prices itself, and it asks Saoma what became of
// the others. Both calls carry the secret key, so they are made here and never in the browser.

// errUnknownOrder is an order that Saoma does not know, or that is not this merchant's.
var errUnknownOrder = errors.New("no such order")

// call makes one call to Saoma and reads the answer into out.
func (s *shop) call(r *http.Request, method, path, body string, out any) (err error) {
	req, err := http.NewRequestWithContext(r.Context(), method, s.server+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+s.secretKey)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	if res.StatusCode == http.StatusNotFound {
		return errUnknownOrder
	}
	if res.StatusCode >= http.StatusMultipleChoices {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 1<<10))
		return fmt.Errorf("%s %s answered %d: %s", method, path, res.StatusCode, text)
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(out); err != nil {
		return fmt.Errorf("%s %s: read the answer: %w", method, path, err)
	}
	return nil
}

// makeBill makes an order whose sum only this server knows, and gives the browser its token. The bill is good for a
// minute, so that a visitor can watch it expire.
func (s *shop) makeBill(w http.ResponseWriter, r *http.Request) {
	const amount = 8280 // two pour-overs and a croissant, less a tenth for members
	description := "手冲咖啡 ×2、可颂，会员九折"
	if r.FormValue("lang") == "en" {
		description = "Pour-over ×2, croissant, members’ price"
	}
	body := fmt.Sprintf(`{"amount":%d,"description":%q,"expires_in":60,"reference":"bill"}`, amount, description)
	var order struct {
		Token string `json:"token"`
	}
	if err := s.call(r, http.MethodPost, "/v1/orders", body, &order); err != nil {
		s.log.Error("the shop got no order", "error", err)
		http.Error(w, "no order", http.StatusBadGateway)
		return
	}
	s.answer(w, map[string]string{"token": order.Token})
}

// saomaOrder is what the shop reads of an order at Saoma.
type saomaOrder struct {
	ID          string     `json:"id"`
	Status      string     `json:"status"`
	Version     int64      `json:"version"`
	Amount      int64      `json:"amount"`
	Description string     `json:"description"`
	Reference   string     `json:"reference"`
	PaidAt      *time.Time `json:"paid_at"`
	Items       []struct {
		SKU      string `json:"sku"`
		Name     string `json:"name"`
		Price    int64  `json:"price"`
		Quantity int    `json:"quantity"`
	} `json:"items"`
}

// An orderView is what a thank-you page shows of an order. It names nobody.
type orderView struct {
	Status string     `json:"status"`
	Amount int64      `json:"amount"`           // fen
	Number string     `json:"number,omitempty"` // to collect it with; only when it is paid
	Table  string     `json:"table,omitempty"`
	PaidAt *time.Time `json:"paid_at,omitempty"`
	Lines  []lineView `json:"lines"`
}

type lineView struct {
	Name     string `json:"name"`
	English  string `json:"en"`
	Quantity int    `json:"quantity"`
	Sum      int64  `json:"sum"` // fen
}

// isOrderID holds what a browser sends against how Saoma's ids look: it becomes part of a path that is asked with our
// secret key.
func isOrderID(id string) bool {
	name, found := strings.CutPrefix(id, "ord_")
	other := func(r rune) bool { return (r < '0' || r > '9') && (r < 'A' || r > 'Z') }
	return found && name != "" && len(name) <= 40 && !strings.ContainsFunc(name, other)
}

// readOrder tells a page what became of an order. The number in the page's address proves nothing, and neither does
// an event in the browser: an order is paid when Saoma says so to this server, by a webhook or when it is asked.
func (s *shop) readOrder(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	o, told := s.hooks.order(id)
	var err error
	switch {
	case told:
	case isOrderID(id): // the customer is faster than the webhook, or it was told to a life of this server before
		err = s.call(r, http.MethodGet, "/v1/orders/"+id, "", &o)
	default:
		err = errUnknownOrder
	}
	if errors.Is(err, errUnknownOrder) {
		http.Error(w, "no such order", http.StatusNotFound)
		return
	}
	if err != nil {
		s.log.Error("the shop cannot read an order", "error", err)
		http.Error(w, "try again", http.StatusBadGateway)
		return
	}
	v := orderView{Status: o.Status, Amount: o.Amount, Lines: s.lines(o)}
	v.Table, _ = strings.CutPrefix(o.Reference, "table-")
	if v.Table == o.Reference {
		v.Table = ""
	}
	if o.Status == "paid" {
		v.PaidAt, v.Number = o.PaidAt, s.numbers.of(o.ID)
	}
	s.answer(w, v)
}

func (s *shop) lines(o saomaOrder) []lineView {
	if len(o.Items) == 0 {
		return []lineView{{Name: o.Description, English: o.Description, Quantity: 1, Sum: o.Amount}}
	}
	out := make([]lineView, len(o.Items))
	for i, it := range o.Items {
		chinese, english := s.menu.names(it.SKU, it.Name)
		out[i] = lineView{chinese, english, it.Quantity, it.Price * int64(it.Quantity)}
	}
	return out
}

func (s *shop) answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	// The browser may have left; there is nobody to tell.
	_ = json.NewEncoder(w).Encode(v)
}

// pickUps numbers the paid orders, each one once. A day begins when the shop opens.
type pickUps struct {
	mu   sync.Mutex
	last int
	by   map[string]string // by order
}

func (p *pickUps) of(order string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.by == nil {
		p.by = map[string]string{}
	}
	number, ok := p.by[order]
	if !ok {
		p.last++
		number = fmt.Sprintf("A%02d", p.last)
		p.by[order] = number
	}
	return number
}
