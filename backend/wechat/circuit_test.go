package wechat

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"saoma/backend/pay"
)

const bakery = pay.MerchantID("bakery")

// pauseLongest is when the circuit lets calls through again for certain.
const pauseLongest = circuitPause + time.Duration(circuitJitter*float64(circuitPause))

// newTwoShops is a gateway of two merchants, each with a network of its own.
func newTwoShops(t *testing.T, cafes, bakeries http.RoundTripper) *Gateway {
	t.Helper()
	a, b := testAccount(), testAccount()
	a.APIURL, b.APIURL = "https://cafe.example", "https://bakery.example"
	g, err := New(map[pay.MerchantID]Account{cafe: a, bakery: b}, Options{Transport: roundTripper(
		func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == "bakery.example" {
				return bakeries.RoundTrip(r)
			}
			return cafes.RoundTrip(r)
		})})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// wantOpen checks that a call is not made, and fails at once.
func wantOpen(t *testing.T, g *Gateway, c *counted) {
	t.Helper()
	before, began := c.calls, time.Now()
	_, err := g.Prepay(t.Context(), cafe, pay.Native, []byte(`{}`))
	wantFailure(t, err, "prepay", pay.Unsure, "")
	if !errors.Is(err, errCircuitOpen) || c.calls != before || time.Since(began) != 0 {
		t.Fatalf("%d calls in %v, %v, want none while the circuit is open", c.calls-before, time.Since(began), err)
	}
}

// trip makes calls until the circuit opens.
func trip(t *testing.T, g *Gateway, c *counted) {
	t.Helper()
	for i := range circuitCalls {
		if err := g.Close(t.Context(), cafe, number); err == nil || errors.Is(err, errCircuitOpen) {
			t.Fatalf("call %d: %v, want it to be made and to fail", i, err)
		}
	}
	wantOpen(t, g, c)
}

func TestCircuitOpens(t *testing.T) {
	for name, test := range map[string]struct {
		trouble http.RoundTripper
		opens   bool
	}{
		"system error": {serves(refuses(500, `{"code":"SYSTEM_ERROR"}`)), true},
		"gateway":      {serves(refuses(502, ``)), true},
		"refused":      {roundTripper(refused), true},
		"reset":        {roundTripper(resets), true},
		"too many":     {serves(refuses(429, `{"code":"FREQUENCY_LIMITED"}`)), false},
		"a decision":   {serves(refuses(400, `{"code":"PARAM_ERROR"}`)), false},
		"unknown":      {serves(refuses(404, `{"code":"ORDER_NOT_EXIST"}`)), false},
		"proxy":        {serves(refuses(403, `blocked`)), false},
		"forged":       {serves(forged), false},
		"good":         {serves(answers(204, nil)), false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := inTurn(test.trouble)
				g := newRetrying(t, 0, c)
				for range 2 * circuitCalls {
					_ = g.Close(t.Context(), cafe, number)
				}
				want := 2 * circuitCalls
				if test.opens {
					want = circuitCalls
				}
				if c.calls != want {
					t.Errorf("%d calls were made, want %d", c.calls, want)
				}
			})
		})
	}
}

// TestCircuitRate: it takes most of the calls, and recent ones.
func TestCircuitRate(t *testing.T) {
	good, bad := serves(answers(204, nil)), roundTripper(refused)
	for name, test := range map[string]struct {
		carriers []http.RoundTripper // in turn
		pause    time.Duration
		opens    bool
	}{
		"half":     {[]http.RoundTripper{good, bad}, 0, false},
		"most":     {[]http.RoundTripper{good, bad, bad, bad, bad}, 0, true},
		"all slow": {[]http.RoundTripper{bad}, circuitPeriod / (circuitCalls / 2), false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				g := newRetrying(t, 0, roundTripper(func(r *http.Request) (*http.Response, error) {
					calls++
					return test.carriers[calls%len(test.carriers)].RoundTrip(r)
				}))
				for range 3 * circuitCalls {
					_ = g.Close(t.Context(), cafe, number)
					time.Sleep(test.pause)
				}
				if opened := calls < 3*circuitCalls; opened != test.opens {
					t.Errorf("opened: %t, want %t", opened, test.opens)
				}
			})
		})
	}
}

func TestCircuitCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inTurn(roundTripper(refused))
		g := newRetrying(t, 0, c)
		trip(t, g, c)
		time.Sleep(pauseLongest)

		// A probe that fails opens it again.
		if err := g.Close(t.Context(), cafe, number); errors.Is(err, errCircuitOpen) {
			t.Fatalf("no probe after %v", pauseLongest)
		}
		wantOpen(t, g, c)
		time.Sleep(pauseLongest)

		c.RoundTripper = serves(answers(204, nil))
		for range 3 * circuitCalls {
			if err := g.Close(t.Context(), cafe, number); err != nil {
				t.Fatal(err)
			}
		}
		// And then it takes as many failures as before.
		c.RoundTripper = roundTripper(refused)
		if err := g.Close(t.Context(), cafe, number); errors.Is(err, errCircuitOpen) {
			t.Error("opened by the first failure")
		}
	})
}

// TestCircuitProbes: while it is not known how WeChat Pay does, few calls wait for it.
func TestCircuitProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inTurn(roundTripper(refused))
		g := newRetrying(t, 0, c)
		trip(t, g, c)
		time.Sleep(pauseLongest)
		c.RoundTripper = roundTripper(hangs)
		ended := make(chan error, circuitProbes)
		for range circuitProbes {
			go func() { ended <- g.Close(t.Context(), cafe, number) }()
			synctest.Wait()
		}
		wantOpen(t, g, c)
		for range circuitProbes {
			if err := <-ended; !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("probe: %v, want a time-out", err)
			}
		}
		wantOpen(t, g, c)
	})
}

// TestCircuitProbesLeave: probes whose callers leave keep no places.
func TestCircuitProbesLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inTurn(roundTripper(refused))
		g := newRetrying(t, 0, c)
		trip(t, g, c)
		c.RoundTripper = roundTripper(hangs)
		for range 3 * circuitProbes {
			time.Sleep(pauseLongest)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if err := g.Close(ctx, cafe, number); errors.Is(err, errCircuitOpen) {
				t.Fatal("no probe after the pause: places were kept")
			}
			cancel()
		}
		time.Sleep(pauseLongest)
		c.RoundTripper = serves(answers(204, nil))
		if err := g.Close(t.Context(), cafe, number); err != nil {
			t.Fatal(err)
		}
	})
}

// TestCircuitProbePanics: neither does one that panics.
func TestCircuitProbePanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inTurn(roundTripper(refused))
		g := newRetrying(t, 0, c)
		trip(t, g, c)
		c.RoundTripper = roundTripper(func(*http.Request) (*http.Response, error) { panic("in the SDK") })
		for range 3 * circuitProbes {
			time.Sleep(pauseLongest)
			func() {
				defer func() {
					if recover() == nil {
						t.Error("no probe after the pause: places were kept")
					}
				}()
				_ = g.Close(t.Context(), cafe, number)
			}()
		}
	})
}

// TestCircuitIgnoresCallersWhoLeave: that customers leave says nothing of WeChat Pay.
func TestCircuitIgnoresCallersWhoLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inTurn(roundTripper(hangs))
		g := newRetrying(t, 0, c)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for range 2 * circuitCalls {
			_ = g.Close(ctx, cafe, number)
		}
		if c.calls != 2*circuitCalls {
			t.Errorf("%d calls, want %d", c.calls, 2*circuitCalls)
		}
	})
}

// TestCircuitPerMerchant: one merchant's trouble is not another's.
func TestCircuitPerMerchant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inTurn(roundTripper(refused))
		g := newTwoShops(t, c, serves(answers(204, nil)))
		trip(t, g, c)
		for range 2 * circuitCalls {
			if err := g.Close(t.Context(), bakery, number); err != nil {
				t.Fatal(err)
			}
		}
		wantOpen(t, g, c)
	})
}

// TestCircuitEndsRetries: a call that is being tried when the circuit opens is not tried any more.
func TestCircuitEndsRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inTurn(roundTripper(refused))
		g := newRetrying(t, 2, c)
		c.RoundTripper = roundTripper(func(r *http.Request) (*http.Response, error) {
			g.account(cafe).circuit.breaker.Open()
			return refused(r)
		})
		_, err := g.Prepay(t.Context(), cafe, pay.Native, []byte(`{}`))
		wantFailure(t, err, "prepay", pay.Unsure, "")
		if c.calls != 1 || errors.Is(err, errCircuitOpen) {
			t.Errorf("%d tries, %v, want one and its own error", c.calls, err)
		}
	})
}
