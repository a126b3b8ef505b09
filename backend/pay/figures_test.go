package pay_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"saoma/backend/pay"
)

// book writes an order as it is, without WeChat Pay.
func (w *world) book(t *testing.T, o pay.Order) pay.Order {
	t.Helper()
	name := w.NewName()
	o.ID, o.Token, o.Version, o.Channel = pay.OrderID("ord_"+name), pay.Token(name), 1, pay.Native
	if o.Merchant == "" {
		o.Merchant = shop
	}
	if o.State == pay.Paid {
		o.TransactionID = "42" + name
	}
	if err := w.Store.Update(t.Context(), func(tx pay.Tx) error { return tx.InsertOrder(t.Context(), o) }); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestFigures(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hour := w.Now().Truncate(time.Hour).Add(-5 * time.Hour)
	f := &pay.Figures{Store: w.Store, Now: w.Now}
	paid := func(at, wait time.Duration, total pay.Fen) pay.Order {
		return w.book(t, pay.Order{State: pay.Paid, Total: total, CreatedAt: hour.Add(at), PaidAt: hour.Add(at + wait)})
	}
	paid(time.Minute, 5*time.Second, 100)
	paid(2*time.Minute, 9*time.Second, 200)
	paid(59*time.Minute, 2*time.Minute, 400) // in the next hour
	w.book(t, pay.Order{State: pay.Expired, Total: 7, CreatedAt: hour})
	w.book(t, pay.Order{State: pay.Cancelled, Total: 7, CreatedAt: hour})
	w.book(t, pay.Order{State: pay.Paid, Total: 9999, Merchant: "bakery", CreatedAt: hour, PaidAt: hour})
	sum := func(from, to time.Time) pay.HourFigures {
		t.Helper()
		s, err := f.Sum(t.Context(), shop, from, to)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	got := sum(hour, hour.Add(2*time.Hour))
	if got.Orders != 5 || got.Paid != 3 || got.Expired != 1 || got.Cancelled != 1 || got.Payments != 3 || got.Takings != 700 {
		t.Errorf("two hours: %+v", got)
	}
	if median, ok := got.MedianWait(); !ok || median != 9*time.Second {
		t.Errorf("the median is %v", median)
	}
	if got := sum(hour, hour.Add(90*time.Second)); got.Payments != 1 || got.Takings != 100 || got.Orders != 3 {
		t.Errorf("a minute and a half: %+v", got)
	}
	if got := sum(hour.Add(-time.Hour), hour); got.Orders != 0 || got.Payments != 0 {
		t.Errorf("the hour before: %+v", got)
	}
	// What is kept holds until there is news of it.
	late := paid(3*time.Minute, time.Second, 1000)
	if got := sum(hour, hour.Add(time.Hour)); got.Takings != 300 {
		t.Errorf("without news: %+v", got)
	}
	f.Changed(late)
	if got := sum(hour, hour.Add(time.Hour)); got.Takings != 1300 {
		t.Errorf("with news: %+v", got)
	}
	// Another server's doing is noticed in time.
	paid(4*time.Minute, time.Second, 10_000)
	w.ahead.Add(int64(time.Hour))
	if got := sum(hour, hour.Add(time.Hour)); got.Takings != 11_300 {
		t.Errorf("an hour later: %+v", got)
	}
	if _, err := f.Hours(t.Context(), shop, hour.AddDate(-1, 0, 0), hour); err != nil {
		t.Errorf("a year: %v", err)
	}
}

func TestRefundsAmongTheFigures(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := &pay.Figures{Store: w.Store, Now: w.Now}
	o := w.order(t)
	w.pays(t, o)
	eventually(t, "the order is paid", func() bool { return w.read(t, o.ID).State == pay.Paid })
	if err := w.RecordShown(t.Context(), o.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Refund(t.Context(), pay.NewRefund{Order: o.ID, Amount: 100}); err != nil {
		t.Fatal(err)
	}
	now := w.Now()
	sum, err := f.Sum(t.Context(), shop, now.Truncate(time.Hour).Add(-time.Hour), now.Truncate(time.Hour).Add(time.Hour))
	if err != nil || sum.Refunded != 100 || sum.Refunds != 1 || sum.Shown != 1 || sum.Orders != 1 || sum.Takings != o.Total {
		t.Errorf("%+v, %v", sum, err)
	}
}

func TestSearchOrders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	live := w.order(t)
	began := w.Now().Add(-48 * time.Hour).Truncate(time.Second)
	var all []pay.Order
	for i := range 7 {
		o := pay.Order{State: pay.Expired, Total: pay.Fen(100 + i%2), Reference: fmt.Sprint("table-", i), CreatedAt: began.Add(time.Duration(i/2) * time.Minute)}
		if i == 3 {
			o.State = pay.Paid
		}
		all = append(all, w.book(t, o))
	}
	w.book(t, pay.Order{State: pay.Paid, Total: 100, Reference: "table-3", Merchant: "bakery", CreatedAt: began})
	find := func(s pay.OrderSearch) (ids []string) {
		t.Helper()
		s.Merchant = shop
		if s.Limit == 0 {
			s.Limit = 10
		}
		for {
			list, next, err := w.SearchOrders(t.Context(), s)
			if err != nil || len(list) > s.Limit {
				t.Fatal(len(list), err)
			}
			for _, o := range list {
				ids = append(ids, string(o.ID))
			}
			if next.ID == "" {
				return ids
			}
			s.After = next
		}
	}
	ids := func(numbers ...int) (ids []string) {
		for _, n := range numbers {
			ids = append(ids, string(all[n].ID))
		}
		return ids
	}
	h, err := w.History(t.Context(), shop, live.ID)
	if err != nil || len(h.Attempts) != 1 {
		t.Fatal(h, err)
	}
	past := began.Add(time.Hour)
	for what, c := range map[string]struct {
		search pay.OrderSearch
		want   []string
	}{
		"all, in pages of two":  {pay.OrderSearch{To: past, Limit: 2}, ids(6, 5, 4, 3, 2, 1, 0)},
		"a state":               {pay.OrderSearch{State: pay.Paid}, ids(3)},
		"a span":                {pay.OrderSearch{From: began.Add(time.Minute), To: began.Add(2 * time.Minute)}, ids(3, 2)},
		"an id":                 {pay.OrderSearch{Text: string(all[5].ID)}, ids(5)},
		"a reference":           {pay.OrderSearch{Text: "table-3"}, ids(3)},
		"a payment":             {pay.OrderSearch{Text: all[3].TransactionID}, nil}, // of no attempt
		"an attempt":            {pay.OrderSearch{Text: h.Attempts[0].OutTradeNo}, []string{string(live.ID)}},
		"an amount, in pages":   {pay.OrderSearch{Total: 101, Limit: 1}, ids(5, 3, 1)},
		"a number or an amount": {pay.OrderSearch{Text: "table-4", Total: 101, Limit: 2}, ids(5, 4, 3, 1)},
		"nothing":               {pay.OrderSearch{Text: "table"}, nil},
	} {
		if got := find(c.search); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q; want %q", what, got, c.want)
		}
	}
	if _, err := w.History(t.Context(), "bakery", live.ID); pay.CodeOf(err) != pay.NotFound {
		t.Errorf("another shop's history: %v", err)
	}
}
