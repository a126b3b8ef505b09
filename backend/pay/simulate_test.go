//go:debug rsa1024min=0

package pay_test

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"saoma/backend/pay"
	"saoma/backend/store"
	"saoma/backend/webhook"
	"saoma/backend/wechat"
	"saoma/backend/wechatsim"
)

var (
	simSeed   = flag.Uint64("seed", 0, "seed of the simulation; 0: 1, 2, 3, …")
	simOrders = flag.Int("orders", simDefault, "orders in one simulation")
)

// TestSimulation lives through weeks of some shops in seconds: customers, faults of WeChat Pay, restarts and crashes of
// our process, and clocks that jump, all in virtual time and drawn from a seed. Then the books of both sides are held
// against each other. make simulate SEED=… ORDERS=… runs a chosen one.
func TestSimulation(t *testing.T) {
	var seeds []uint64
	for seed := range uint64(simSeeds) {
		seeds = append(seeds, seed+1)
	}
	if *simSeed != 0 {
		seeds = []uint64{*simSeed}
	}
	for _, seed := range seeds {
		err := runSimulation(t, inMemory(t), seed, *simOrders)
		if err == nil {
			continue
		}
		// A shorter history of the same seed is easier to read.
		n := *simOrders
		for half := n / 2; half > 0; half /= 2 {
			if e := runSimulation(t, inMemory(t), seed, half); e != nil {
				n, err = half, e
			}
		}
		t.Errorf("make simulate SEED=%d ORDERS=%d fails:\n%v", seed, n, err)
	}
}

// runSimulation lives one history over the empty database at the address.
func runSimulation(t *testing.T, address string, seed uint64, orders int) (err error) {
	t.Helper()
	merchants, e := smallMerchants()
	if e != nil {
		t.Fatal(e)
	}
	t.Run(fmt.Sprintf("seed %d, %d orders", seed, orders), func(t *testing.T) {
		temp := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			s, e := newSimulation(merchants, address, temp, seed, orders)
			if e != nil {
				t.Fatal(e)
			}
			err = s.run()
		})
	})
	return err
}

// smallMerchants hold the smallest keys that can sign at all, which the directive above allows: signatures would be
// most of what a long simulation takes. These keys protect nothing.
var smallMerchants = sync.OnceValues(func() (list []*wechatsim.Merchant, err error) {
	for range simShops() {
		m, e := wechatsim.NewMerchantOf(512)
		list, err = append(list, m), errors.Join(err, e)
	}
	return list, err
})

// inMemory names a SQLite database in memory where there is such a thing. What survives the loss of power is the crash test's
// matter; here the process dies and the machine lives, and a million syncs of a disk take longer than all the rest.
func inMemory(t *testing.T) (address string) {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "saoma-simulation-")
	if err != nil {
		return "sqlite:" + filepath.Join(t.TempDir(), "saoma.db")
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return "sqlite:" + filepath.Join(dir, "saoma.db")
}

// simShops are the merchants that live in the simulation.
func simShops() []pay.Merchant {
	return []pay.Merchant{
		{ID: "cafe", Name: "街角咖啡", Late: pay.LateRefund},
		{ID: "bakery", Name: "麦田面包", Late: pay.LateAccept},
		{ID: "noodles", Name: "老王面馆", Late: pay.LateAccept},
	}
}

// span is how long customers come: a simulated day for every 40 orders, at least one and at most three weeks.
func span(orders int) time.Duration { return time.Duration(min(1+orders/40, 21)) * 24 * time.Hour }

// calm is how long it takes until everything has come to rest: callbacks are repeated for 24 hours, refunds that
// WeChat Pay gave up are made again after one.
const calm = 3 * 24 * time.Hour

// A simulation is one run.
type simulation struct {
	seed      uint64
	orders    int
	address   string // of the database
	merchants []pay.Merchant
	sims      map[pay.MerchantID]*wechatsim.Server // each has a WeChat Pay of its own, with its own bad days
	gateway   *wechat.Gateway
	now       atomic.Pointer[process] // nil while our process is down
	names     atomic.Int64
	began     time.Time
	shelves   map[pay.MerchantID]*shelf
	hooks     map[pay.MerchantID]*hookShop
	sender    *webhook.Sender
	told      tellings
}

func newSimulation(hold []*wechatsim.Merchant, address, temp string, seed uint64, orders int) (s *simulation, err error) {
	s = &simulation{
		seed: seed, orders: orders, address: address, merchants: simShops(), sims: map[pay.MerchantID]*wechatsim.Server{},
		began: time.Now(), shelves: map[pay.MerchantID]*shelf{},
	}
	accounts := make(map[pay.MerchantID]wechat.Account)
	hosts := make(map[string]http.Handler)
	for i := range s.merchants {
		m, held := &s.merchants[i], hold[i]
		m.Channels = []pay.Channel{pay.H5}
		m.MchID, m.AppID = held.MchID, held.AppID
		sim, err := wechatsim.New(wechatsim.Options{Merchant: held, Transport: transport(http.HandlerFunc(s.callback))})
		if err != nil {
			return nil, err
		}
		s.sims[m.ID], hosts[string(m.ID)+".wechat.test"] = sim, sim
		if accounts[m.ID], err = account(m.ID, held); err != nil {
			return nil, err
		}
	}
	if err := s.openHooks(); err != nil {
		return nil, err
	}
	route := func(w http.ResponseWriter, r *http.Request) { hosts[r.Host].ServeHTTP(w, r) }
	s.gateway, err = wechat.New(accounts, wechat.Options{Transport: transport(http.HandlerFunc(route)), TempDir: temp})
	return s, err
}

func account(id pay.MerchantID, m *wechatsim.Merchant) (wechat.Account, error) {
	privateDER, _ := pem.Decode(m.PrivateKeyPEM)
	publicDER, _ := pem.Decode(m.PublicKeyPEM)
	private, err1 := x509.ParsePKCS8PrivateKey(privateDER.Bytes)
	public, err2 := x509.ParsePKIXPublicKey(publicDER.Bytes)
	if err := errors.Join(err1, err2); err != nil {
		return wechat.Account{}, err
	}
	at := "http://saoma.test/" + string(id)
	return wechat.Account{
		APIURL: "http://" + string(id) + ".wechat.test", AppID: m.AppID, MchID: m.MchID, Serial: m.Serial,
		PrivateKey: private.(*rsa.PrivateKey), PublicKey: public.(*rsa.PublicKey),
		APIv3Key: m.APIv3Key, PublicKeyID: m.PublicKeyID, NotifyURL: at + "/payment", RefundNotifyURL: at + "/refund",
	}, nil
}

// transport carries requests to a handler without a network, so that virtual time can pass. A handler that panics
// with http.ErrAbortHandler refuses the connection.
func transport(h http.Handler) http.RoundTripper { return carrier{h} }

type carrier struct{ http.Handler }

func (c carrier) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	if in.Body == nil {
		in.Body = http.NoBody
	}
	rec, refused := httptest.NewRecorder(), false
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { refused = recover() != nil }()
		c.ServeHTTP(rec, in)
	}()
	select {
	case <-done:
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	if refused {
		return nil, errors.New("connection refused")
	}
	return rec.Result(), nil
}

// A process is one life of our program. When it is killed, whatever it does no longer reaches the books, and nothing
// it hears from them reaches anybody: a kill between any commit and what comes after it.
type process struct {
	*pay.Cashier
	books  *store.Store
	killed atomic.Bool
	stop   context.CancelFunc
	loops  sync.WaitGroup
	skew   time.Duration // how far its clock is off

	changes atomic.Int64
	undoes  bool // some changes, which are then made again, as those are that stand beside a failing one
}

var (
	errKilled = errors.New("the process was killed")
	errUndone = errors.New("another's change failed")
)

// A blindTx cannot read attempts, as when another server's change is met just there.
type blindTx struct{ pay.Tx }

func (blindTx) Attempt(context.Context, string) (pay.Attempt, error) { return pay.Attempt{}, errUndone }

func (p *process) View(ctx context.Context, f func(pay.Tx) error) error {
	if p.killed.Load() {
		return errKilled
	}
	return p.books.View(ctx, f)
}

func (p *process) Update(ctx context.Context, f func(pay.Tx) error) error {
	if p.killed.Load() {
		return errKilled
	}
	if n := p.changes.Add(1); p.undoes && n%4 == 0 {
		_ = p.books.Update(ctx, func(tx pay.Tx) error {
			if n%8 == 0 {
				tx = blindTx{tx}
			}
			return errors.Join(f(tx), errUndone)
		})
	}
	err := p.books.Update(ctx, f)
	if p.killed.Load() {
		return errKilled // committed, and nobody hears of it
	}
	return err
}

// open opens the database for our program, which does nothing by itself yet.
func (s *simulation) open(skew time.Duration) (*process, error) {
	books, err := store.Open(context.Background(), s.address)
	if err != nil {
		return nil, err
	}
	p := &process{books: books, skew: skew, stop: func() {}, undoes: true}
	p.Cashier = &pay.Cashier{
		Store: p, Gateway: s.gateway, RefundGateway: s.gateway, BillGateway: s.gateway, Merchants: pay.NewMerchants(s.merchants),
		Now:           func() time.Time { return time.Now().Add(p.skew) },
		NewName:       func() string { return fmt.Sprintf("TRADE%012d", s.names.Add(1)) },
		RenderWebhook: renderHook, WebhookGateway: s.sender,
		NewToken: func() pay.Token { return pay.Token(fmt.Sprintf("token%012d", s.names.Add(1))) },
	}
	p.Committed = func(o pay.Order, k pay.Kind) { s.told.compare(p, o, k) }
	s.now.Store(p)
	return p, nil
}

// boot starts our program over the database.
func (s *simulation) boot(skew time.Duration) error {
	p, err := s.open(skew)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	p.stop = stop
	// The program looks more often; this is cheaper over weeks, and over a socket. What goes wrong is tried again.
	look := 20 * time.Second
	if strings.HasPrefix(s.address, "postgres:") {
		look = 2 * time.Minute
	}
	p.every(ctx, look, func() {
		due, _ := p.Due(ctx)
		for _, m := range due {
			_, _ = p.Sweep(ctx, m)
		}
	})
	var posting sync.Map
	p.every(ctx, look, func() { p.deliver(ctx, &posting) })
	p.every(ctx, 30*time.Minute, func() {
		_, _ = p.SealDays(ctx)
		_ = p.ForgetKeys(ctx)
		for _, m := range s.merchants {
			days, _ := p.DueReconciliations(ctx, m.ID)
			for _, day := range days {
				_, _ = p.Reconcile(ctx, m.ID, day)
			}
		}
	})
	return nil
}

// every does something again and again for as long as the process lives.
func (p *process) every(ctx context.Context, pause time.Duration, do func()) {
	p.loops.Go(func() {
		for ctx.Err() == nil {
			do()
			select {
			case <-time.After(pause):
			case <-ctx.Done():
			}
		}
	})
}

// kill ends our program without warning.
func (s *simulation) kill() error {
	p := s.now.Swap(nil)
	p.killed.Store(true)
	p.stop()
	p.loops.Wait()
	return p.books.Close()
}

// callback is our program's side of the callbacks.
func (s *simulation) callback(w http.ResponseWriter, r *http.Request) {
	p := s.now.Load()
	if p == nil {
		panic(http.ErrAbortHandler)
	}
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = s.take(p, r, body)
	}
	switch {
	case p.killed.Load():
		panic(http.ErrAbortHandler)
	case err != nil:
		w.WriteHeader(http.StatusInternalServerError)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

func (s *simulation) take(p *process, r *http.Request, body []byte) error {
	merchant, what, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	m := pay.MerchantID(merchant)
	if what == "refund" {
		report, err := s.gateway.OpenRefund(m, r.Header, body)
		if err == nil {
			_, err = p.SettleRefund(context.Background(), report)
		}
		return err
	}
	n, err := s.gateway.OpenPayment(m, r.Header, body)
	if err == nil {
		_, err = p.Settle(context.Background(), n)
	}
	return err
}

// run lets everything happen and come to rest, and then checks the books.
func (s *simulation) run() (err error) {
	if err := s.boot(0); err != nil {
		return err
	}
	if err := s.openShops(); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	var world, customers sync.WaitGroup
	var trouble error
	for i, m := range s.merchants {
		world.Go(func() { s.weather(ctx, s.sims[m.ID], rand.New(rand.NewPCG(s.seed, uint64(i)+10))) })
	}
	for i, m := range s.merchants {
		world.Go(func() { s.stockkeeper(ctx, m.ID, rand.New(rand.NewPCG(s.seed, uint64(i)+20))) })
	}
	for i, m := range s.merchants {
		world.Go(func() { s.hooks[m.ID].moods(ctx, rand.New(rand.NewPCG(s.seed, uint64(i)+30))) })
	}
	world.Go(func() { trouble = s.accidents(ctx) })
	for i := range s.orders {
		l := &life{simulation: s, number: i, rnd: rand.New(rand.NewPCG(s.seed, uint64(i)+1000))}
		l.shop = s.merchants[l.rnd.IntN(len(s.merchants))].ID
		customers.Go(l.live)
	}
	customers.Wait()
	stop()
	world.Wait()
	for _, sim := range s.sims {
		sim.SetFaults(wechatsim.Faults{})
	}
	for _, h := range s.hooks {
		h.feel(hookMood{})
	}
	// Somebody sets the clock right.
	if trouble = errors.Join(trouble, s.kill(), s.boot(0)); trouble == nil {
		time.Sleep(calm)
		trouble = s.check()
	}
	for _, sim := range s.sims {
		trouble = errors.Join(trouble, sim.Close())
	}
	return errors.Join(trouble, s.kill())
}
