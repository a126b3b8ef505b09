package pay_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"saoma/backend/pay"
	"saoma/backend/wechatsim"
)

// sweeping runs f in virtual time with our program over some open orders of every shop, none of them looked at yet.
func sweeping(t *testing.T, orders int, f func(t *testing.T, s *simulation, p *process)) {
	t.Parallel()
	merchants, err := smallMerchants()
	if err != nil {
		t.Fatal(err)
	}
	temp := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s, err := newSimulation(merchants, "sqlite:"+temp+"/saoma.db", temp, 1, orders)
		if err != nil {
			t.Fatal(err)
		}
		p, err := s.open(0)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range s.merchants {
			for i := range orders {
				n := pay.NewOrder{Merchant: m.ID, Amount: 100, Description: fmt.Sprint("tea ", i)}
				if _, err := p.CreateOrder(t.Context(), n); err != nil {
					t.Fatal(err)
				}
			}
		}
		time.Sleep(6 * time.Second) // the first check is due 5 s after the code came
		f(t, s, p)
		for _, sim := range s.sims {
			err = sim.Close()
		}
		if err != nil || s.kill() != nil {
			t.Error("the world did not end well:", err)
		}
	})
}

// checked counts the attempts of a merchant that were looked at.
func (p *process) checked(t *testing.T, m pay.MerchantID) (n int) {
	t.Helper()
	err := p.View(t.Context(), func(tx pay.Tx) error {
		orders, err := tx.Orders(t.Context(), pay.OrderFilter{Merchant: m, Limit: 10_000})
		for _, o := range orders {
			a, err := tx.LiveAttempt(t.Context(), o.ID)
			if err != nil {
				return err
			}
			n += a.Checks
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A merchant whose WeChat Pay hangs holds up no other, and is not hammered.
func TestSweepApart(t *testing.T) {
	sweeping(t, 200, func(t *testing.T, s *simulation, p *process) {
		s.sims["cafe"].SetFaults(wechatsim.Faults{Query: wechatsim.CallFaults{HangBefore: -1}})
		due, err := p.Due(t.Context())
		if err != nil || len(due) != len(s.merchants) {
			t.Fatalf("due: %v, %v", due, err)
		}
		began := time.Now()
		var wg sync.WaitGroup
		took, looked, errs := make(map[pay.MerchantID]time.Duration), make(map[pay.MerchantID]int), make(map[pay.MerchantID]error)
		var mu sync.Mutex
		for _, m := range due {
			wg.Go(func() {
				n, err := p.Sweep(t.Context(), m)
				mu.Lock()
				defer mu.Unlock()
				took[m], looked[m], errs[m] = time.Since(began), n, err
			})
		}
		wg.Wait()
		if looked["bakery"] != 200 || errs["bakery"] != nil || took["bakery"] > time.Second {
			t.Errorf("bakery: %d in %s, %v", looked["bakery"], took["bakery"], errs["bakery"])
		}
		if looked["cafe"] >= 200 || errs["cafe"] == nil || took["cafe"] > time.Minute {
			t.Errorf("cafe: %d in %s, %v; want it to give up soon", looked["cafe"], took["cafe"], errs["cafe"])
		}
		if text := fmt.Sprint(errs["cafe"]); len(text) > 500 || !strings.Contains(text, "more") {
			t.Errorf("the error is %q; want one line that counts", text)
		}
	})
}

// One call that hangs does not hold up the others of its merchant.
func TestSweepRollsOn(t *testing.T) {
	sweeping(t, 300, func(t *testing.T, s *simulation, p *process) {
		s.sims["cafe"].SetFaults(wechatsim.Faults{Query: wechatsim.CallFaults{HangBefore: 1}})
		go func() { _, _ = p.Sweep(t.Context(), "cafe") }()
		time.Sleep(time.Second)
		synctest.Wait()
		if n := p.checked(t, "cafe"); n != 299 {
			t.Errorf("%d were looked at while one hangs; want 299", n)
		}
		time.Sleep(pay.CallLimit)
		synctest.Wait()
		if n := p.checked(t, "cafe"); n != 300 {
			t.Errorf("%d were looked at after all; want 300", n)
		}
	})
}

// counting counts the queries of each number.
type counting struct {
	pay.Gateway
	mu      sync.Mutex
	queries map[string]int
}

func (c *counting) Query(ctx context.Context, m pay.MerchantID, number string) (pay.Trade, error) {
	c.mu.Lock()
	c.queries[number]++
	c.mu.Unlock()
	return c.Gateway.Query(ctx, m, number)
}

// Several sweeps of one merchant, as of several servers, query each attempt once.
func TestSweepOneQueryInFlight(t *testing.T) {
	sweeping(t, 200, func(t *testing.T, _ *simulation, p *process) {
		g := &counting{Gateway: p.Gateway, queries: make(map[string]int)}
		p.Gateway = g
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if _, err := p.Sweep(t.Context(), "cafe"); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for number, n := range g.queries {
			if n != 1 {
				t.Errorf("%s was queried %d times", number, n)
			}
		}
		if len(g.queries) != 200 {
			t.Errorf("%d of 200 were queried", len(g.queries))
		}
	})
}

// The sweep asks before it goes to work, and never for more than it can begin at once.
func TestSweepPace(t *testing.T) {
	sweeping(t, 300, func(t *testing.T, _ *simulation, p *process) {
		asked := 0
		p.Pace = func(_ context.Context, m pay.MerchantID, n int) error {
			if m != "cafe" || n < 1 || n > pay.SweepParallel {
				t.Errorf("pace of %s, %d", m, n)
			}
			asked += n
			time.Sleep(time.Duration(n) * time.Second / 100)
			return nil
		}
		began := time.Now()
		if n, err := p.Sweep(t.Context(), "cafe"); n != 300 || err != nil || asked != 300 {
			t.Errorf("looked at %d, asked for %d, %v", n, asked, err)
		}
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("300 at a hundred a second took %s", took)
		}
	})
}

// When the program ends in the middle, nothing more is claimed.
func TestSweepEnds(t *testing.T) {
	sweeping(t, 300, func(t *testing.T, _ *simulation, p *process) {
		ctx, stop := context.WithCancel(t.Context())
		p.Pace = func(ctx context.Context, _ pay.MerchantID, _ int) error {
			stop()
			return ctx.Err()
		}
		if n, err := p.Sweep(ctx, "cafe"); n != 0 || err == nil {
			t.Errorf("looked at %d, %v; want none", n, err)
		}
	})
}
