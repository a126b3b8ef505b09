package pay_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"saoma/backend/pay"
	"saoma/backend/wechatsim"
)

func byH5() pay.Way { return pay.Way{Channel: pay.H5, ClientIP: "203.0.113.9"} }

// byJSAPI is the way of a customer whose openid the simulator knows.
func (w *world) byJSAPI(payer string) pay.Way {
	return pay.Way{Channel: pay.JSAPI, OpenID: w.sim.LogIn(payer)}
}

// open opens the page of an h5_url, as a phone's browser does.
func (w *world) open(t *testing.T, h5URL string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h5URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Referer", "https://pay.example/")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := answer.Body.Close(); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("the page answers %d, %v", answer.StatusCode, err)
	}
}

// paysBy lets the customer pay the newest trade in its channel.
func (w *world) paysBy(t *testing.T, a pay.Attempt) {
	t.Helper()
	var err error
	switch a.Channel {
	case pay.JSAPI:
		var call pay.BridgeCall
		if call, err = w.gateway.Bridge(shop, a.PrepayResult); err == nil {
			_, err = w.sim.PayJSAPI(wechatsim.BridgeCall(call), "")
		}
	case pay.H5:
		w.open(t, a.PrepayResult)
		_, err = w.sim.PayH5(w.trade().PrepayID, "")
	default:
		_, err = w.sim.Pay(a.PrepayResult, "")
	}
	if err != nil {
		t.Fatal(err)
	}
}

// wantOneOpen checks that WeChat Pay lets nobody pay but by the newest trade.
func (w *world) wantOneOpen(t *testing.T) {
	t.Helper()
	for i, trade := range w.sim.Trades() {
		if (trade.State == wechatsim.StateNotPaid) != (i == 0) {
			t.Errorf("trade %d from the newest is %s", i, trade.State)
		}
	}
}

func TestSwitch(t *testing.T) {
	t.Parallel()
	for name, way := range map[string]func(*world) pay.Way{
		"to h5": func(*world) pay.Way { return byH5() }, "to jsapi": func(w *world) pay.Way { return w.byJSAPI("") },
	} {
		for _, late := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, expired %t", name, late), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				o := w.order(t)
				if late {
					w.forward(pay.ExpiresInDefault + time.Second)
					w.sweep(t)
				}
				wish := way(w)
				o, a, err := w.Switch(t.Context(), o.ID, wish)
				if err != nil || o.State != pay.Pending || o.Channel != wish.Channel || o.CodeURL != "" || a.PrepayResult == "" {
					t.Fatalf("switched to %+v by %+v, %v", o, a, err)
				}
				w.wantOneOpen(t)
				if _, again, err := w.Switch(t.Context(), o.ID, wish); err != nil || again.OutTradeNo != a.OutTradeNo || again.PrepayResult != a.PrepayResult {
					t.Errorf("the same wish again: %+v, %v", again, err)
				}
				w.paysBy(t, a)
				eventually(t, "paid", func() bool { return w.read(t, o.ID).State == pay.Paid })
				if o := w.read(t, o.ID); o.Late || o.Channel != wish.Channel {
					t.Errorf("in the end %+v", o)
				}
			})
		}
	}
}

// A switch shows the order as waiting, never as expired.
func TestASwitchIsNoExpiry(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.order(t)
	if _, _, err := w.Switch(t.Context(), o.ID, byH5()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Renew(t.Context(), o.ID); err != nil {
		t.Fatal(err)
	}
	want := []pay.Kind{pay.Opened, pay.Prepaid, pay.Replaced, pay.Prepaid, pay.Replaced, pay.Prepaid}
	if got := w.kinds(t, o.ID); !slices.Equal(got, want) {
		t.Errorf("events %v; want %v", got, want)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, o := range w.committed {
		if o.State == pay.Expired {
			t.Error("the order was shown as expired")
		}
	}
	if last := w.committed[len(w.committed)-1]; last.Channel != pay.Native || last.CodeURL == "" {
		t.Errorf("after the renewal %+v", last)
	}
}

// The customer paid the code a moment before the switch: the money is booked and there is no second attempt.
func TestSwitchOfAPaidOrder(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]wechatsim.Faults{
		"before": {}, "while it is closed": {Close: wechatsim.CallFaults{CustomerPays: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			f.Callback.Lose = -1
			w.sim.SetFaults(f)
			o := w.order(t)
			if name == "before" {
				w.pays(t, o)
			}
			if _, _, err := w.Switch(t.Context(), o.ID, byH5()); pay.CodeOf(err) != pay.Conflict {
				t.Errorf("got %v; want %s", err, pay.Conflict)
			}
			w.wantState(t, o.ID, pay.Paid)
			if got := len(w.sim.Trades()); got != 1 {
				t.Errorf("WeChat Pay has %d trades; want 1", got)
			}
		})
	}
}

// While WeChat Pay does not close the code, it stays the way to pay.
func TestNoSwitchWithoutClose(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.order(t)
	w.sim.SetFaults(wechatsim.Faults{RefuseYoungClose: -1})
	if _, _, err := w.Switch(t.Context(), o.ID, byH5()); pay.CodeOf(err) != pay.Unavailable {
		t.Errorf("got %v; want %s", err, pay.Unavailable)
	}
	if got := w.wantState(t, o.ID, pay.Pending); got.CodeURL != o.CodeURL || got.Channel != pay.Native {
		t.Errorf("the order became %+v", got)
	}
}

// An h5_url is handed out for four minutes; then the stored request is sent again.
func TestAnOldH5URLIsReplaced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.order(t)
	_, first, err := w.Switch(t.Context(), o.ID, byH5())
	if err != nil {
		t.Fatal(err)
	}
	w.forward(pay.H5URLLife)
	_, second, err := w.Switch(t.Context(), o.ID, byH5())
	if err != nil || second.OutTradeNo != first.OutTradeNo || second.PrepayResult == first.PrepayResult {
		t.Fatalf("after four minutes %+v, %v", second, err)
	}
	w.paysBy(t, second)
	eventually(t, "paid", func() bool { return w.read(t, o.ID).State == pay.Paid })
	w.forward(pay.H5URLLife)
	if _, _, err := w.Switch(t.Context(), o.ID, byH5()); pay.CodeOf(err) != pay.Conflict {
		t.Errorf("of a paid order: %v", err)
	}
}

// Another customer, or the same one at another address, gets an attempt of their own.
func TestAnotherPayer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.order(t)
	for i, way := range []pay.Way{byH5(), {Channel: pay.H5, ClientIP: "2001:db8::7"}, w.byJSAPI("小明"), w.byJSAPI("小红")} {
		_, a, err := w.Switch(t.Context(), o.ID, way)
		if err != nil || w.trade().OutTradeNo != a.OutTradeNo || len(w.sim.Trades()) != i+2 {
			t.Fatalf("wish %d: %+v, %v", i, a, err)
		}
		w.wantOneOpen(t)
		if i == 3 {
			w.paysBy(t, a)
		}
	}
	eventually(t, "paid", func() bool { return w.read(t, o.ID).State == pay.Paid })
}

// What the merchant has not opened at WeChat Pay must not cost the sale: there is a code again.
func TestARefusedWayGivesACode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.order(t)
	stranger := pay.Way{Channel: pay.JSAPI, OpenID: "oStranger"} // WeChat Pay does not know the openid
	_, _, err := w.Switch(t.Context(), o.ID, stranger)
	if pay.CodeOf(err) != pay.Declined || strings.Contains(err.Error(), stranger.OpenID) {
		t.Fatalf("got %v; want %s without the openid", err, pay.Declined)
	}
	fresh := w.wantState(t, o.ID, pay.Pending)
	if fresh.Channel != pay.Native || fresh.CodeURL == "" || fresh.CodeURL == o.CodeURL {
		t.Errorf("the order became %+v", fresh)
	}
	w.pays(t, fresh)
	eventually(t, "paid", func() bool { return w.read(t, o.ID).State == pay.Paid })
}

// No answer to the switch: the sweep replays the request in its channel.
func TestSwitchInTrouble(t *testing.T) {
	t.Parallel()
	for _, f := range []wechatsim.CallFaults{{ErrorAfter: 2}, {ErrorBefore: 2}} {
		w := newWorld(t)
		o := w.order(t)
		w.sim.SetFaults(wechatsim.Faults{Prepay: f})
		if _, _, err := w.Switch(t.Context(), o.ID, byH5()); pay.CodeOf(err) != pay.Unavailable {
			t.Fatalf("got %v; want %s", err, pay.Unavailable)
		}
		w.wantState(t, o.ID, pay.Created)
		for range 3 {
			w.forward(10 * time.Second)
			w.sweep(t)
		}
		w.wantState(t, o.ID, pay.Pending)
		_, a, err := w.Switch(t.Context(), o.ID, byH5())
		if err != nil {
			t.Fatal(err)
		}
		w.paysBy(t, a)
		eventually(t, "paid", func() bool { return w.read(t, o.ID).State == pay.Paid })
	}
}

// The callback of a payment in another channel was lost, and nobody comes back: the sweep finds the money, or closes.
func TestTheSweepOfOtherChannels(t *testing.T) {
	t.Parallel()
	for _, paid := range []bool{true, false} {
		for _, way := range []func(*world) pay.Way{func(*world) pay.Way { return byH5() }, func(w *world) pay.Way { return w.byJSAPI("") }} {
			w := newWorld(t)
			o := w.order(t)
			_, a, err := w.Switch(t.Context(), o.ID, way(w))
			if err != nil {
				t.Fatal(err)
			}
			w.sim.SetFaults(wechatsim.Faults{Callback: wechatsim.CallbackFaults{Lose: -1}})
			want := pay.Expired
			if paid {
				w.paysBy(t, a)
				want = pay.Paid
			}
			w.forward(pay.ExpiresInDefault + time.Second)
			w.sweep(t)
			w.wantState(t, o.ID, want)
		}
	}
}

// Customers who cannot decide, at once: never two attempts can be paid.
func TestManySwitchesAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.order(t)
	ways := []pay.Way{byH5(), w.byJSAPI(""), {Channel: pay.Native}}
	var group sync.WaitGroup
	for i := range 12 {
		group.Go(func() { _, _, _ = w.Switch(t.Context(), o.ID, ways[i%len(ways)]) }) // most are too early or too late
	}
	group.Wait()
	w.wantOneOpen(t)
	_, a, err := w.Switch(t.Context(), o.ID, byH5())
	if err != nil {
		t.Fatal(err)
	}
	w.paysBy(t, a)
	eventually(t, "paid", func() bool { return w.read(t, o.ID).State == pay.Paid })
}

// The openid and the address stand in the request and nowhere else.
func TestWhatNamesThePayerIsKeptApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.order(t)
	way := w.byJSAPI("")
	o, a, err := w.Switch(t.Context(), o.ID, way)
	if err != nil || !strings.Contains(string(a.Request), way.OpenID) {
		t.Fatalf("the request is %s, %v", a.Request, err)
	}
	a.Request = nil
	var events []pay.Event
	if err := w.Store.View(t.Context(), func(tx pay.Tx) (err error) {
		events, err = tx.Events(t.Context(), o.ID)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal([]any{o, a, events})
	if err != nil || strings.Contains(string(text), way.OpenID) {
		t.Errorf("the openid stands in %s, %v", text, err)
	}
}

func TestMistakesInAWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.order(t)
	for name, c := range map[string]struct {
		way   pay.Way
		field string
	}{
		"no openid":       {pay.Way{Channel: pay.JSAPI}, "openid"},
		"odd openid":      {pay.Way{Channel: pay.JSAPI, OpenID: "o\n"}, "openid"},
		"openid with h5":  {pay.Way{Channel: pay.H5, ClientIP: "203.0.113.9", OpenID: "o"}, "openid"},
		"no address":      {pay.Way{Channel: pay.H5}, "client_ip"},
		"loopback":        {pay.Way{Channel: pay.H5, ClientIP: "127.0.0.1"}, "client_ip"},
		"mapped loopback": {pay.Way{Channel: pay.H5, ClientIP: "::ffff:127.0.0.1"}, "client_ip"},
		"a name":          {pay.Way{Channel: pay.H5, ClientIP: "localhost"}, "client_ip"},
		"a zone":          {pay.Way{Channel: pay.H5, ClientIP: "fe80::1%eth0"}, "client_ip"},
		"a fax":           {pay.Way{Channel: "fax"}, "channel"},
	} {
		_, _, err := w.Switch(t.Context(), o.ID, c.way)
		wantField(t, name, err, c.field)
		_, err = w.CreateOrder(t.Context(), pay.NewOrder{Merchant: shop, Amount: 1, Description: "x", Way: c.way})
		wantField(t, name, err, c.field)
	}
	w.Merchants.Replace([]pay.Merchant{{ID: shop, Name: "街角咖啡"}})
	_, _, err := w.Switch(t.Context(), o.ID, byH5())
	wantField(t, "not configured", err, "channel")
	if got := w.wantState(t, o.ID, pay.Pending); got.CodeURL != o.CodeURL {
		t.Error("the code changed")
	}
}

// wantField checks that an error names the one field that must be mended.
func wantField(t *testing.T, name string, err error, field string) {
	t.Helper()
	e, ok := errors.AsType[*pay.Error](err)
	if !ok || e.Code != pay.Invalid || !slices.ContainsFunc(e.Fields, func(f pay.Field) bool { return f.Name == field }) {
		t.Errorf("%s: got %v; want the field %s", name, err, field)
	}
}
