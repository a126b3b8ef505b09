package main

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"saoma/backend/wechatsim"
)

// statuses are our answers to the callbacks of the newest trade.
func (w *world) statuses() (list []int) {
	for _, d := range w.sim.Trades()[0].Callbacks {
		list = append(list, d.Status)
	}
	return list
}

// Ten identical callbacks at once: one transition, ten times 204.
func TestTenCallbacksAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sim.SetFaults(wechatsim.Faults{Callback: wechatsim.CallbackFaults{Parallel: 1, ParallelSends: 10}})
	o := w.latte(t)
	w.pays(t, o)
	eventually(t, "ten answers", func() bool { return len(w.statuses()) == 10 })
	if got := w.statuses(); !slices.Equal(got, slices.Repeat([]int{http.StatusNoContent}, 10)) {
		t.Errorf("answered %v; want ten times 204", got)
	}
	a := w.call(t, "GET", "/v1/orders/"+o.ID+"/events", "", w.secret())
	if n := strings.Count(string(a.body), `"succeeded"`); n != 1 {
		t.Errorf("%d transitions: %s", n, a.body)
	}
	if got := w.read(t, o.ID); got.Status != "paid" || got.Version != o.Version+1 {
		t.Errorf("the order is %+v", got)
	}
}

// A damaged callback is refused in one line that tells no secrets, and settles nothing. The resend comes only
// after 15 seconds, so what is seen here is the damaged one's effect alone.
func TestBadCallbacks(t *testing.T) {
	t.Parallel()
	line := regexp.MustCompile(`(?m)^.*msg="callback refused".*$`)
	for name, f := range map[string]wechatsim.CallbackFaults{
		"probe":          {ProbeSignature: 1},
		"bad signature":  {BadSignature: 1},
		"unknown serial": {UnknownSerial: 1},
		"old timestamp":  {OldTimestamp: 1},
		"truncated":      {Truncated: 1},
		"no resource":    {NoResource: 1},
		"wrong nonce":    {WrongNonce: 1},
		"wrong amount":   {WrongAmount: 1},
		"another mchid":  {OtherMerchant: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.sim.SetFaults(wechatsim.Faults{Callback: f})
			o := w.latte(t)
			w.pays(t, o)
			eventually(t, "an answer", func() bool { return len(w.statuses()) == 1 })
			if got := w.statuses()[0]; got < 400 {
				t.Errorf("answered %d", got)
			}
			lines := line.FindAllString(w.log.String(), -1)
			if len(lines) != 1 || len(lines[0]) > 700 {
				t.Errorf("logged %d lines: %q; want one short line", len(lines), lines)
			}
			for _, secret := range []string{"ciphertext", "Wechatpay-", "BEGIN", "Authorization", w.sim.Merchant().APIv3Key, w.secretKey} {
				if strings.Contains(w.log.String(), secret) {
					t.Errorf("the log holds %s", secret)
				}
			}
		})
	}
}

func TestCallbacksFromNowhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct{ path, body string }{
		"no such merchant": {"/notify/nobody/payment", `{}`},
		"empty":            {"/notify/cafe/payment", ``},
		"unsigned":         {"/notify/cafe/payment", `{"id":"x","event_type":"TRANSACTION.SUCCESS"}`},
		"huge":             {"/notify/cafe/payment", strings.Repeat("x", 65<<10)},
		"newlines in it":   {"/notify/cafe%0Alevel=ERROR/payment", `{}`},
	} {
		a := w.call(t, "POST", c.path, c.body, "Wechatpay-Serial: a b\tc")
		if a.status < 400 || a.status >= 500 || !strings.Contains(string(a.body), `"FAIL"`) {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if strings.Contains(w.log.String(), "\nlevel=ERROR") {
		t.Error("a stranger wrote a line into the log")
	}
}

// Our own server answers too late or not at all; WeChat Pay's callbacks are lost; the sweep finds the money.
func TestALostCallback(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sim.SetFaults(wechatsim.Faults{Callback: wechatsim.CallbackFaults{Lose: -1}})
	o := w.latte(t)
	w.pays(t, o)
	w.wantStatus(t, o.ID, "paid")
}
