package pay_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"saoma/backend/pay"
	"saoma/backend/wechatsim"
)

func TestAGoodDay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.order(t)
	if o.State != pay.Pending || o.CodeURL != w.trade().CodeURL || o.Total != 2800 || o.Description != "拿铁latte" {
		t.Fatalf("made %+v; want a pending order with WeChat Pay's code", o)
	}
	w.pays(t, o)
	eventually(t, "paid by the callback", func() bool { return w.read(t, o.ID).State == pay.Paid })
	paid := w.read(t, o.ID)
	if paid.Late || paid.TransactionID != w.trade().TransactionID || paid.PaidAt.IsZero() || paid.CodeURL != "" {
		t.Errorf("the paid order is %+v", paid)
	}
	if got, want := w.kinds(t, o.ID), []pay.Kind{pay.Opened, pay.Prepaid, pay.Succeeded}; !slices.Equal(got, want) {
		t.Errorf("events %v; want %v", got, want)
	}
	eventually(t, "told of created, pending, paid", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		var told []pay.State
		for _, c := range w.committed {
			told = append(told, c.State)
		}
		return slices.Equal(told, []pay.State{pay.Created, pay.Pending, pay.Paid})
	})
}

// WeChat Pay's first answer is lost or an error; the same bytes are sent again.
func TestPrepayIsRepeated(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]wechatsim.CallFaults{
		"500, not done":  {ErrorBefore: 1},
		"500, yet done":  {ErrorAfter: 1},
		"too many":       {TooMany: 1},
		"bad signature":  {BadSignature: 1},
		"probe":          {ProbeSignature: 1},
		"not available":  {Unavailable: 1},
		"a good day too": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.sim.SetFaults(wechatsim.Faults{Prepay: f})
			o := w.order(t)
			if len(w.sim.Trades()) != 1 || o.CodeURL != w.trade().CodeURL {
				t.Errorf("the order has code %q; want the living one of the one trade", o.CodeURL)
			}
			w.pays(t, o)
			eventually(t, "paid", func() bool { return w.read(t, o.ID).State == pay.Paid })
		})
	}
}

// With longer trouble the customer waits, and the sweep goes on asking.
func TestTheSweepGetsTheCode(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]wechatsim.CallFaults{"not done": {ErrorBefore: 4}, "yet done": {ErrorAfter: 4}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.sim.SetFaults(wechatsim.Faults{Prepay: f})
			o, err := w.CreateOrder(t.Context(), pay.NewOrder{Merchant: shop, Lines: []pay.Line{{SKU: "cake", Quantity: 2}}})
			if pay.CodeOf(err) != pay.Unavailable || o.State != pay.Created || o.Token == "" {
				t.Fatalf("got %+v, %v; want the stored order beside trouble at WeChat Pay", o, err)
			}
			for range 4 {
				w.forward(10 * time.Second)
				w.sweep(t)
			}
			o = w.wantState(t, o.ID, pay.Pending)
			w.pays(t, o)
			eventually(t, "paid", func() bool { return w.read(t, o.ID).State == pay.Paid })
		})
	}
}

func TestWeChatPayRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.accounts[shop]
	a.AppID = "wxffffffffffffffff" // not bound to this mchid
	w.accounts[shop] = a
	w.start(t)
	ask := pay.NewOrder{Merchant: shop, Lines: []pay.Line{{SKU: "cake", Quantity: 1}}, Once: pay.Once{Key: "k", Request: "digest"}}
	o, err := w.CreateOrder(t.Context(), ask)
	if pay.CodeOf(err) != pay.Declined {
		t.Fatalf("got %v; want %s", err, pay.Declined)
	}
	w.wantState(t, o.ID, pay.Cancelled)
	if again, err := w.CreateOrder(t.Context(), ask); pay.CodeOf(err) != pay.Declined || again.ID != o.ID {
		t.Errorf("the same request: %s, %v; want the same refusal", again.ID, err)
	}
	w.forward(time.Hour)
	if n := w.sweep(t); n != 0 {
		t.Errorf("%d attempts are still looked after; want none", n)
	}
}

func TestPaidBeforeThePrepayAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sim.SetFaults(wechatsim.Faults{Prepay: wechatsim.CallFaults{CustomerPays: 1}})
	o := w.order(t)
	if o.State != pay.Paid || o.CodeURL != "" || o.Late {
		t.Errorf("the order is %s with code %q; want it paid and without a code", o.State, o.CodeURL)
	}
	if got, want := w.kinds(t, o.ID), []pay.Kind{pay.Opened, pay.Succeeded}; !slices.Equal(got, want) {
		t.Errorf("events %v; want %v", got, want)
	}
}

func TestALostCallbackIsFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sim.SetFaults(wechatsim.Faults{Callback: wechatsim.CallbackFaults{Lose: -1}})
	o := w.order(t)
	w.pays(t, o)
	if n := w.sweep(t); n != 0 {
		t.Errorf("looked at %d attempts at once; the first look is after 5 s", n)
	}
	w.forward(6 * time.Second)
	w.sweep(t)
	w.wantState(t, o.ID, pay.Paid)
}

// The schedule of queries is WeChat Pay's advice: 5 s, 30 s, 1, 3, 5, 10 minutes, and at the expiry.
func TestScheduleOfQueries(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.order(t)
	var looks []int
	for second := range 15 * 60 {
		w.forward(time.Second)
		if w.sweep(t) > 0 {
			looks = append(looks, second+1)
		}
	}
	want := []int{5, 30, 60, 180, 300, 600, 900}
	if len(looks) != len(want) {
		t.Fatalf("looked after %v s; want about %v", looks, want)
	}
	for i, at := range looks {
		// The clock also runs by itself, a little for each step.
		if at > want[i] || at < want[i]-2-want[i]/20 {
			t.Errorf("looked after %v s; want about %v", looks, want)
			break
		}
	}
}

func TestExpiry(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]wechatsim.Faults{
		"on a good day":             {},
		"close answers 500":         {Close: wechatsim.CallFaults{ErrorBefore: 1}},
		"close answers 500, done":   {Close: wechatsim.CallFaults{ErrorAfter: 1}},
		"close is refused at first": {RefuseYoungClose: 1},
		"query answers 500":         {Query: wechatsim.CallFaults{ErrorBefore: 1}},
		"answers badly signed":      {Query: wechatsim.CallFaults{BadSignature: 1}, Close: wechatsim.CallFaults{BadSignature: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			o := w.order(t)
			w.sim.SetFaults(f)
			w.forward(pay.ExpiresInDefault + time.Second)
			for range 3 { // trouble is tried again, a little later each time
				w.sweep(t)
				w.forward(5 * time.Second)
			}
			w.wantState(t, o.ID, pay.Expired)
			if got := w.trade().State; got != wechatsim.StateClosed {
				t.Errorf("at WeChat Pay the trade is %s; want CLOSED before the order expires", got)
			}
			if _, err := w.sim.Pay(o.CodeURL, ""); err == nil {
				t.Error("an expired order can still be paid")
			}
		})
	}
}

// A local timer alone never expires: while WeChat Pay cannot be reached, the order stays payable.
func TestNoExpiryWithoutWeChatPay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.order(t)
	w.sim.SetFaults(wechatsim.Faults{Close: wechatsim.CallFaults{ErrorBefore: -1}})
	w.forward(time.Hour)
	w.sweep(t)
	w.wantState(t, o.ID, pay.Pending)
	w.pays(t, o) // and is
	eventually(t, "paid", func() bool { return w.read(t, o.ID).State == pay.Paid })
}

func TestPaidInTheLastSecond(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]wechatsim.Faults{
		"before the query":           {Query: wechatsim.CallFaults{CustomerPays: 1}},
		"between query and close":    {Close: wechatsim.CallFaults{CustomerPays: 1}},
		"and the close answers 500":  {Close: wechatsim.CallFaults{CustomerPays: 1, ErrorAfter: 1}},
		"and all callbacks are lost": {Close: wechatsim.CallFaults{CustomerPays: 1}, Callback: wechatsim.CallbackFaults{Lose: -1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			o := w.order(t)
			w.sim.SetFaults(f)
			w.forward(pay.ExpiresInDefault + time.Second)
			w.sweep(t)
			if paid := w.wantState(t, o.ID, pay.Paid); paid.Late {
				t.Error("marked late, though it never expired")
			}
		})
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.order(t)
	for range 2 { // twice is no error
		got, err := w.Cancel(t.Context(), o.ID)
		if err != nil || got.State != pay.Cancelled {
			t.Fatalf("got %s, %v; want it cancelled", got.State, err)
		}
	}
	if got := w.trade().State; got != wechatsim.StateClosed {
		t.Errorf("at WeChat Pay the trade is %s; want CLOSED", got)
	}
	if _, err := w.Cancel(t.Context(), "ord_nobody"); pay.CodeOf(err) != pay.NotFound {
		t.Errorf("an unknown order: got %v", err)
	}
}

func TestCancelOfAPaidOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sim.SetFaults(wechatsim.Faults{Callback: wechatsim.CallbackFaults{Lose: -1}})
	o := w.order(t)
	w.pays(t, o)
	for range 2 { // first we learn of the payment by asking, then we know
		if _, err := w.Cancel(t.Context(), o.ID); pay.CodeOf(err) != pay.Conflict {
			t.Errorf("got %v; want %s", err, pay.Conflict)
		}
	}
	w.wantState(t, o.ID, pay.Paid)
}

func TestCancelInTrouble(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.order(t)
	w.sim.SetFaults(wechatsim.Faults{Close: wechatsim.CallFaults{ErrorBefore: -1}})
	if _, err := w.Cancel(t.Context(), o.ID); pay.CodeOf(err) != pay.Unavailable {
		t.Errorf("got %v; want %s", err, pay.Unavailable)
	}
	w.wantState(t, o.ID, pay.Pending)
}

// An order whose prepay call may still be on its way is not given up on the word of a query.
func TestCancelTooEarly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sim.SetFaults(wechatsim.Faults{Prepay: wechatsim.CallFaults{ErrorBefore: -1}})
	o, _ := w.CreateOrder(t.Context(), pay.NewOrder{Merchant: shop, Lines: []pay.Line{{SKU: "cake", Quantity: 1}}})
	if _, err := w.Cancel(t.Context(), o.ID); pay.CodeOf(err) != pay.Busy {
		t.Errorf("got %v; want %s", err, pay.Busy)
	}
	w.forward(pay.PrepaySettle)
	if got, err := w.Cancel(t.Context(), o.ID); err != nil || got.State != pay.Cancelled {
		t.Errorf("got %s, %v; want it cancelled once nothing can be on its way", got.State, err)
	}
}

// Closed by a person in the merchant platform.
func TestClosedBehindOurBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.order(t)
	if err := w.gateway.Close(t.Context(), shop, w.trade().OutTradeNo); err != nil {
		t.Fatal(err)
	}
	w.forward(6 * time.Second)
	w.sweep(t)
	w.wantState(t, o.ID, pay.Expired)
}

func TestARestartForgetsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sim.SetFaults(wechatsim.Faults{Callback: wechatsim.CallbackFaults{Lose: -1}})
	paid, unpaid := w.order(t), w.order(t)
	w.pays(t, paid)
	w.start(t)
	w.forward(pay.ExpiresInDefault + time.Second)
	w.sweep(t)
	w.wantState(t, paid.ID, pay.Paid)
	w.wantState(t, unpaid.ID, pay.Expired)
}

// The customer leaves while WeChat Pay is being asked: nothing is left half done.
func TestTheCustomerLeaves(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sim.SetFaults(wechatsim.Faults{Prepay: wechatsim.CallFaults{HangAfter: 1}})
	ctx, leave := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var o pay.Order
	var err error
	wg.Go(func() {
		o, err = w.CreateOrder(ctx, pay.NewOrder{Merchant: shop, Lines: []pay.Line{{SKU: "cake", Quantity: 1}}})
	})
	eventually(t, "WeChat Pay has the order", func() bool { return len(w.sim.Trades()) == 1 })
	leave()
	wg.Wait()
	if pay.CodeOf(err) != pay.Unavailable {
		t.Errorf("got %v; want %s", err, pay.Unavailable)
	}
	w.forward(5 * time.Second)
	w.sweep(t)
	w.wantState(t, o.ID, pay.Pending)
}

func TestWhatAnOrderMayAsk(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	latte := []pay.Line{{SKU: "latte", Quantity: 1}}
	many := make(map[string]string)
	for i := range pay.MetadataKeysMax + 1 {
		many[strings.Repeat("k", i+1)] = "v"
	}
	for name, c := range map[string]struct {
		order pay.NewOrder
		field string // "" if it is fine
	}{
		"nothing":                {pay.NewOrder{Description: "x"}, "amount"},
		"nothing from a browser": {pay.NewOrder{FromBrowser: true}, "items"},
		"amount and items":       {pay.NewOrder{Amount: 1, Lines: latte}, "amount"},
		"a negative amount":      {pay.NewOrder{Amount: -1, Description: "x"}, "amount"},
		"one fen":                {pay.NewOrder{Amount: 1, Description: "x"}, ""},
		"the most":               {pay.NewOrder{Amount: pay.TotalMax, Description: "x"}, ""},
		"more than the most":     {pay.NewOrder{Amount: pay.TotalMax + 1, Description: "x"}, "amount"},
		"items over the most":    {pay.NewOrder{Lines: []pay.Line{{SKU: "yacht", Quantity: 999}, {SKU: "yacht", Quantity: 999}}}, "items"},
		"no description":         {pay.NewOrder{Amount: 1}, "description"},
		"an emoji":               {pay.NewOrder{Amount: 1, Description: "咖啡☕️😀"}, "description"},
		"a line break":           {pay.NewOrder{Amount: 1, Description: "a\nb"}, "description"},
		"broken UTF-8":           {pay.NewOrder{Amount: 1, Description: "a\xffb"}, "description"},
		"a long description":     {pay.NewOrder{Amount: 1, Description: strings.Repeat("字", 128)}, "description"},
		"the longest":            {pay.NewOrder{Amount: 1, Description: strings.Repeat("字", 127)}, ""},
		"a long reference":       {pay.NewOrder{Lines: latte, Reference: strings.Repeat("r", 65)}, "reference"},
		"quantity 0":             {pay.NewOrder{Lines: []pay.Line{{SKU: "latte"}}}, "items[0].quantity"},
		"quantity -1":            {pay.NewOrder{Lines: []pay.Line{{SKU: "latte", Quantity: -1}}}, "items[0].quantity"},
		"quantity 1000":          {pay.NewOrder{Lines: []pay.Line{{SKU: "latte", Quantity: 1000}}}, "items[0].quantity"},
		"an unknown product":     {pay.NewOrder{Lines: []pay.Line{latte[0], {SKU: "tea", Quantity: 1}}}, "items[1].sku"},
		"too many lines":         {pay.NewOrder{Lines: slices.Repeat(latte, 101)}, "items"},
		"many lines":             {pay.NewOrder{Lines: slices.Repeat(latte, 100)}, ""},
		"59 seconds":             {pay.NewOrder{Lines: latte, ExpiresIn: 59 * time.Second}, "expires_in"},
		"over two hours":         {pay.NewOrder{Lines: latte, ExpiresIn: 2*time.Hour + 1}, "expires_in"},
		"another channel":        {pay.NewOrder{Lines: latte, Way: pay.Way{Channel: "fax"}}, "channel"},
		"too much metadata":      {pay.NewOrder{Lines: latte, Metadata: many}, "metadata"},
		"a long metadata value":  {pay.NewOrder{Lines: latte, Metadata: map[string]string{"k": strings.Repeat("v", 501)}}, "metadata"},
		"a script to return to":  {pay.NewOrder{Lines: latte, ReturnURL: "javascript:alert(1)"}, "return_url"},
		"a path to return to":    {pay.NewOrder{Lines: latte, ReturnURL: "/thanks"}, "return_url"},
		"a shop to return to":    {pay.NewOrder{Lines: latte, ReturnURL: "https://other.example/"}, ""},
		"a stranger's page":      {pay.NewOrder{Lines: latte, ReturnURL: "https://other.example/", FromBrowser: true}, "return_url"},
		"the merchant's page":    {pay.NewOrder{Lines: latte, ReturnURL: "https://shop.example/ok", FromBrowser: true}, ""},
	} {
		c.order.Merchant = shop
		before := len(w.sim.Trades())
		_, err := w.CreateOrder(t.Context(), c.order)
		e := new(pay.Error)
		if c.field == "" {
			if err != nil {
				t.Errorf("%s: refused with %v", name, err)
			}
			continue
		}
		if pay.CodeOf(err) != pay.Invalid {
			t.Errorf("%s: got %v; want %s", name, err, pay.Invalid)
			continue
		}
		if asError(err, &e); len(e.Fields) != 1 || e.Fields[0].Name != c.field {
			t.Errorf("%s: names %v; want %s", name, e.Fields, c.field)
		}
		if len(w.sim.Trades()) != before {
			t.Errorf("%s: reached WeChat Pay", name)
		}
	}
	if _, err := w.CreateOrder(t.Context(), pay.NewOrder{Merchant: "nobody", Lines: latte}); pay.CodeOf(err) != pay.NotFound {
		t.Errorf("an unknown merchant: got %v", err)
	}
}
