package main

import (
	"net/http"
	"testing"

	"saoma/backend/pay"
	"saoma/backend/wechatsim"
)

// echo is what the books have of a self-test of the café; without a message, of one that could not be read.
func (w *world) echo(t *testing.T, message string) pay.Echo {
	t.Helper()
	e, err := w.service.cashier.Echo(t.Context(), demoMerchant, message)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestTheSelfTest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if e := w.echo(t, ""); e != (pay.Echo{}) {
		t.Errorf("before the first: %+v", e)
	}
	notify := w.url + "/notify/cafe/echo"
	// A callback that is refused comes again after 15 seconds, so what is seen is the first one's effect.
	w.sim.SetFaults(wechatsim.Faults{Callback: wechatsim.CallbackFaults{WrongNonce: 1}})
	if err := w.service.gateway.Echo(t.Context(), demoMerchant, "one", notify); err != nil {
		t.Fatal(err)
	}
	eventually(t, "its trouble is in the books", func() bool { return w.echo(t, "").Trouble != "" })
	for _, message := range []string{"two", "three"} {
		if err := w.service.gateway.Echo(t.Context(), demoMerchant, message, notify); err != nil {
			t.Fatal(err)
		}
		eventually(t, message+" arrives", func() bool {
			e := w.echo(t, message)
			return e.Message == message && e.Trouble == "" && !e.At.IsZero()
		})
	}
	// What a stranger sends, or WeChat Pay to another address, is no echo.
	for _, body := range []string{"", `{"event_type":"SECURITY_ECHO.SUCCESS"}`} {
		if a := w.call(t, "POST", "/notify/cafe/echo", body); a.status != http.StatusUnauthorized {
			t.Errorf("%q: %d", body, a.status)
		}
	}
	if err := w.service.gateway.Echo(t.Context(), demoMerchant, "four", w.url+"/notify/cafe/payment"); err != nil {
		t.Fatal(err)
	}
	echoes := func() []wechatsim.Echo { return w.sim.Echoes() }
	eventually(t, "an echo is refused as a payment", func() bool {
		c := echoes()[len(echoes())-1].Callbacks
		return len(c) == 1 && c[0].Status == http.StatusBadRequest
	})
	if e := w.echo(t, "four"); e.Message != "" {
		t.Errorf("the refused one is booked: %+v", e)
	}
	w.forward(2 * pay.EchoesKept)
	if err := w.service.cashier.HearEcho(t.Context(), pay.Echo{Merchant: demoMerchant, Message: "five"}); err != nil {
		t.Fatal(err)
	}
	if old, fresh := w.echo(t, "three"), w.echo(t, "five"); old.Message != "" || fresh.Message != "five" {
		t.Errorf("two hours later %+v is kept, and %+v", old, fresh)
	}
}

// An answer that is not WeChat Pay's, or another one, is no self-test.
func TestTheSelfTestFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, f := range map[string]wechatsim.CallFaults{
		"bad signature": {BadSignature: -1}, "an error": {ErrorBefore: -1},
	} {
		w.sim.SetFaults(wechatsim.Faults{Echo: f})
		if err := w.service.gateway.Echo(t.Context(), demoMerchant, "hello", w.url+"/notify/cafe/echo"); err == nil {
			t.Errorf("%s: the self-test succeeds", name)
		}
	}
}
