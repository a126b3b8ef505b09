package wechatsim

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A count strikes exactly so often, -1 for ever, 0 never.
func TestTake(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ count, strikes, left int }{{0, 0, 0}, {2, 2, 0}, {-1, 10, -1}} {
		count, strikes := c.count, 0
		for range 10 {
			if take(&count) {
				strikes++
			}
		}
		if strikes != c.strikes || count != c.left {
			t.Errorf("count %d: %d strikes, %d left", c.count, strikes, count)
		}
	}
}

// Every call, struck by every fault that answers: what is answered, and whether the work was done.
func TestCallFaults(t *testing.T) {
	t.Parallel()
	faults := []struct {
		name   string
		set    CallFaults
		status int
		code   string
		done   bool
	}{
		{"too_many", CallFaults{TooMany: 1}, 429, "FREQUENCY_LIMITED", false},
		{"unavailable", CallFaults{Unavailable: 1}, 503, "SERVICE_UNAVAILABLE", false},
		{"bad_gateway", CallFaults{BadGateway: 1}, 502, "SERVICE_UNAVAILABLE", false},
		{"error_before", CallFaults{ErrorBefore: 1}, 500, "SYSTEM_ERROR", false},
		{"error_after", CallFaults{ErrorAfter: 1}, 500, "SYSTEM_ERROR", true},
	}
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			s.prepay("ORDER0001")
			s.sim.SetFaults(Faults{Prepay: f.set, Query: f.set, Close: f.set})
			s.send("POST", nativePath, s.order("ORDER0002", "")).want(f.status, f.code)
			if made := len(s.sim.Trades()) == 2; made != f.done {
				t.Errorf("order made: %v, want %v", made, f.done)
			}
			lookup := "/v3/pay/transactions/out-trade-no/ORDER0001?mchid=" + s.merchant.MchID
			s.send("GET", lookup, "").want(f.status, f.code)
			s.close("ORDER0001").want(f.status, f.code)
			if closed := s.query("ORDER0001")["trade_state"] == "CLOSED"; closed != f.done {
				t.Errorf("order closed: %v, want %v", closed, f.done)
			}
			s.prepay("ORDER0002") // the count is used up; the same parameters are always welcome
			s.close("ORDER0001").want(204, "")
		})
	}
}

// A request that fails its checks does not use up a fault.
func TestFaultWaitsForAGoodRequest(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.sim.SetFaults(Faults{Prepay: CallFaults{ErrorBefore: 1}})
	s.send("POST", nativePath, "{}", func(d *draft) { d.signature = "AAAA" }).want(401, "SIGN_ERROR")
	s.send("POST", nativePath, s.order("ORDER0001", "")).want(500, "SYSTEM_ERROR")
}

func TestSpoiltAnswers(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.sim.SetFaults(Faults{Prepay: CallFaults{BadSignature: 1, ProbeSignature: 1}, Close: CallFaults{BadSignature: 1}})
	bad := s.send("POST", nativePath, s.order("ORDER0001", "")).want(200, "")
	if s.verify(bad.header, bad.body) == nil {
		t.Error("a bad signature verifies")
	}
	probe := s.send("POST", nativePath, s.order("ORDER0001", "")).want(200, "")
	if !strings.HasPrefix(probe.header.Get("Wechatpay-Signature"), "WECHATPAY/SIGNTEST/") {
		t.Errorf("signature %q, want a probe", probe.header.Get("Wechatpay-Signature"))
	}
	closed := s.close("ORDER0001").want(204, "")
	if s.verify(closed.header, "") == nil {
		t.Error("a bad signature verifies")
	}
	s.wantState("ORDER0001", "CLOSED")
}

// logged calls a function for each line of a log.
type logged func(message string)

func (logged) Enabled(context.Context, slog.Level) bool        { return true }
func (l logged) Handle(_ context.Context, r slog.Record) error { l(r.Message); return nil }
func (l logged) WithAttrs([]slog.Attr) slog.Handler            { return l }
func (l logged) WithGroup(string) slog.Handler                 { return l }

// On a real network, since giving up is the client's act.
func TestHang(t *testing.T) {
	t.Parallel()
	hangs := make(chan struct{}, 1)
	log := logged(func(message string) {
		if message == "hangs" {
			hangs <- struct{}{}
		}
	})
	s := newShop(t, func(o *Options) { o.Log = slog.New(log) })
	server := httptest.NewServer(s.sim)
	t.Cleanup(server.Close)
	for _, c := range []struct {
		number string
		set    CallFaults
		orders int
	}{
		{"ORDER0001", CallFaults{HangBefore: 1}, 0},
		{"ORDER0002", CallFaults{HangAfter: 1}, 1},
	} {
		s.sim.SetFaults(Faults{Prepay: c.set})
		ctx, giveUp := context.WithCancel(t.Context())
		go func() { <-hangs; giveUp() }()
		r := s.request("POST", nativePath, s.order(c.number, ""))
		wire, err := http.NewRequestWithContext(ctx, r.Method, server.URL+nativePath, r.Body)
		if err != nil {
			t.Fatal(err)
		}
		wire.Header = r.Header
		if answer, err := server.Client().Do(wire); err == nil {
			t.Errorf("%s: answered %d", c.number, answer.StatusCode)
			_ = answer.Body.Close()
		}
		if n := len(s.sim.Trades()); n != c.orders {
			t.Errorf("%s: %d orders, want %d", c.number, n, c.orders)
		}
	}
	server.Close() // waits for the handlers: it returns because they noticed that the client went away
}

func TestCloseFreesHangingCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		s.sim.SetFaults(Faults{Prepay: CallFaults{HangBefore: 1}})
		var hanging sync.WaitGroup
		hanging.Go(func() { s.send("POST", nativePath, s.order("ORDER0001", "")).want(503, "") })
		synctest.Wait()
		if err := s.sim.Close(); err != nil {
			t.Error(err)
		}
		hanging.Wait()
	})
}

// The customer pays before the shop even has the code: the callback overtakes the answer.
func TestCustomerPaysDuringPrepay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		var asked time.Time
		s.inbox.answer = func(int, *http.Request) (int, error) {
			time.Sleep(2 * time.Second) // the answer to prepay waits for this
			asked = time.Now()
			return 204, nil
		}
		s.sim.SetFaults(Faults{Prepay: CallFaults{CustomerPays: 1}})
		start := time.Now()
		s.prepay("ORDER0001")
		if got := asked.Sub(start); got != 2*time.Second || time.Since(start) != got {
			t.Errorf("callback answered after %v, prepay after %v", got, time.Since(start))
		}
		s.wantState("ORDER0001", "SUCCESS")
		s.prepay("ORDER0002")
		s.wantState("ORDER0002", "NOTPAY")
	})
}

func TestCustomerPaysDuringPrepayThatFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		s.sim.SetFaults(Faults{Prepay: CallFaults{CustomerPays: 1, ErrorAfter: 1}})
		s.send("POST", nativePath, s.order("ORDER0001", "")).want(500, "SYSTEM_ERROR")
		s.wantState("ORDER0001", "SUCCESS")
		s.sim.SetFaults(Faults{Prepay: CallFaults{CustomerPays: 1, ErrorBefore: 1}})
		s.send("POST", nativePath, s.order("ORDER0002", "")).want(500, "SYSTEM_ERROR")
		if left := s.sim.Faults().Prepay.CustomerPays; left != 1 {
			t.Errorf("%d left: nobody can pay an order that was not made", left)
		}
	})
}

func TestCustomerPaysDuringCloseAndQuery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		for _, number := range []string{"ORDER0001", "ORDER0002", "ORDER0003"} {
			s.prepay(number)
		}
		s.close("ORDER0003").want(204, "")
		s.sim.SetFaults(Faults{Close: CallFaults{CustomerPays: -1}, Query: CallFaults{CustomerPays: -1}})
		s.close("ORDER0001").want(403, "TRADE_ERROR")
		s.wantState("ORDER0002", "SUCCESS")
		s.wantState("ORDER0003", "CLOSED") // cannot be paid: left as it is
		s.close("ORDER0004").want(404, "ORDER_NOT_EXIST")
		if n := len(s.inbox.all()); n != 2 {
			t.Errorf("%d callbacks, want 2", n)
		}
	})
}

// Each fault of one send: whether a merchant who checks everything may accept it, and that the resend is good.
func TestSendFaults(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		set    CallbackFaults
		wrong  string                                  // in the reason to refuse; "": must be accepted
		verify func(t *testing.T, s *shop, r received) // what else must be so
	}{
		{"probe_signature", CallbackFaults{ProbeSignature: 1}, "base64", func(t *testing.T, _ *shop, r received) {
			if !strings.HasPrefix(r.header.Get("Wechatpay-Signature"), "WECHATPAY/SIGNTEST/") {
				t.Error("no probe")
			}
		}},
		{"bad_signature", CallbackFaults{BadSignature: 1}, "verification error", nil},
		{"unknown_serial", CallbackFaults{UnknownSerial: 1}, "serial", func(t *testing.T, s *shop, r received) {
			r.header.Set("Wechatpay-Serial", s.merchant.PublicKeyID)
			wantGood(t, s, r, "but for the serial")
		}},
		{"old_timestamp", CallbackFaults{OldTimestamp: 1}, "10m0s old", func(t *testing.T, s *shop, r received) {
			at := s.now().Add(-10 * time.Minute)
			wantGood(t, &shop{t: t, merchant: s.merchant, now: func() time.Time { return at }}, r, "ten minutes ago")
		}},
		{"truncated", CallbackFaults{Truncated: 1}, "verification error", func(t *testing.T, _ *shop, r received) {
			if json.Valid([]byte(r.body)) || r.body == "" {
				t.Errorf("body %q is whole", r.body)
			}
		}},
		{"no_resource", CallbackFaults{NoResource: 1}, "no resource", func(t *testing.T, s *shop, r received) {
			if err := s.verify(r.header, r.body); err != nil {
				t.Errorf("must be signed well: %v", err)
			}
		}},
		{"wrong_nonce", CallbackFaults{WrongNonce: 1}, "nonce has 16 bytes", nil},
		{"no_associated_data", CallbackFaults{NoAssociatedData: 1}, "", func(t *testing.T, _ *shop, r received) {
			if strings.Contains(r.body, "associated_data") {
				t.Error("associated_data is there")
			}
		}},
		{"reordered", CallbackFaults{Reordered: 1}, "", func(t *testing.T, _ *shop, r received) {
			if !strings.HasPrefix(r.body, `{"create_time"`) {
				t.Errorf("body %.30s, want create_time first", r.body)
			}
		}},
		{"wrong_amount", CallbackFaults{WrongAmount: 1}, "amount 1281", nil},
		{"other_merchant", CallbackFaults{OtherMerchant: 1}, "mchid", nil},
		{"lose", CallbackFaults{Lose: 1}, "lost", nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newShop(t)
				s.inbox.answer = refuseAll
				s.sim.SetFaults(Faults{Callback: c.set})
				start := time.Now()
				s.pay(s.prepay("ORDER0001"))
				time.Sleep(15 * time.Second)
				synctest.Wait()
				sends := s.inbox.all()
				recorded := s.sim.Trades()[0].Callbacks
				if len(recorded) != 2 || recorded[0].Fault != c.name || recorded[1].Fault != "" {
					t.Fatalf("recorded %+v", recorded)
				}
				if c.set.Lose == 1 {
					arrived := s.inbox.offsets(start)
					if len(arrived) != 1 || arrived[0] != 15*time.Second || recorded[0].Err != "lost on the way" {
						t.Fatalf("arrived at %v, recorded %+v", arrived, recorded)
					}
				} else {
					at := sends[0].at
					s.now = func() time.Time { return at }
					err := s.accept(sends[0], 1280)
					if (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
						t.Errorf("a careful merchant says %v, want %q", err, c.wrong)
					}
					if c.verify != nil {
						c.verify(t, s, sends[0])
					}
				}
				s.now = time.Now
				wantGood(t, s, sends[len(sends)-1], "the resend")
			})
		})
	}
}

// wantGood fails unless a careful merchant accepts r.
func wantGood(t *testing.T, s *shop, r received, what string) {
	t.Helper()
	if err := s.accept(r, 1280); err != nil {
		t.Errorf("%s: %v", what, err)
	}
}

func TestLoseUntilSwitchedOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		s.sim.SetFaults(Faults{Callback: CallbackFaults{Lose: -1}})
		start := time.Now()
		s.pay(s.prepay("ORDER0001"))
		time.Sleep(time.Hour)
		if n := len(s.inbox.all()); n != 0 {
			t.Errorf("%d sends arrived", n)
		}
		s.sim.SetFaults(Faults{})
		time.Sleep(time.Hour)
		if got := s.inbox.offsets(start); len(got) != 1 || got[0] != 64*time.Minute {
			t.Errorf("arrived at %v, want the next of the schedule", got)
		}
	})
}

func TestDoubleCallback(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		s.sim.SetFaults(Faults{Callback: CallbackFaults{Double: 1}})
		s.inbox.answer = func(n int, _ *http.Request) (int, error) {
			time.Sleep(time.Second)
			return 204, nil
		}
		start := time.Now()
		s.pay(s.prepay("ORDER0001"))
		time.Sleep(25 * time.Hour)
		if got := s.inbox.offsets(start); !reflect.DeepEqual(got, []time.Duration{0, time.Second}) {
			t.Errorf("sent at %v, want one after the other", got)
		}
		s.pay(s.prepay("ORDER0002"))
		time.Sleep(time.Hour)
		if n := len(s.inbox.all()); n != 3 {
			t.Errorf("%d sends, want 3: the next payment is told once", n)
		}
	})
}

func TestParallelCallbacks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ set, want int }{{0, 3}, {7, 7}, {1000, 100}} {
		synctest.Test(t, func(t *testing.T) {
			s := newShop(t)
			s.sim.SetFaults(Faults{Callback: CallbackFaults{Parallel: 1, ParallelSends: c.set}})
			s.inbox.answer = func(int, *http.Request) (int, error) {
				time.Sleep(time.Second)
				return 204, nil
			}
			start := time.Now()
			s.pay(s.prepay("ORDER0001"))
			time.Sleep(25 * time.Hour)
			if got := s.inbox.offsets(start); len(got) != c.want || got[len(got)-1] != 0 {
				t.Errorf("sent at %v, want %d at once", got, c.want)
			}
		})
	}
}

// One refusal among parallel sends does not bring a resend when another was accepted.
func TestParallelCallbacksWithOneRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		s.sim.SetFaults(Faults{Callback: CallbackFaults{Parallel: 1, ParallelSends: 2}})
		s.inbox.answer = func(n int, _ *http.Request) (int, error) { return map[int]int{1: 204, 2: 500}[n], nil }
		s.pay(s.prepay("ORDER0001"))
		time.Sleep(25 * time.Hour)
		if n := len(s.inbox.all()); n != 2 {
			t.Errorf("%d sends, want 2", n)
		}
	})
}

func TestLateCallback(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		seconds int
		speed   float64
		want    time.Duration
	}{{0, 1, time.Minute}, {90, 1, 90 * time.Second}, {90, 10, 9 * time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			s := newShop(t, func(o *Options) { o.Speed = c.speed })
			s.sim.SetFaults(Faults{Callback: CallbackFaults{Late: 1, LateSeconds: c.seconds}})
			start := time.Now()
			s.pay(s.prepay("ORDER0001"))
			s.wantState("ORDER0001", "SUCCESS") // a query knows before the callback tells
			time.Sleep(25 * time.Hour)
			if got := s.inbox.offsets(start); !reflect.DeepEqual(got, []time.Duration{c.want}) {
				t.Errorf("sent at %v, want %v", got, c.want)
			}
		})
	}
}

// Whatever the order of switches: every switch has a JSON name of its own and is counted down by use.
func TestEverySwitchStrikes(t *testing.T) {
	t.Parallel()
	notCounts := map[string]bool{"late_seconds": true, "parallel_sends": true}
	spend := func(group any, use func()) {
		v := reflect.ValueOf(group).Elem()
		for i := range v.NumField() {
			name := v.Type().Field(i).Tag.Get("json")
			if notCounts[name] {
				continue
			}
			v.Field(i).SetInt(1)
			use()
			if v.Field(i).Int() != 0 {
				t.Errorf("%T: %s never strikes", group, name)
				v.Field(i).SetInt(0)
			}
		}
	}
	var call CallFaults
	spend(&call, func() { call.next(); take(&call.CustomerPays) })
	var outcome RefundFaults
	spend(&outcome, func() {
		if outcome.refusal() == nil && outcome.end() == RefundSucceeded {
			t.Error("a switch does nothing")
		}
	})
	var callback CallbackFaults
	spend(&callback, func() {
		if d, p := callback.next(), callback.plan(); d.name == "" && p == (plan{}) {
			t.Error("a switch does nothing")
		}
	})
}
