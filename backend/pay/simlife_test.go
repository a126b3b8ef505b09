package pay_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"time"

	"saoma/backend/pay"
	"saoma/backend/wechatsim"
)

// weather changes the faults of a merchant's WeChat Pay now and then.
func (s *simulation) weather(ctx context.Context, sim *wechatsim.Server, rnd *rand.Rand) {
	few := func() int { return max(0, rnd.IntN(9)-5) } // mostly none
	once := func() int { return rnd.IntN(2) }          // bills are asked for twice an hour only
	call := func() wechatsim.CallFaults {
		return wechatsim.CallFaults{
			TooMany: few(), Unavailable: few(), ErrorBefore: few(), ErrorAfter: few(), HangBefore: few(), HangAfter: few(),
			BadSignature: few(), ProbeSignature: few(), CustomerPays: few(),
		}
	}
	for ctx.Err() == nil {
		sim.SetFaults(wechatsim.Faults{
			Prepay: call(), Query: call(), Close: call(), Refund: call(), QueryRefund: call(),
			Bill: wechatsim.CallFaults{ErrorBefore: once()}, Download: wechatsim.CallFaults{HangAfter: once()},
			RefuseYoungClose: few(), PayLate: few(), PayClosed: few(), Stale: few(),
			BillFile:      wechatsim.BillFaults{Creating: once(), WrongHash: once(), ExpiredURL: once(), OldLayout: once()},
			RefundOutcome: wechatsim.RefundFaults{NotEnough: few(), Closed: few()},
			Callback: wechatsim.CallbackFaults{
				Late: few(), LateSeconds: rnd.IntN(4000), Parallel: few(), Double: few(), Lose: few(), ProbeSignature: few(),
				BadSignature: few(), UnknownSerial: few(), OldTimestamp: few(), Truncated: few(), NoResource: few(),
				WrongNonce: few(), NoAssociatedData: few(), Reordered: few(), LowerCase: few(), WrongAmount: few(), OtherMerchant: few(),
			},
		})
		pause(ctx, time.Duration(rnd.IntN(3600))*time.Second)
	}
}

// accidents kills our process now and then, leaves it dead for a while, and starts it with a clock that is off.
func (s *simulation) accidents(ctx context.Context) error {
	rnd := rand.New(rand.NewPCG(s.seed, 2))
	for ctx.Err() == nil {
		pause(ctx, time.Duration(rnd.IntN(3*3600*1000))*time.Millisecond)
		if err := s.kill(); err != nil {
			return err
		}
		time.Sleep(time.Duration(rnd.IntN(600*1000)) * time.Millisecond)
		skew := time.Duration(0)
		if rnd.IntN(3) == 0 {
			skew = time.Duration(rnd.IntN(1200)-600) * time.Second
		}
		if err := s.boot(skew); err != nil {
			return err
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// A life is one order from the wish to whatever end.
type life struct {
	*simulation
	number int
	shop   pay.MerchantID
	rnd    *rand.Rand
	id     pay.OrderID
}

func (l *life) name() string { return fmt.Sprint("life-", l.number) }

// try asks our program, again and again while it is down or in trouble, as shops and browsers do.
func try[T any](l *life, ask func(context.Context, *process) (T, error)) (out T, err error) {
	for range 200 {
		if p := l.now.Load(); p != nil {
			if out, err = ask(context.Background(), p); err == nil || final(pay.CodeOf(err)) {
				return out, err
			}
		}
		time.Sleep(time.Duration(1+l.rnd.IntN(60)) * time.Second)
	}
	return out, err
}

func final(c pay.Code) bool { return c == pay.Conflict || c == pay.Invalid || c == pay.SoldOut }

func (l *life) live() {
	time.Sleep(time.Duration(l.rnd.Int64N(int64(span(l.orders)))))
	n := pay.NewOrder{
		Merchant: l.shop, Amount: pay.Fen(1 + l.rnd.IntN(5000)), Description: l.name(), Reference: l.name(),
		ExpiresIn: time.Duration(60+l.rnd.IntN(1800)) * time.Second, Once: pay.Once{Key: l.name(), Request: "order"},
	}
	if l.rnd.IntN(3) == 0 {
		n.Amount, n.Description, n.Lines = 0, "", l.cart()
	}
	o, err := try(l, func(ctx context.Context, p *process) (pay.Order, error) {
		o, err := p.CreateOrder(ctx, n)
		if o.ID != "" {
			l.id = o.ID
		}
		return o, err
	})
	if err != nil {
		return // the shop gave up; whatever it left must come to rest by itself
	}
	l.id = o.ID
	codes := []string{o.CodeURL}
	for range l.rnd.IntN(5) {
		time.Sleep(time.Duration(l.rnd.IntN(900)) * time.Second)
		switch l.rnd.IntN(6) {
		case 0, 1, 2: // any code that was ever on the screen
			l.pay(codes[l.rnd.IntN(len(codes))])
		case 3:
			_, _ = try(l, func(ctx context.Context, p *process) (pay.Order, error) { return p.Cancel(ctx, l.id) })
		case 4:
			o, err := try(l, func(ctx context.Context, p *process) (pay.Order, error) { return p.Renew(ctx, l.id) })
			if err == nil {
				codes = append(codes, o.CodeURL)
			}
		case 5: // the phone in hand; the money comes at once, later or never
			a, err := try(l, func(ctx context.Context, p *process) (pay.Attempt, error) {
				_, a, err := p.Switch(ctx, l.id, byH5())
				return a, err
			})
			if err == nil {
				codes = append(codes, a.PrepayResult)
				l.openPage(a.PrepayResult)
			}
		}
	}
	l.refunds()
}

// pay pays by a code or by the page of an h5_url, if that can still be paid.
func (l *life) pay(code string) {
	if page, err := url.Parse(code); err == nil && page.Query().Has("prepay_id") {
		_, _ = l.sims[l.shop].PayH5(page.Query().Get("prepay_id"), l.name())
		return
	}
	_, _ = l.sims[l.shop].Pay(code, l.name())
}

// openPage opens the page of an h5_url in time, so that it can be paid later.
func (l *life) openPage(h5URL string) {
	r := httptest.NewRequest(http.MethodGet, h5URL, nil)
	r.Header.Set("Referer", "https://pay.example/")
	l.sims[l.shop].ServeHTTP(httptest.NewRecorder(), r)
}

// refunds asks for parts of the money back, more than a minute apart.
func (l *life) refunds() {
	for i := range l.rnd.IntN(3) {
		n := pay.NewRefund{
			Order: l.id, Amount: pay.Fen(1 + l.rnd.IntN(3000)), Once: pay.Once{Key: fmt.Sprint(l.name(), "-refund-", i), Request: "refund"},
		}
		_, _ = try(l, func(ctx context.Context, p *process) (pay.Refund, error) { return p.Refund(ctx, n) })
		time.Sleep(time.Duration(61+l.rnd.IntN(7200)) * time.Second)
	}
}
