package wechat

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"saoma/backend/pay"
	"saoma/backend/wechatsim"
)

// These stand for the network, so that virtual time can pass.

var errRefused = &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}

func refused(*http.Request) (*http.Response, error) { return nil, errRefused }

func hangs(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func resets(*http.Request) (*http.Response, error) {
	return nil, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
}

// serves lets a handler answer.
func serves(h http.HandlerFunc) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		h(w, r)
		return w.Result(), nil
	})
}

// inTurn gives each call to the next, and all further ones to the last.
func inTurn(carriers ...http.RoundTripper) *counted {
	c := &counted{}
	c.RoundTripper = roundTripper(func(r *http.Request) (*http.Response, error) {
		return carriers[min(c.calls, len(carriers))-1].RoundTrip(r)
	})
	return c
}

// A counted counts the calls that it carries, one at a time, and remembers how they were signed and when.
type counted struct {
	http.RoundTripper
	calls  int
	signed []string
	at     []time.Time
}

func (c *counted) RoundTrip(r *http.Request) (*http.Response, error) {
	c.calls++
	c.signed = append(c.signed, r.Header.Get("Authorization"))
	c.at = append(c.at, time.Now())
	return c.RoundTripper.RoundTrip(r)
}

func newRetrying(t *testing.T, retries int, transport http.RoundTripper) *Gateway {
	t.Helper()
	g, err := New(map[pay.MerchantID]Account{cafe: testAccount()}, Options{Transport: transport, Retries: retries})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

var made = []byte(`{"code_url":"weixin://wxpay/bizpayurl?pr=JyC91EIz1"}`)

func forged(w http.ResponseWriter, _ *http.Request) {
	sign(w.Header(), keys().strangers, time.Now(), made)
	_, _ = w.Write(made)
}

func TestRetries(t *testing.T) {
	system := serves(refuses(500, `{"code":"SYSTEM_ERROR"}`))
	good := serves(answers(200, made))
	for name, test := range map[string]struct {
		trouble http.RoundTripper
		tries   int // of three, with the trouble staying
	}{
		"system error":     {system, 3},
		"gateway":          {serves(refuses(502, ``)), 3},
		"unavailable":      {serves(refuses(503, `{"code":"SERVICE_UNAVAILABLE"}`)), 3},
		"too many":         {serves(refuses(429, `{"code":"FREQUENCY_LIMITED"}`)), 3},
		"too many, older":  {serves(refuses(403, `{"code":"RATELIMIT_EXCEEDED"}`)), 3},
		"accepted":         {serves(answers(202, made)), 3},
		"refused":          {roundTripper(refused), 3},
		"reset":            {roundTripper(resets), 3},
		"hangs":            {roundTripper(hangs), 3},
		"forged":           {serves(forged), 2},
		"unsigned":         {serves(refuses(200, string(made))), 2},
		"proxy":            {serves(refuses(403, `<html>blocked</html>`)), 1},
		"not understood":   {serves(answers(200, []byte(`{}`))), 1},
		"huge":             {serves(answers(200, make([]byte, answerMax+1))), 1},
		"a decision":       {serves(refuses(400, `{"code":"PARAM_ERROR"}`)), 1},
		"no such order":    {serves(refuses(404, `{"code":"ORDER_NOT_EXIST"}`)), 1},
		"another good one": {serves(answers(204, nil)), 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				stays := inTurn(test.trouble)
				_, err := newRetrying(t, 2, stays).Prepay(t.Context(), cafe, pay.Native, []byte(`{}`))
				if err == nil || stays.calls != test.tries {
					t.Errorf("%d tries, %v, want %d and an error", stays.calls, err, test.tries)
				}
				if took := time.Since(began); took > pay.CallLimit {
					t.Errorf("took %v, longer than %v", took, pay.CallLimit)
				}
				none := inTurn(test.trouble, good)
				if _, err := newRetrying(t, 0, none).Prepay(t.Context(), cafe, pay.Native, []byte(`{}`)); err == nil || none.calls != 1 {
					t.Errorf("%d tries, %v, want one and no retry by default", none.calls, err)
				}
				passes := inTurn(test.trouble, good)
				_, err = newRetrying(t, 2, passes).Prepay(t.Context(), cafe, pay.Native, []byte(`{}`))
				if want := min(test.tries, 2); passes.calls != want || (err == nil) != (want == 2) {
					t.Errorf("%d tries, %v, want %d", passes.calls, err, want)
				}
				seen := make(map[string]bool)
				for _, authorization := range stays.signed {
					if authorization == "" || seen[authorization] {
						t.Errorf("a try was not signed afresh: %q", authorization)
					}
					seen[authorization] = true
				}
			})
		})
	}
}

// TestForgedOnce: a bad signature is worth one more try, whatever comes in between.
func TestForgedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inTurn(serves(forged), serves(refuses(500, ``)), serves(forged), serves(answers(200, made)))
		_, err := newRetrying(t, 9, c).Prepay(t.Context(), cafe, pay.Native, []byte(`{}`))
		wantFailure(t, err, "prepay", pay.Unsure, "")
		if c.calls != 3 {
			t.Errorf("%d tries, want 3", c.calls)
		}
	})
}

func TestPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		longest, shortest := [3]time.Duration{}, [3]time.Duration{time.Hour, time.Hour, time.Hour}
		for range 100 {
			c := inTurn(serves(refuses(500, ``)))
			_, _ = newRetrying(t, len(longest), c).Query(t.Context(), cafe, number)
			if c.calls != len(longest)+1 {
				t.Fatalf("%d tries, want %d", c.calls, len(longest)+1)
			}
			for i := range longest {
				pause := c.at[i+1].Sub(c.at[i])
				longest[i], shortest[i] = max(longest[i], pause), min(shortest[i], pause)
			}
		}
		// That a hundred draws from a range all lie in four fifths of it has a chance of one in a thousand millions.
		for i := range longest {
			if bound := pauseFirst << i; longest[i] > bound || longest[i] < bound*4/5 || shortest[i] > bound/5 {
				t.Errorf("the pauses before try %d were from %v to %v, want them all over 0 to %v",
					i+2, shortest[i], longest[i], bound)
			}
		}
	})
}

// TestNoTimeForAPause: where a pause does not fit, the caller hears at once what happened, not later that time is up.
func TestNoTimeForAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 10 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			_, err := newRetrying(t, 2, serves(refuses(500, `{"code":"SYSTEM_ERROR"}`))).Query(ctx, cafe, number)
			wantFailure(t, err, "query", pay.Unsure, "SYSTEM_ERROR")
			if errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error %v, want no time-out", err)
			}
			cancel()
		}
	})
}

// TestLimits: whatever is tried, the caller waits as long as without retries.
func TestLimits(t *testing.T) {
	for name, test := range map[string]struct {
		retries       int
		limit, atMost time.Duration
		triesAtLeast  int
	}{
		"the call's":          {2, time.Hour, pay.CallLimit, 3},
		"with many tries":     {50, time.Hour, pay.CallLimit, 4},
		"the caller's":        {2, 7 * time.Second, 7 * time.Second, 2},
		"the caller's, short": {2, time.Second, time.Second, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := inTurn(roundTripper(hangs))
				ctx, cancel := context.WithTimeout(t.Context(), test.limit)
				defer cancel()
				began := time.Now()
				_, err := newRetrying(t, test.retries, c).Query(ctx, cafe, number)
				wantFailure(t, err, "query", pay.Unsure, "")
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("error %v, want a time-out", err)
				}
				if took := time.Since(began); took > test.atMost {
					t.Errorf("took %v, want at most %v", took, test.atMost)
				}
				if c.calls < test.triesAtLeast || c.calls > 1+test.retries {
					t.Errorf("%d tries, want from %d", c.calls, test.triesAtLeast)
				}
				for i := range c.calls - 2 { // the last but one is at least as long as any share
					if took := c.at[i+1].Sub(c.at[i]); took < tryMin {
						t.Errorf("try %d had %v, want %v at least", i+1, took, tryMin)
					}
				}
			})
		})
	}
}

// TestCallerLeaves: no try and no pause outlasts the caller.
func TestCallerLeaves(t *testing.T) {
	for name, trouble := range map[string]http.RoundTripper{
		"in a try":   roundTripper(hangs),
		"in a pause": serves(refuses(500, `{"code":"SYSTEM_ERROR","message":"系统异常"}`)),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				c := inTurn(trouble)
				var left time.Time
				c.RoundTripper = roundTripper(func(r *http.Request) (*http.Response, error) {
					go func() {
						if name == "in a try" {
							time.Sleep(time.Second)
						} else {
							synctest.Wait() // until the call pauses
						}
						left = time.Now()
						cancel(errors.New("the customer left"))
					}()
					return trouble.RoundTrip(r)
				})
				_, err := newRetrying(t, 2, c).Prepay(ctx, cafe, pay.Native, []byte(`{}`))
				if e := gatewayError(t, err); e.Outcome != pay.Unsure || !errors.Is(err, context.Canceled) {
					t.Errorf("error %v, want context.Canceled and Unsure", err)
				}
				wantSafe(t, err)
				if c.calls != 1 || time.Since(left) != 0 {
					t.Errorf("%d tries, back %v after the caller left, want one and at once", c.calls, time.Since(left))
				}
			})
		})
	}
}

// TestRefusedAfterUnsure: a refusal is only as sure as all that was tried before.
func TestRefusedAfterUnsure(t *testing.T) {
	prepay := func(ctx context.Context, g *Gateway) error {
		_, err := g.Prepay(ctx, cafe, pay.Native, []byte(`{}`))
		return err
	}
	query := func(ctx context.Context, g *Gateway) error { _, err := g.Query(ctx, cafe, number); return err }
	closing := func(ctx context.Context, g *Gateway) error { return g.Close(ctx, cafe, number) }
	refund := func(ctx context.Context, g *Gateway) error {
		_, err := g.Refund(ctx, cafe, []byte(`{"out_refund_no":"R1"}`))
		return err
	}
	queryRefund := func(ctx context.Context, g *Gateway) error { _, err := g.QueryRefund(ctx, cafe, "R1"); return err }
	for name, test := range map[string]struct {
		op      string
		call    func(context.Context, *Gateway) error
		answer  http.RoundTripper
		code    string
		alone   pay.Outcome
		outcome pay.Outcome // after an unsure try
	}{
		"prepay": {"prepay", prepay, serves(refuses(400, `{"code":"ORDER_CLOSED"}`)), "ORDER_CLOSED",
			pay.Refused, pay.Unsure},
		"prepay, unknown": {"prepay", prepay, serves(refuses(404, `{"code":"ORDER_NOT_EXIST"}`)), "ORDER_NOT_EXIST",
			pay.Missing, pay.Unsure},
		"refund": {"refund", refund, serves(refuses(403, `{"code":"NOT_ENOUGH"}`)), "NOT_ENOUGH", pay.Refused, pay.Unsure},
		"close":  {"close", closing, serves(refuses(403, `{"code":"RULE_LIMIT"}`)), "RULE_LIMIT", pay.Refused, pay.Unsure},
		"query": {"query", query, serves(refuses(404, `{"code":"ORDER_NOT_EXIST"}`)), "ORDER_NOT_EXIST",
			pay.Missing, pay.Missing},
		"query refund": {"query refund", queryRefund, serves(refuses(404, `{"code":"RESOURCE_NOT_EXISTS"}`)),
			"RESOURCE_NOT_EXISTS", pay.Missing, pay.Missing},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				wantFailure(t, test.call(t.Context(), newRetrying(t, 2, inTurn(test.answer))), test.op, test.alone, test.code)
				for _, before := range []http.RoundTripper{serves(refuses(500, ``)), roundTripper(hangs)} {
					c := inTurn(before, test.answer)
					err := test.call(t.Context(), newRetrying(t, 2, c))
					wantFailure(t, err, test.op, test.outcome, test.code)
					doubt := errors.Is(err, errEarlierTry)
					if c.calls != 2 || doubt != (test.outcome == pay.Unsure) {
						t.Errorf("%d tries, %v, want two, and the doubt told if there is any", c.calls, err)
					}
				}
			})
		})
	}
}

// TestRetriesOverTheNetwork: the main host is off, and the backup host has to think first.
func TestRetriesOverTheNetwork(t *testing.T) {
	t.Parallel()
	off := httptest.NewServer(nil)
	off.Close()
	var mu sync.Mutex
	var bodies []string
	backup := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if bodies = append(bodies, string(authorized(t, r))); len(bodies) == 1 {
			refuses(500, `{"code":"SYSTEM_ERROR"}`)(w, r)
			return
		}
		answers(200, made)(w, r)
	}))
	t.Cleanup(backup.Close)
	a := testAccount()
	a.APIURL, a.BackupURL = off.URL, backup.URL
	g, err := New(map[pay.MerchantID]Account{cafe: a}, Options{Retries: 2})
	if err != nil {
		t.Fatal(err)
	}
	const request = `{"out_trade_no": "ORDER0001"}`
	if _, err := g.Prepay(t.Context(), cafe, pay.Native, []byte(request)); err != nil {
		t.Error(err)
	}
	if len(bodies) != 2 || bodies[0] != request || bodies[1] != request {
		t.Errorf("the backup host got %q, want %q twice", bodies, request)
	}
}

// TestRetriesBills: what is asked for a bill is tried again, and the answers that are no trouble stay what they are.
func TestRetriesBills(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		system := serves(refuses(500, `{"code":"SYSTEM_ERROR"}`))
		c := inTurn(system, serves(refuses(400, `{"code":"STATEMENT_CREATING"}`)))
		_, err := newRetrying(t, 2, c).FundFlow(t.Context(), cafe, "2026-01-01")
		if !errors.Is(err, pay.ErrBillNotReady) || c.calls != 2 {
			t.Errorf("%d tries, %v, want two and %v", c.calls, err, pay.ErrBillNotReady)
		}
	})
}

// TestSimulatorRetriesBills: both the request for a bill and the download.
func TestSimulatorRetriesBills(t *testing.T) {
	inBubble(t, func(t *testing.T, s *till) {
		want := s.cafeDay(t)
		nextMorning()
		s.retries = 2
		s.sim.SetFaults(wechatsim.Faults{
			Bill: wechatsim.CallFaults{ErrorBefore: 2}, Download: wechatsim.CallFaults{Unavailable: 1, BadGateway: 1},
		})
		rows, _, err := s.trades(t, bubbleDay)
		if err != nil {
			t.Fatal(err)
		}
		wantRows(t, rows, want)
	})
}

// TestSpoolAgain: nothing of a download that was cut off stays before the next one.
func TestSpoolAgain(t *testing.T) {
	t.Parallel()
	file, err := newSpool(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer file.discard()
	const hash = "a9993e364706816aba3e25717850c26c9cd0d89d" // of "abc", FIPS 180
	if err := file.fill(strings.NewReader("a longer beginning"), 100, hash); err == nil {
		t.Fatal("took in another file")
	}
	if err := file.fill(strings.NewReader("abc"), 100, hash); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(file); err != nil || string(got) != "abc" {
		t.Errorf("the file holds %q, %v", got, err)
	}
}

// TestSimulatorRetries has the simulator's faults pass while the call is tried again.
func TestSimulatorRetries(t *testing.T) {
	t.Parallel()
	for name, faults := range map[string]wechatsim.CallFaults{
		"too many":     {TooMany: 2},
		"unavailable":  {Unavailable: 1, BadGateway: 1},
		"error before": {ErrorBefore: 2},
		"error after":  {ErrorAfter: 2},
		"bad answer":   {BadSignature: 1},
		"probe":        {ProbeSignature: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			s.retries = 2
			s.sim.SetFaults(wechatsim.Faults{Prepay: faults, Query: faults, Close: faults})
			s.pay(t, s.order(t, number))
			s.wantState(t, number, pay.TradeSuccess)
			s.order(t, "ORDER0002")
			if err := s.Close(t.Context(), cafe, "ORDER0002"); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestManyCallers shares an account between callers while its host comes and goes.
func TestManyCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		calls := 0
		good := serves(answers(204, nil))
		g := newTwoHosts(t, roundTripper(func(r *http.Request) (*http.Response, error) {
			mu.Lock()
			defer mu.Unlock()
			if calls++; calls%7 < 4 {
				return refused(r)
			}
			return good.RoundTrip(r)
		}), good)
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() {
				time.Sleep(time.Duration(i) * 3 * time.Second)
				if err := g.Close(t.Context(), cafe, fmt.Sprintf("ORDER%04d", i)); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	})
}
