package pay_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"saoma/backend/pay"
	"saoma/backend/webhook"
)

const hookSecret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="

// renderHook renders a webhook's body, as the server does in the API's terms.
func renderHook(t pay.WebhookType, at time.Time, subject any) []byte {
	text, err := json.Marshal(map[string]any{"type": t, "timestamp": at.UTC(), "data": subject})
	if err != nil {
		panic(err)
	}
	return text
}

// A hookShop is a merchant's server that takes webhooks, with bad days.
type hookShop struct {
	mu      sync.Mutex
	rnd     *rand.Rand
	mood    hookMood
	bodies  map[string]string // by webhook-id
	took    []string          // ids, in the order in which they were first taken
	offence error             // what must never come
	answer  http.HandlerFunc  // in place of the mood, if it is set
	first   pay.DeliveryID    // for the answer to know
}

// A hookMood is how a shop's server does at the moment: how many of a hundred requests go wrong, and whether any gets
// through at all.
type hookMood struct {
	trouble int
	dead    bool
}

func newHookShop(seed, number uint64) *hookShop {
	return &hookShop{rnd: rand.New(rand.NewPCG(seed, number)), bodies: make(map[string]string)}
}

// openHooks gives every merchant such a server and returns what posts to them.
func (s *simulation) openHooks() (err error) {
	s.hooks = make(map[pay.MerchantID]*hookShop)
	endpoints := make(map[pay.MerchantID]webhook.Endpoint)
	for i := range s.merchants {
		m := &s.merchants[i]
		m.WebhookURL = "https://" + string(m.ID) + ".shop.test/hooks"
		s.hooks[m.ID] = newHookShop(s.seed, uint64(i)+40)
		endpoints[m.ID] = webhook.Endpoint{URL: m.WebhookURL, Secrets: []string{hookSecret}}
	}
	route := func(w http.ResponseWriter, r *http.Request) {
		id, _, _ := strings.Cut(r.Host, ".")
		s.hooks[pay.MerchantID(id)].ServeHTTP(w, r)
	}
	s.sender, err = webhook.New(endpoints, webhook.Options{Transport: transport(http.HandlerFunc(route))})
	return err
}

func (h *hookShop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	h.mu.Lock()
	mood, dice, what, answer := h.mood, h.rnd.IntN(100), h.rnd.IntN(6), h.answer
	h.mu.Unlock()
	switch {
	case answer != nil:
		r.Body = io.NopCloser(bytes.NewReader(body))
		answer(w, r)
	case mood.dead:
		panic(http.ErrAbortHandler)
	case dice >= mood.trouble:
		h.take(r.Header, body)
		w.WriteHeader(http.StatusNoContent)
	case what == 0: // taken, and the answer is lost
		h.take(r.Header, body)
		panic(http.ErrAbortHandler)
	case what == 1: // taken too late
		<-r.Context().Done()
		h.take(r.Header, body)
	case what == 2:
		w.Header().Set("Retry-After", "600")
		w.WriteHeader(http.StatusTooManyRequests)
	case what == 3:
		http.Redirect(w, r, "https://elsewhere.test/", http.StatusFound)
	default:
		w.WriteHeader(http.StatusInternalServerError)
	}
}

func (h *hookShop) take(header http.Header, body []byte) {
	key, err := standardwebhooks.NewWebhook(hookSecret)
	if err == nil {
		err = key.VerifyIgnoringTimestamp(body, header) // our program's clock may be off by more than five minutes
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	id := header.Get("webhook-id")
	known, repeated := h.bodies[id]
	if repeated && known != string(body) {
		err = fmt.Errorf("%s came with two bodies: %s and %s", id, known, body)
	}
	h.offence = errors.Join(h.offence, err)
	if !repeated {
		h.bodies[id] = string(body)
		h.took = append(h.took, id)
	}
}

func (h *hookShop) feel(m hookMood) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mood = m
}

// moods lets a shop's server be well for most of the time, wayward now and then, and dead for days once in a while.
func (h *hookShop) moods(ctx context.Context, rnd *rand.Rand) {
	for ctx.Err() == nil {
		mood, hours := hookMood{}, rnd.IntN(12)
		switch rnd.IntN(10) {
		case 0, 1:
			mood.trouble = 60
		case 2:
			mood.trouble, hours = 100, rnd.IntN(3)
		case 3:
			mood.dead, hours = true, 60+rnd.IntN(60)
		}
		h.feel(mood)
		pause(ctx, time.Duration(hours)*time.Hour+time.Duration(rnd.IntN(3600))*time.Second)
	}
}

// deliver sends what is due, every merchant's by themselves.
func (p *process) deliver(ctx context.Context, under *sync.Map) {
	due, _ := p.DueDeliveries(ctx)
	for _, m := range due {
		if _, busy := under.LoadOrStore(m, true); busy {
			continue
		}
		p.loops.Go(func() {
			defer under.Delete(m)
			_, _ = p.Deliver(ctx, m, nil)
		})
	}
}

// checkHooks holds what the shops were told against what happened to their orders. A person sends again what was given
// up while a server was dead for days.
func (s *simulation) checkHooks(ctx context.Context, p *process, b books, bad complain) error {
	given := make(map[pay.DeliveryID]bool)
	for _, m := range s.merchants {
		list, err := p.Deliveries(ctx, pay.DeliveryFilter{Merchant: m.ID, State: pay.DeliveryFailed, Limit: 100 * s.orders})
		if err != nil {
			return err
		}
		for _, d := range list {
			given[d.ID] = true
		}
		n, err := p.ResendSince(ctx, m.ID, s.began.Add(-time.Hour), pay.DeliveryFailed)
		if err != nil || n != len(list) {
			return fmt.Errorf("%d of %d given up are sent again: %w", n, len(list), err)
		}
	}
	time.Sleep(time.Hour)
	for _, m := range s.merchants {
		if err := s.checkHooksOf(ctx, p, m, b, given, bad); err != nil {
			return err
		}
	}
	return nil
}

func (s *simulation) checkHooksOf(ctx context.Context, p *process, m pay.Merchant, b books, given map[pay.DeliveryID]bool, bad complain) error {
	list, err := p.Deliveries(ctx, pay.DeliveryFilter{Merchant: m.ID, Limit: 100 * s.orders})
	if err != nil {
		return err
	}
	slices.Reverse(list) // oldest first
	shop := s.hooks[m.ID]
	shop.mu.Lock()
	defer shop.mu.Unlock()
	if shop.offence != nil {
		return shop.offence
	}
	place := make(map[string]int, len(shop.took))
	for i, id := range shop.took {
		place[id] = i
	}
	told, last := make(map[pay.OrderID][]string), make(map[pay.OrderID]int)
	days := make(map[string]bool)
	for _, d := range list {
		at, taken := place[string(d.ID)]
		if d.State != pay.DeliveryDelivered || !taken || shop.bodies[string(d.ID)] != string(d.Body) {
			bad(d.Order, "webhook %s %s is %s after %d tries, %s; the shop has it: %t", d.ID, d.Type, d.State, d.Tries, d.Trouble, taken)
		}
		if d.Type == pay.WebhookReconciled {
			days[d.Subject] = true
			continue
		}
		told[d.Order] = append(told[d.Order], fmt.Sprint(d.Type, " of ", d.Subject, ", ", d.Version))
		if !given[d.ID] {
			if before, any := last[d.Order]; any && at < before {
				bad(d.Order, "webhook %s %s came before one that happened earlier", d.ID, d.Type)
			}
			last[d.Order] = at
		}
	}
	for _, o := range b.orders {
		if o.Merchant != m.ID {
			continue
		}
		if want := b.news(o, m); !slices.Equal(told[o.ID], want) {
			bad(o.ID, "the shop was told %q; the order's history demands %q", told[o.ID], want)
		}
	}
	for day := range s.days() {
		if !days[day] {
			return fmt.Errorf("%s was not told of the reconciliation of %s", m.ID, day)
		}
	}
	return nil
}

// days are the days that must have been reconciled.
func (s *simulation) days() map[string]bool {
	days := make(map[string]bool)
	zone := time.FixedZone("Beijing", 8*60*60)
	for at := s.began.In(zone); at.Before(time.Now().Add(-34 * time.Hour)); at = at.AddDate(0, 0, 1) {
		days[at.Format(time.DateOnly)] = true
	}
	return days
}

// news is what a shop must hear of an order, by its history.
func (b books) news(o pay.Order, m pay.Merchant) (list []string) {
	refunds := make(map[string]pay.Refund)
	for _, r := range b.refunds[o.ID] {
		refunds[string(r.ID)] = r
	}
	tell := func(t pay.WebhookType, subject, version any) {
		list = append(list, fmt.Sprint(t, " of ", subject, ", ", version))
	}
	for _, e := range b.events[o.ID] {
		ofOrder := b.attempts[refunds[e.Detail["refund"]].OutTradeNo].TransactionID == o.TransactionID
		switch {
		case e.Kind == pay.Succeeded && e.Detail["second"] == "false" && (e.Detail["late"] == "false" || m.Late == pay.LateAccept):
			tell(pay.WebhookOrderPaid, o.ID, e.Version)
		case e.Kind == pay.TimedOut:
			tell(pay.WebhookOrderExpired, o.ID, e.Version)
		case e.Kind == pay.CalledOff:
			tell(pay.WebhookOrderCancelled, o.ID, e.Version)
		case e.Kind == pay.PartReturned, e.Kind == pay.Returned:
			tell(pay.WebhookRefundSucceeded, e.Detail["refund"], pay.RefundSucceeded)
			if e.Kind == pay.Returned {
				tell(pay.WebhookOrderRefunded, o.ID, e.Version)
			}
		case e.Kind == "refund_abnormal" && ofOrder, e.Kind == "refund_closed" && ofOrder:
			tell(pay.WebhookRefundFailed, e.Detail["refund"], e.Detail["state"])
		}
	}
	return list
}
