package main

import (
	"net/http"
	"testing"

	"saoma/backend/pay"
	"saoma/backend/wechatsim"
)

// lastEcho is what the books have of the café's self-tests.
func (w *world) lastEcho(t *testing.T) pay.Echo {
	t.Helper()
	e, err := w.service.cashier.LastEcho(t.Context(), demoMerchant)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestTheSelfTest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if e := w.lastEcho(t); e != (pay.Echo{}) {
		t.Errorf("before the first: %+v", e)
	}
	notify := w.url + "/notify/cafe/echo"
	// A callback that is refused comes again after 15 seconds, so what is seen is the first one's effect.
	w.sim.SetFaults(wechatsim.Faults{Callback: wechatsim.CallbackFaults{WrongNonce: 1}})
	if err := w.service.gateway.Echo(t.Context(), demoMerchant, "one", notify); err != nil {
		t.Fatal(err)
	}
	eventually(t, "its trouble is in the books", func() bool { e := w.lastEcho(t); return e.Trouble != "" && e.Message == "" })
	for _, message := range []string{"two", "three"} {
		if err := w.service.gateway.Echo(t.Context(), demoMerchant, message, notify); err != nil {
			t.Fatal(err)
		}
		eventually(t, message+" arrives", func() bool {
			e := w.lastEcho(t)
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
	if e := w.lastEcho(t); e.Message != "three" {
		t.Errorf("in the end %+v", e)
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
