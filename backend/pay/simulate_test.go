package pay_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"saoma/backend/pay"
	"saoma/backend/store"
	"saoma/backend/wechat"
	"saoma/backend/wechatsim"
)

var (
	simSeed   = flag.Uint64("seed", 0, "seed of the simulation; 0: 1, 2, 3, …")
	simOrders = flag.Int("orders", simDefault, "orders in one simulation")
)

// TestSimulation lives through days of a shop in seconds: customers, faults of WeChat Pay, restarts and crashes of our
// process, and clocks that jump, all in virtual time and drawn from a seed. Then the books of both sides are held
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
		err := runSimulation(t, seed, *simOrders)
		if err == nil {
			continue
		}
		// A shorter history of the same seed is easier to read.
		n := *simOrders
		for half := n / 2; half > 0; half /= 2 {
			if e := runSimulation(t, seed, half); e != nil {
				n, err = half, e
			}
		}
		t.Errorf("make simulate SEED=%d ORDERS=%d fails:\n%v", seed, n, err)
	}
}

func runSimulation(t *testing.T, seed uint64, orders int) (err error) {
	t.Helper()
	merchant, e := simMerchant()
	if e != nil {
		t.Fatal(e)
	}
	t.Run(fmt.Sprintf("seed %d, %d orders", seed, orders), func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "saoma.db")
		synctest.Test(t, func(t *testing.T) {
			s, e := newSimulation(merchant, file, seed, orders)
			if e != nil {
				t.Fatal(e)
			}
			err = s.run()
		})
	})
	return err
}

// span is how long customers come: a simulated day for every 40 orders, at least one and at most three weeks.
func span(orders int) time.Duration { return time.Duration(min(1+orders/40, 21)) * 24 * time.Hour }

// calm is how long it takes until everything has come to rest: callbacks are repeated for 24 hours, refunds that
// WeChat Pay gave up are made again after one.
const calm = 3 * 24 * time.Hour

// A simulation is one run.
type simulation struct {
	seed     uint64
	orders   int
	file     string
	sim      *wechatsim.Server
	gateway  *wechat.Gateway
	accounts map[pay.MerchantID]wechat.Account
	now      atomic.Pointer[process] // nil while our process is down
	names    atomic.Int64
	lives    []*life
}

func newSimulation(m *wechatsim.Merchant, file string, seed uint64, orders int) (s *simulation, err error) {
	s = &simulation{seed: seed, orders: orders, file: file}
	s.sim, err = wechatsim.New(wechatsim.Options{Merchant: m, Transport: transport(http.HandlerFunc(s.callback))})
	if err != nil {
		return nil, err
	}
	private, err1 := wechat.ParsePrivateKey(m.PrivateKeyPEM)
	public, err2 := wechat.ParsePublicKey(m.PublicKeyPEM)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	s.accounts = map[pay.MerchantID]wechat.Account{shop: {
		APIURL: "http://wechat.test", AppID: m.AppID, MchID: m.MchID, Serial: m.Serial, PrivateKey: private,
		APIv3Key: m.APIv3Key, PublicKeyID: m.PublicKeyID, PublicKey: public,
		NotifyURL: "http://saoma.test/payment", RefundNotifyURL: "http://saoma.test/refund",
	}}
	s.gateway, err = wechat.New(s.accounts, wechat.Options{Transport: transport(s.sim)})
	return s, err
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
}

var errKilled = errors.New("the process was killed")

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
	err := p.books.Update(ctx, f)
	if p.killed.Load() {
		return errKilled // committed, and nobody hears of it
	}
	return err
}

// boot starts our program over the database.
func (s *simulation) boot(skew time.Duration) error {
	books, err := store.OpenSQLite(context.Background(), s.file)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	p := &process{books: books, stop: stop, skew: skew}
	a := s.accounts[shop]
	p.Cashier = &pay.Cashier{
		Store: p, Gateway: s.gateway, RefundGateway: s.gateway, BillGateway: s.gateway,
		Merchants: pay.Merchants{{ID: shop, Name: "街角咖啡", MchID: a.MchID, AppID: a.AppID, Late: pay.LateRefund}},
		Now:       func() time.Time { return time.Now().Add(p.skew) },
		NewName:   func() string { return fmt.Sprintf("TRADE%012d", s.names.Add(1)) },
		NewToken:  func() pay.Token { return pay.Token(fmt.Sprintf("token%012d", s.names.Add(1))) },
	}
	p.loops.Go(func() {
		for ctx.Err() == nil {
			_, _ = p.Sweep(ctx) // what went wrong is tried again
			select {
			case <-time.After(20 * time.Second): // the program looks more often; this is cheaper over days
			case <-ctx.Done():
			}
		}
	})
	s.now.Store(p)
	return nil
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
	if r.URL.Path == "/refund" {
		report, err := s.gateway.OpenRefund(shop, r.Header, body)
		if err == nil {
			_, err = p.SettleRefund(context.Background(), report)
		}
		return err
	}
	n, err := s.gateway.OpenPayment(shop, r.Header, body)
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
	ctx, stop := context.WithCancel(context.Background())
	var world, customers sync.WaitGroup
	var trouble error
	world.Go(func() { s.weather(ctx) })
	world.Go(func() { trouble = s.accidents(ctx) })
	for i := range s.orders {
		l := &life{simulation: s, number: i, rnd: rand.New(rand.NewPCG(s.seed, uint64(i)+1000))}
		s.lives = append(s.lives, l)
		customers.Go(l.live)
	}
	customers.Wait()
	stop()
	world.Wait()
	s.sim.SetFaults(wechatsim.Faults{})
	if trouble == nil {
		time.Sleep(calm)
		trouble = s.check()
	}
	return errors.Join(trouble, s.sim.Close(), s.kill())
}

// weather changes the faults of WeChat Pay now and then.
func (s *simulation) weather(ctx context.Context) {
	rnd := rand.New(rand.NewPCG(s.seed, 1))
	few := func() int { return max(0, rnd.IntN(9)-5) } // mostly none
	call := func() wechatsim.CallFaults {
		return wechatsim.CallFaults{
			TooMany: few(), Unavailable: few(), ErrorBefore: few(), ErrorAfter: few(), HangBefore: few(), HangAfter: few(),
			BadSignature: few(), ProbeSignature: few(), CustomerPays: few(),
		}
	}
	for ctx.Err() == nil {
		s.sim.SetFaults(wechatsim.Faults{
			Prepay: call(), Query: call(), Close: call(), Refund: call(), QueryRefund: call(), RefuseYoungClose: few(), PayLate: few(), Stale: few(),
			RefundOutcome: wechatsim.RefundFaults{NotEnough: few(), Closed: few()},
			Callback: wechatsim.CallbackFaults{
				Late: few(), LateSeconds: rnd.IntN(4000), Parallel: few(), Double: few(), Lose: few(), ProbeSignature: few(),
				BadSignature: few(), UnknownSerial: few(), OldTimestamp: few(), Truncated: few(), NoResource: few(),
				WrongNonce: few(), NoAssociatedData: few(), Reordered: few(), LowerCase: few(), WrongAmount: few(), OtherMerchant: few(),
			},
		})
		pause(ctx, time.Duration(rnd.IntN(3600))*time.Second)
	}
}

// accidents kills our process now and then, leaves it dead for a while, and starts it with a clock that is off.
func (s *simulation) accidents(ctx context.Context) error {
	rnd := rand.New(rand.NewPCG(s.seed, 2))
	for ctx.Err() == nil {
		pause(ctx, time.Duration(rnd.IntN(3*3600*1000))*time.Millisecond)
		if err := s.kill(); err != nil {
			return err
		}
		time.Sleep(time.Duration(rnd.IntN(600*1000)) * time.Millisecond)
		skew := time.Duration(0)
		if rnd.IntN(3) == 0 {
			skew = time.Duration(rnd.IntN(1200)-600) * time.Second
		}
		if err := s.boot(skew); err != nil {
			return err
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// A life is one order from the wish to whatever end.
type life struct {
	*simulation
	number int
	rnd    *rand.Rand
	id     pay.OrderID
}

func (l *life) name() string { return fmt.Sprint("life-", l.number) }

// try asks our program, again and again while it is down or in trouble, as shops and browsers do.
func try[T any](l *life, ask func(context.Context, *process) (T, error)) (out T, err error) {
	for range 200 {
		if p := l.now.Load(); p != nil {
			if out, err = ask(context.Background(), p); err == nil || pay.CodeOf(err) == pay.Conflict || pay.CodeOf(err) == pay.Invalid {
				return out, err
			}
		}
		time.Sleep(time.Duration(1+l.rnd.IntN(60)) * time.Second)
	}
	return out, err
}

func (l *life) live() {
	time.Sleep(time.Duration(l.rnd.Int64N(int64(span(l.orders)))))
	n := pay.NewOrder{
		Merchant: shop, Amount: pay.Fen(1 + l.rnd.IntN(5000)), Description: l.name(), Reference: l.name(),
		ExpiresIn: time.Duration(60+l.rnd.IntN(1800)) * time.Second, Once: pay.Once{Key: l.name(), Request: "order"},
	}
	o, err := try(l, func(ctx context.Context, p *process) (pay.Order, error) {
		o, err := p.CreateOrder(ctx, n)
		if o.ID != "" {
			l.id = o.ID
		}
		return o, err
	})
	if err != nil {
		return // the shop gave up; whatever it left must come to rest by itself
	}
	l.id = o.ID
	codes := []string{o.CodeURL}
	for range l.rnd.IntN(5) {
		time.Sleep(time.Duration(l.rnd.IntN(900)) * time.Second)
		switch l.rnd.IntN(6) {
		case 0, 1, 2: // any code that was ever on the screen
			_, _ = l.sim.Pay(codes[l.rnd.IntN(len(codes))], l.name())
		case 3:
			_, _ = try(l, func(ctx context.Context, p *process) (pay.Order, error) { return p.Cancel(ctx, l.id) })
		case 4:
			o, err := try(l, func(ctx context.Context, p *process) (pay.Order, error) { return p.Renew(ctx, l.id) })
			if err == nil {
				codes = append(codes, o.CodeURL)
			}
		}
	}
	l.refunds()
}

// refunds asks for parts of the money back, more than a minute apart.
func (l *life) refunds() {
	for i := range l.rnd.IntN(3) {
		n := pay.NewRefund{
			Order: l.id, Amount: pay.Fen(1 + l.rnd.IntN(3000)), Once: pay.Once{Key: fmt.Sprint(l.name(), "-refund-", i), Request: "refund"},
		}
		_, _ = try(l, func(ctx context.Context, p *process) (pay.Refund, error) { return p.Refund(ctx, n) })
		time.Sleep(time.Duration(61+l.rnd.IntN(7200)) * time.Second)
	}
}
