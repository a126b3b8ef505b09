package pay_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"saoma/backend/pay"
	"saoma/backend/store"
	"saoma/backend/wechat"
	"saoma/backend/wechatsim"
)

const shop = pay.MerchantID("cafe")

// A world is the cashier with everything real around it: SQLite in a file, WeChat Pay's SDK, and the
// simulator behind HTTP, whose callbacks come back over HTTP. Only the cashier's clock can be moved.
type world struct {
	*pay.Cashier
	sim       *wechatsim.Server
	gateway   *wechat.Gateway
	accounts  map[pay.MerchantID]wechat.Account
	file      string
	ahead     atomic.Int64 // nanoseconds that the cashier's clock is ahead
	simAhead  atomic.Int64 // and WeChat Pay's: at most 5 minutes, or it refuses our requests
	late      pay.LatePolicy
	names     atomic.Int64
	mu        sync.Mutex
	committed []pay.Order
}

// simMerchant is made once: RSA keys take long under the race detector.
var simMerchant = sync.OnceValues(wechatsim.NewMerchant)

func newWorld(t *testing.T) *world {
	t.Helper()
	m, err := simMerchant()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{file: filepath.Join(t.TempDir(), "saoma.db")}
	if w.sim, err = wechatsim.New(wechatsim.Options{Merchant: m, Speed: 100, Now: func() time.Time {
		return time.Now().Add(time.Duration(w.simAhead.Load()))
	}}); err != nil {
		t.Fatal(err)
	}
	api := httptest.NewServer(w.sim)
	callbacks := httptest.NewServer(http.HandlerFunc(w.callback))
	t.Cleanup(func() {
		if err := w.sim.Close(); err != nil {
			t.Error(err)
		}
		callbacks.Close()
		api.Close()
	})
	private, err1 := wechat.ParsePrivateKey(m.PrivateKeyPEM)
	public, err2 := wechat.ParsePublicKey(m.PublicKeyPEM)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	w.accounts = map[pay.MerchantID]wechat.Account{shop: {
		APIURL: api.URL, AppID: m.AppID, MchID: m.MchID, Serial: m.Serial, PrivateKey: private,
		APIv3Key: m.APIv3Key, PublicKeyID: m.PublicKeyID, PublicKey: public, NotifyURL: callbacks.URL + "/payment",
		RefundNotifyURL: callbacks.URL + "/refund",
	}}
	w.start(t)
	return w
}

// start makes a cashier over the world's database, as the program does when it starts.
func (w *world) start(t *testing.T) {
	t.Helper()
	var err error
	if w.gateway, err = wechat.New(w.accounts, wechat.Options{}); err != nil {
		t.Fatal(err)
	}
	books, err := store.OpenSQLite(t.Context(), w.file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := books.Close(); err != nil {
			t.Error(err)
		}
	})
	err = books.Update(t.Context(), func(tx pay.Tx) error {
		for sku, price := range map[string]pay.Fen{"latte": 2800, "cake": 1800, "yacht": pay.TotalMax} {
			p := pay.Product{Merchant: shop, SKU: sku, Name: "拿铁" + sku, Price: price}
			if err := tx.PutProduct(t.Context(), p); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	a := w.accounts[shop]
	w.Cashier = &pay.Cashier{
		Store: books, Gateway: w.gateway, RefundGateway: w.gateway, BillGateway: w.gateway,
		Merchants: pay.NewMerchants([]pay.Merchant{{
			ID: shop, Name: "街角咖啡", MchID: a.MchID, AppID: a.AppID, Origins: []string{"https://shop.example"}, Late: w.late,
			Channels: []pay.Channel{pay.JSAPI, pay.H5},
		}}),
		Now:      func() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) },
		NewName:  func() string { return fmt.Sprintf("TRADE%08d", w.names.Add(1)) },
		NewToken: func() pay.Token { return pay.Token(fmt.Sprintf("token%08d", w.names.Add(1))) },
		Committed: func(o pay.Order, _ pay.Kind) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.committed = append(w.committed, o)
		},
	}
}

// callback does what the server does with one.
func (w *world) callback(rw http.ResponseWriter, r *http.Request) {
	status := http.StatusNoContent
	if err := w.take(r); err != nil {
		status = http.StatusInternalServerError
	}
	rw.WriteHeader(status)
}

func (w *world) take(r *http.Request) error {
	ctx := context.WithoutCancel(r.Context())
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	if r.URL.Path == "/refund" {
		report, err := w.gateway.OpenRefund(shop, r.Header, body)
		if err == nil {
			_, err = w.SettleRefund(ctx, report)
		}
		return err
	}
	n, err := w.gateway.OpenPayment(shop, r.Header, body)
	if err == nil {
		_, err = w.Settle(ctx, n)
	}
	return err
}

// forward moves the cashier's clock.
func (w *world) forward(d time.Duration) { w.ahead.Add(int64(d)) }

// order makes an order of a latte that is waiting to be scanned.
func (w *world) order(t *testing.T) pay.Order {
	t.Helper()
	o, err := w.CreateOrder(t.Context(), pay.NewOrder{Merchant: shop, Lines: []pay.Line{{SKU: "latte", Quantity: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// read returns the order as the books have it.
func (w *world) read(t *testing.T, id pay.OrderID) (o pay.Order) {
	t.Helper()
	err := w.Store.View(t.Context(), func(tx pay.Tx) (err error) {
		o, err = tx.Order(t.Context(), id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// kinds returns what happened to an order.
func (w *world) kinds(t *testing.T, id pay.OrderID) (kinds []pay.Kind) {
	t.Helper()
	err := w.Store.View(t.Context(), func(tx pay.Tx) error {
		events, err := tx.Events(t.Context(), id)
		for _, e := range events {
			kinds = append(kinds, e.Kind)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return kinds
}

// sweep sweeps once. Errors of single attempts are for the log; here they are shown.
func (w *world) sweep(t *testing.T) int {
	t.Helper()
	n, err := w.Sweep(t.Context(), shop)
	if err != nil {
		t.Log("sweep:", err)
	}
	return n
}

func (w *world) wantState(t *testing.T, id pay.OrderID, want pay.State) pay.Order {
	t.Helper()
	o := w.read(t, id)
	if o.State != want {
		t.Fatalf("the order is %s; want %s; events %v", o.State, want, w.kinds(t, id))
	}
	return o
}

// eventually waits for a condition that other goroutines bring about.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-deadline:
			t.Fatalf("never came true: %s", what)
		case <-tick.C:
		}
	}
}

// pays lets the customer pay the code of an order.
func (w *world) pays(t *testing.T, o pay.Order) {
	t.Helper()
	if _, err := w.sim.Pay(o.CodeURL, ""); err != nil {
		t.Fatal(err)
	}
}

// trade returns WeChat Pay's own view of the newest trade.
func (w *world) trade() wechatsim.Trade { return w.sim.Trades()[0] }

// notice is what a well-behaved WeChat Pay would say of the newest trade.
func (w *world) notice() pay.Notice {
	a, t := w.accounts[shop], w.trade()
	return pay.Notice{
		Merchant: shop, Source: pay.FromCallback, MchID: a.MchID, AppID: a.AppID, OutTradeNo: t.OutTradeNo,
		TransactionID: "4200000000202611230000000001", Total: pay.Fen(t.Total), Currency: pay.Currency, PaidAt: time.Now(),
	}
}
