package pay_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"saoma/backend/pay"
	"saoma/backend/store"
	"saoma/backend/wechat"
	"saoma/backend/wechatsim"
)

// A mall is three merchants in one program: two of one service provider, whose keys they share, and a direct one.
type mall struct {
	*pay.Cashier
	gateway          *wechat.Gateway
	provider, direct *wechatsim.Server
	ids              []pay.MerchantID
	names            atomic.Int64
	misled           pay.MerchantID // gets all callbacks, if set
}

func newMall(t *testing.T, keys []*wechatsim.Merchant, file string) *mall {
	t.Helper()
	m := &mall{ids: []pay.MerchantID{"first", "second", "alone"}}
	provider, direct := *keys[0], *keys[1]
	subs := []wechatsim.SubMerchant{provider.RegisterSubMerchant("甲店"), provider.RegisterSubMerchant("乙店"), {}}
	var err1, err2 error
	notify := transport(http.HandlerFunc(m.callback))
	m.provider, err1 = wechatsim.New(wechatsim.Options{Merchant: &provider, Transport: notify})
	m.direct, err2 = wechatsim.New(wechatsim.Options{Merchant: &direct, Transport: notify})
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	var list []pay.Merchant
	accounts := make(map[pay.MerchantID]wechat.Account)
	for i, id := range m.ids {
		holder, host := &provider, "provider"
		if subs[i].MchID == "" {
			holder, host = &direct, "direct"
		}
		a, err := account(id, holder)
		if err != nil {
			t.Fatal(err)
		}
		a.APIURL, a.SubMchID = "http://"+host+".wechat.test", subs[i].MchID
		if i == 1 {
			a.SubAppID = subs[i].AppID
		}
		accounts[id] = a
		list = append(list, pay.Merchant{ID: id, Name: string(id), MchID: a.MchID, AppID: a.AppID, SubMchID: a.SubMchID,
			Channels: []pay.Channel{pay.JSAPI, pay.H5}})
	}
	api := transport(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		map[string]*wechatsim.Server{"provider.wechat.test": m.provider, "direct.wechat.test": m.direct}[r.Host].ServeHTTP(w, r)
	}))
	var err error
	if m.gateway, err = wechat.New(accounts, wechat.Options{Transport: api, TempDir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	books, err := store.OpenSQLite(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(m.provider.Close(), m.direct.Close(), books.Close()); err != nil {
			t.Error(err)
		}
	})
	m.Cashier = &pay.Cashier{
		Store: books, Gateway: m.gateway, RefundGateway: m.gateway, BillGateway: m.gateway, Merchants: pay.NewMerchants(list),
		Now:      time.Now,
		NewName:  func() string { return fmt.Sprintf("TRADE%08d", m.names.Add(1)) },
		NewToken: func() pay.Token { return pay.Token(fmt.Sprintf("token%08d", m.names.Add(1))) },
	}
	return m
}

// callback does what the server does with one, whose path is /MERCHANT/payment or /refund.
func (m *mall) callback(w http.ResponseWriter, r *http.Request) {
	part := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	id := pay.MerchantID(part[0])
	if m.misled != "" {
		id = m.misled
	}
	body, err := io.ReadAll(r.Body)
	if err == nil && part[1] == "payment" {
		var n pay.Notice
		if n, err = m.gateway.OpenPayment(id, r.Header, body); err == nil {
			_, err = m.Settle(r.Context(), n)
		}
	} else if err == nil {
		var report pay.RefundReport
		if report, err = m.gateway.OpenRefund(id, r.Header, body); err == nil {
			_, err = m.SettleRefund(r.Context(), report)
		}
	}
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (m *mall) sim(id pay.MerchantID) *wechatsim.Server {
	if id == "alone" {
		return m.direct
	}
	return m.provider
}

// sells makes an order and has it paid in a channel.
func (m *mall) sells(t *testing.T, id pay.MerchantID, ch pay.Channel, amount pay.Fen) pay.Order {
	t.Helper()
	n := pay.NewOrder{Merchant: id, Amount: amount, Description: "茶", Way: pay.Way{Channel: ch}}
	switch ch {
	case pay.JSAPI:
		n.Way.OpenID = m.openID(t, id)
	case pay.H5:
		n.Way.ClientIP = "203.0.113.9"
	}
	o, err := m.CreateOrder(t.Context(), n)
	if err != nil {
		t.Fatalf("%s by %s: %v", id, ch, err)
	}
	a, err := m.Open(t.Context(), o.ID)
	if err != nil {
		t.Fatal(err)
	}
	switch ch {
	case pay.Native:
		_, err = m.sim(id).Pay(o.CodeURL, "")
	case pay.H5:
		_, prepayID, _ := strings.Cut(a.PrepayResult, "prepay_id=")
		prepayID, _, _ = strings.Cut(prepayID, "&")
		_, err = m.sim(id).PayH5(prepayID, "")
	case pay.JSAPI:
		var call pay.BridgeCall
		if call, err = m.gateway.Bridge(id, a.PrepayResult); err == nil {
			_, err = m.sim(id).PayJSAPI(wechatsim.BridgeCall(call), "")
		}
	}
	if err != nil {
		t.Fatalf("%s by %s: %v", id, ch, err)
	}
	return o
}

// openID is that of the default payer under the appid whose pages the merchant's customers see.
func (m *mall) openID(t *testing.T, id pay.MerchantID) string {
	t.Helper()
	if id == "second" { // it has an appid of its own
		return m.provider.OpenIDOf(m.provider.Merchant().SubMerchants[1].AppID, "")
	}
	return m.sim(id).LogIn("")
}

func (m *mall) attempt(t *testing.T, o pay.Order) (a pay.Attempt) {
	t.Helper()
	err := m.Store.View(t.Context(), func(tx pay.Tx) (err error) {
		o, err = tx.Order(t.Context(), o.ID)
		if err == nil {
			a, err = tx.PaidAttempt(t.Context(), o.ID, o.TransactionID)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// inMall runs f in virtual time, from noon in Beijing.
func inMall(t *testing.T, f func(t *testing.T, m *mall)) {
	t.Parallel()
	keys, err := smallMerchants()
	if err != nil {
		t.Fatal(err)
	}
	file := t.TempDir() + "/saoma.db"
	synctest.Test(t, func(t *testing.T) {
		now := time.Now().In(beijing())
		time.Sleep(time.Date(now.Year(), now.Month(), now.Day()+1, 12, 0, 0, 0, now.Location()).Sub(now))
		f(t, newMall(t, keys, file))
	})
}

// Each is paid, refunded and reconciled for itself, in every channel, and nothing is mixed.
func TestMerchantsOfAProviderAreKeptApart(t *testing.T) {
	inMall(t, func(t *testing.T, m *mall) {
		day := time.Now().In(beijing()).Format(time.DateOnly)
		back := make(map[pay.MerchantID]pay.RefundID)
		for i, id := range m.ids {
			merchant, _ := m.Merchants.ByID(id)
			for j, ch := range []pay.Channel{pay.Native, pay.JSAPI, pay.H5} {
				o := m.sells(t, id, ch, pay.Fen(1000*(i+1)+j))
				synctest.Wait()
				a := m.attempt(t, o)
				if a.MchID != merchant.MchID || a.SubMchID != merchant.SubMchID || a.Merchant != id {
					t.Errorf("%s: the paid attempt is of %s, %s, %s", id, a.Merchant, a.MchID, a.SubMchID)
				}
				if ch != pay.Native {
					continue
				}
				r, err := m.Refund(t.Context(), pay.NewRefund{Order: o.ID, Amount: 300})
				if err != nil {
					t.Fatal(err)
				}
				back[id] = r.ID
			}
			left, err := m.CreateOrder(t.Context(), pay.NewOrder{Merchant: id, Amount: 5, Description: "left"})
			if err != nil {
				t.Fatal(err)
			}
			if left, err = m.Cancel(t.Context(), left.ID); err != nil || left.State != pay.Cancelled {
				t.Errorf("%s: cancelled: %s, %v", id, left.State, err)
			}
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		for id, r := range back {
			if got := m.refundOf(t, r); got.State != pay.RefundSucceeded || got.Merchant != id {
				t.Errorf("the refund of %s is %s of %s", id, got.State, got.Merchant)
			}
		}
		time.Sleep(24 * time.Hour)
		for i, id := range m.ids {
			report, err := m.Reconcile(t.Context(), id, day)
			if err != nil {
				t.Fatal(err)
			}
			if want := pay.Fen(3000*(i+1) + 3); report.Rows != 4 || report.Agreeing != 4 || report.Differing != 0 ||
				report.Payments != want || report.Refunds != 300 {
				t.Errorf("%s: %+v; want 4 rows that agree and %d fen", id, report, want)
			}
		}
	})
}

func (m *mall) refundOf(t *testing.T, id pay.RefundID) (r pay.Refund) {
	t.Helper()
	err := m.Store.View(t.Context(), func(tx pay.Tx) (err error) {
		r, err = tx.Refund(t.Context(), id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A callback that is genuine and of another merchant of the same provider settles nothing, and nor does one whose
// sub_mchid is another; the sweep finds the payment all the same.
func TestNoticeOfAnotherMerchantIsNotSettled(t *testing.T) {
	inMall(t, func(t *testing.T, m *mall) {
		m.misled = "second"
		misled := m.sells(t, "first", pay.Native, 1000)
		synctest.Wait()
		m.misled = ""
		m.provider.SetFaults(wechatsim.Faults{Callback: wechatsim.CallbackFaults{OtherMerchant: 1}})
		forged := m.sells(t, "first", pay.Native, 1000)
		synctest.Wait()
		for _, o := range []pay.Order{misled, forged} {
			if got := m.state(t, o); got != pay.Pending {
				t.Errorf("the order is %s after a notice of another merchant", got)
			}
		}
		time.Sleep(30 * time.Second)
		if _, err := m.Sweep(t.Context(), "first"); err != nil {
			t.Fatal(err)
		}
		for _, o := range []pay.Order{misled, forged} {
			if got := m.state(t, o); got != pay.Paid {
				t.Errorf("the order is %s after the sweep", got)
			}
		}
		if _, _, err := m.Verify(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func (m *mall) state(t *testing.T, o pay.Order) pay.State {
	t.Helper()
	err := m.Store.View(t.Context(), func(tx pay.Tx) (err error) {
		o, err = tx.Order(t.Context(), o.ID)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return o.State
}

// When the merchant has another account now, its running orders are left as they are, and WeChat Pay is not asked: the
// other account would not know them. They go on when the account is back.
func TestAccountThatChangedIsNotAsked(t *testing.T) {
	inMall(t, func(t *testing.T, m *mall) {
		m.provider.SetFaults(wechatsim.Faults{Callback: wechatsim.CallbackFaults{Lose: -1}})
		before := m.Merchants.All()
		paid := m.sells(t, "first", pay.Native, 1000)
		unpaid, err := m.CreateOrder(t.Context(), pay.NewOrder{Merchant: "first", Amount: 5, Description: "left"})
		if err != nil {
			t.Fatal(err)
		}
		settled := m.sells(t, "first", pay.Native, 2000)
		if _, err := m.Check(t.Context(), settled.ID); err != nil {
			t.Fatal(err)
		}
		after := m.Merchants.All()
		after[0].SubMchID = after[1].SubMchID
		m.Merchants.Replace(after)
		time.Sleep(time.Hour) // all have expired meanwhile
		if _, err := m.Sweep(t.Context(), "first"); pay.CodeOf(err) != pay.Unavailable {
			t.Errorf("the sweep says %v; want %s", err, pay.Unavailable)
		}
		if _, err := m.Refund(t.Context(), pay.NewRefund{Order: settled.ID, Amount: 1}); pay.CodeOf(err) != pay.Unavailable {
			t.Errorf("a refund: %v; want %s", err, pay.Unavailable)
		}
		if _, err := m.Cancel(t.Context(), unpaid.ID); pay.CodeOf(err) != pay.Unavailable {
			t.Errorf("cancel: %v; want %s", err, pay.Unavailable)
		}
		stranded, err := m.Stranded(t.Context())
		if err != nil || len(stranded) != 1 || stranded[0].Merchant != "first" || stranded[0].Count != 2 ||
			stranded[0].SubMchID != before[0].SubMchID {
			t.Errorf("stranded %+v, %v", stranded, err)
		}
		if p, u := m.state(t, paid), m.state(t, unpaid); p != pay.Pending || u != pay.Pending {
			t.Errorf("meanwhile they are %s and %s", p, u)
		}
		m.Merchants.Replace(before)
		time.Sleep(2 * time.Minute)
		if _, err := m.Sweep(t.Context(), "first"); err != nil {
			t.Fatal(err)
		}
		if p, u := m.state(t, paid), m.state(t, unpaid); p != pay.Paid || u != pay.Expired {
			t.Errorf("in the end they are %s and %s; want paid and expired", p, u)
		}
	})
}

// The sweep passes by a merchant that is not configured.
func TestSweepOfAMerchantThatLeft(t *testing.T) {
	inMall(t, func(t *testing.T, m *mall) {
		all := m.Merchants.All()
		for _, id := range m.ids {
			if _, err := m.CreateOrder(context.WithoutCancel(t.Context()), pay.NewOrder{Merchant: id, Amount: 5, Description: "left"}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		for n := range len(all) + 1 {
			m.Merchants.Replace(all[:n])
			due, err := m.Due(t.Context())
			if err != nil || len(due) != n {
				t.Errorf("of %d configured merchants %v are due, %v", n, due, err)
			}
			stranded, err := m.Stranded(t.Context())
			if err != nil || len(stranded) != len(all)-n {
				t.Errorf("with %d configured merchants %+v is stranded, %v", n, stranded, err)
			}
		}
	})
}
