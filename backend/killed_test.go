package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"saoma/backend/pay"
	"saoma/backend/store"
	"saoma/backend/wechatsim"
)

// TestKilledAtAnyMoment kills the program by SIGKILL again and again while shops sell and customers pay, and holds
// what each kill leaves on the disk against all that was promised and against WeChat Pay's own books.
//
// SAOMA_CRASHES=200 is the long form. SAOMA_SEED repeats the random choices of a run; what the scheduler and the disk
// do in between cannot be repeated. A kill takes the process and not the machine: what the kernel was given is on the
// disk. That a commit is synced before it is answered is tested in package store.
func TestKilledAtAnyMoment(t *testing.T) {
	t.Parallel()
	crashes := numberFrom(t, "SAOMA_CRASHES", 10)
	seed := numberFrom(t, "SAOMA_SEED", rand.Uint64())
	t.Logf("SAOMA_SEED=%d SAOMA_CRASHES=%d", seed, crashes)
	s := newSiege(t)
	ctx, stop := context.WithCancel(t.Context())
	var shops sync.WaitGroup
	defer func() { stop(); shops.Wait() }()
	for i := range uint64(6) {
		shops.Go(func() { s.shop(ctx, fmt.Sprintf("shop%d", i), rand.New(rand.NewPCG(seed, i))) })
	}
	r := rand.New(rand.NewPCG(seed, 1<<32))
	for n := range crashes {
		s.sim.SetFaults(badDay(r))
		s.start()
		if n > 0 && r.IntN(5) > 0 { // else it dies while it starts; the first time, while it makes its database
			before := s.promised.count()
			eventually(t, "the program promises something", func() bool { return s.promised.count() > before })
		}
		<-time.After(time.Duration(r.IntN(250)) * time.Millisecond)
		s.kill()
		s.auditCrash()
	}
	stop()
	shops.Wait()
	s.comeToRest()
	t.Logf("%d promises were kept", s.promised.count())
}

func numberFrom(t *testing.T, variable string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", variable, err)
	}
	return n
}

// badDay is what goes wrong at WeChat Pay during one life of the program.
func badDay(r *rand.Rand) wechatsim.Faults {
	some := func() int { return r.IntN(3) }
	return wechatsim.Faults{
		Prepay: wechatsim.CallFaults{
			ErrorBefore: some(), ErrorAfter: some(), HangAfter: r.IntN(2), CustomerPays: some(),
		},
		Query:       wechatsim.CallFaults{ErrorBefore: some(), CustomerPays: some()},
		Close:       wechatsim.CallFaults{ErrorAfter: some(), CustomerPays: some()},
		Refund:      wechatsim.CallFaults{ErrorBefore: some(), ErrorAfter: some(), HangAfter: r.IntN(2)},
		QueryRefund: wechatsim.CallFaults{ErrorBefore: some()},
		Callback: wechatsim.CallbackFaults{
			Double: some(), Parallel: some(), Lose: some(), BadSignature: some(), Truncated: some(),
		},
		Stale: some(),
	}
}

// A siege is the program as a process of its own, and all who deal with it.
type siege struct {
	world   // its sim, url, data and secretKey; its clock is that of the last life, which is in this process
	t       *testing.T
	program string
	process *exec.Cmd
	client  *http.Client

	promised promises
	asked    sync.Map // a request by its Idempotency-Key, to be repeated in the end
}

// A request is a POST. Its key, if it has one, is the reference in its body too.
type request struct{ path, key, body string }

func newSiege(t *testing.T) *siege {
	t.Helper()
	folder := dataFolder(t)
	s := &siege{
		t: t, program: buildProgram(t),
		client: &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 16}},
	}
	t.Cleanup(func() {
		if said := s.log.String(); t.Failed() || strings.Contains(said, "panic") {
			t.Errorf("the program said, in the end:\n%s", said[max(0, len(said)-20_000):])
		}
	})
	// Resends after 15 ms, 15 ms, 30 ms, 0.2 s, 0.6 s, 1.2 s, …; refunds take 2 ms.
	s.demo = configured(t, folder, steadyAddress(t), wechatsim.Options{Speed: 1000}).demo
	return s
}

// buildProgram makes the program as it is installed.
func buildProgram(t *testing.T) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "saoma")
	// With the flags of make check, so that the packages are in the build's cache.
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", file, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return file
}

// steadyAddress finds an address that nobody takes while the program is dead: its port is below those that the kernel
// gives to whoever asks for any.
func steadyAddress(t *testing.T) string {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 12_000+rand.IntN(18_000)))
		if err != nil {
			continue // taken
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return l.Addr().String()
	}
	t.Fatal("no port is free")
	return ""
}

func (s *siege) start(flags ...string) {
	s.t.Helper()
	s.process = exec.CommandContext(s.t.Context(), s.program, append(flags, "-config", filepath.Join(s.data, "saoma.toml"))...)
	s.process.Stderr = &s.log
	if err := s.process.Start(); err != nil {
		s.t.Fatal(err)
	}
}

func (s *siege) kill() {
	s.t.Helper()
	killErr := s.process.Process.Kill()
	err := s.process.Wait()
	state, ok := s.process.ProcessState.Sys().(syscall.WaitStatus)
	if killErr != nil || !ok || !state.Signaled() || state.Signal() != syscall.SIGKILL {
		s.t.Fatalf("the program ended by itself: %v, %v", err, killErr)
	}
}

// auditCrash looks at a copy of what the dead program left: the next start shall find it as it was left.
func (s *siege) auditCrash() {
	t := s.t
	t.Helper()
	folder := t.TempDir()
	file := filepath.Join(folder, "saoma.db")
	for _, part := range []string{"", "-wal"} {
		content, err := os.ReadFile(s.database() + part)
		if errors.Is(err, fs.ErrNotExist) {
			continue // it did not come to that
		}
		if err := errors.Join(err, os.WriteFile(file+part, content, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	books, err := store.OpenSQLite(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = (&pay.Cashier{Store: books}).Verify(t.Context())
	if err := errors.Join(err, books.Close()); err != nil {
		t.Error(err)
	}
	for _, b := range breaches(t, file, s.sim, &s.promised, "always.sql") {
		t.Error(b)
	}
	if err := os.RemoveAll(folder); err != nil { // some hundred copies would be too many
		t.Error(err)
	}
}

// comeToRest is the last life, without kills and faults. It is in this process, for its clock to be moved: a kill may
// leave what nobody looks at before a lease has run out.
func (s *siege) comeToRest() {
	t := s.t
	t.Helper()
	s.sim.SetFaults(wechatsim.Faults{})
	l, err := net.Listen("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	s.serve(t, l, nil)
	s.forward(pay.SweepLease + pay.PrepaySettle)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s.asked.Range(func(_, q any) bool {
		s.repeat(ctx, q.(request))
		return !t.Failed()
	})
	s.forward(time.Hour) // what nobody paid expires
	var bad []string
	for tries := 0; tries == 0 || len(bad) > 0 && tries < 100; tries++ {
		<-time.After(200 * time.Millisecond)
		bad = breaches(t, s.database(), s.sim, &s.promised, "at_rest.sql")
	}
	for _, b := range bad {
		t.Error(b)
	}
	s.wantLaws(t, &s.promised)
}

// repeat sends a request again, with its key. Whatever was promised for the key stands.
func (s *siege) repeat(ctx context.Context, q request) {
	if q.path == "/v1/orders" {
		if _, ok := s.order(ctx, q); !ok {
			s.t.Errorf("order %s was never made", q.key)
		}
		return
	}
	if _, ok := s.refund(ctx, q); !ok && s.promised.id("refund", q.key) != "" {
		s.t.Errorf("refund %s was promised and is refused", q.key)
	}
}

// A shop sells until ctx ends.
func (s *siege) shop(ctx context.Context, name string, r *rand.Rand) {
	var later request // a refund for which it is too early yet
	var due time.Time
	for n := 0; ctx.Err() == nil; n++ {
		key := fmt.Sprintf("%s-%d", name, n)
		if later.path != "" && time.Now().After(due) {
			s.refund(ctx, later)
			later.path = ""
		}
		// An order that a kill left without its code has to wait for the sweep; others are served meanwhile.
		patience, cancel := context.WithTimeout(ctx, time.Second)
		if q := s.serveOne(patience, key, r); later.path == "" && q.path != "" {
			later, due = q, time.Now().Add(pay.RefundEvery+time.Second)
		}
		cancel()
	}
}

// serveOne sells to one customer. Every other order that is paid goes back, in part or whole. If there is something
// left to go back it returns the request, for when a minute has passed.
func (s *siege) serveOne(ctx context.Context, key string, r *rand.Rand) (later request) {
	amount := 2 + r.Int64N(100_00)
	o, ok := s.sell(ctx, key, amount, r.IntN(4) == 0)
	if !ok || !s.meet(ctx, r, o) || r.IntN(2) == 0 {
		return request{}
	}
	some := amount
	if r.IntN(2) == 0 {
		some = 1 + r.Int64N(amount-1)
	}
	refund := func(key string, amount int64) request {
		return request{"/v1/orders/" + o.ID + "/refunds", key, fmt.Sprintf(`{"amount":%d,"reference":%q}`, amount, key)}
	}
	q := refund(key+"-back", some)
	s.asked.Store(q.key, q)
	id, ok := s.refund(ctx, q)
	if !ok || some == amount {
		return request{}
	}
	if _, ok := s.refund(ctx, refund(key+"-soon", 1)); ok {
		s.t.Errorf("%s was refunded twice within a minute", o.ID)
	}
	// WeChat Pay counts the minute from when it took the first, which after a kill is later.
	if !s.becomes(ctx, "/v1/refunds/"+id, "succeeded") {
		return request{}
	}
	return refund(key+"-later", 1)
}

// sell makes an order, by two requests at once if it is to be so.
func (s *siege) sell(ctx context.Context, key string, amount int64, twice bool) (order, bool) {
	q := request{"/v1/orders", key, fmt.Sprintf(`{"amount":%d,"description":"tea","reference":%q}`, amount, key)}
	s.asked.Store(key, q)
	var twin sync.WaitGroup
	defer twin.Wait()
	if twice {
		twin.Go(func() { s.order(ctx, q) })
	}
	return s.order(ctx, q)
}

// meet lets a customer do something about an order and reports whether it looks paid.
func (s *siege) meet(ctx context.Context, r *rand.Rand, o order) bool {
	var payment sync.WaitGroup
	defer payment.Wait()
	switch n := r.IntN(10); {
	case n < 6:
		s.pay(o.CodeURL)
	case n < 7:
		return s.cancel(ctx, o.ID)
	case n < 8: // who is faster?
		payment.Go(func() { s.pay(o.CodeURL) })
		return s.cancel(ctx, o.ID)
	case n < 9: // likewise, and the new code is paid too
		payment.Go(func() { s.pay(o.CodeURL) })
		if a, ok := s.ask(ctx, request{path: "/v1/checkouts/" + o.Token + "/renew"}); ok && a.status == http.StatusOK {
			var fresh order
			if err := json.Unmarshal(a.body, &fresh); err != nil {
				s.t.Error(err)
			}
			s.pay(fresh.CodeURL)
		}
	default:
		return false // left to expire
	}
	return s.becomes(ctx, "/v1/orders/"+o.ID, "paid")
}

// pay lets a customer pay, who may find the code dead, the order closed, or somebody else faster.
func (s *siege) pay(codeURL string) {
	_, err := s.sim.Pay(codeURL, "")
	if _, ok := errors.AsType[*wechatsim.PayError](err); err != nil && !ok {
		s.t.Error(err)
	}
}

func (s *siege) order(ctx context.Context, q request) (o order, ok bool) {
	a, ok := s.ask(ctx, q)
	if !ok {
		return o, false
	}
	if a.status != http.StatusCreated || json.Unmarshal(a.body, &o) != nil {
		s.t.Errorf("order %s: %d %s", q.key, a.status, a.body)
		return o, false
	}
	s.promised.keep(s.t, "order", q.key, o.ID)
	return o, true
}

// refund asks for money back. It may be refused: the order is not paid, or it is too early for another refund.
func (s *siege) refund(ctx context.Context, q request) (id string, ok bool) {
	a, ok := s.ask(ctx, q)
	if !ok || a.status == http.StatusConflict {
		return "", false
	}
	var x refund
	if a.status != http.StatusCreated || json.Unmarshal(a.body, &x) != nil {
		s.t.Errorf("refund %s: %d %s", q.key, a.status, a.body)
		return "", false
	}
	s.promised.keep(s.t, "refund", q.key, x.ID)
	return x.ID, true
}

func (s *siege) cancel(ctx context.Context, id string) (paid bool) {
	a, ok := s.ask(ctx, request{path: "/v1/orders/" + id + "/cancel"})
	switch {
	case !ok:
	case a.status == http.StatusOK && strings.Contains(string(a.body), `"status":"cancelled"`):
		s.promised.keep(s.t, "cancelled", id, id)
	case a.status == http.StatusConflict:
		return true // the customer was faster
	default:
		s.t.Errorf("cancel %s: %d %s", id, a.status, a.body)
	}
	return false
}

// becomes reads until the status is as wanted, for a second at most.
func (s *siege) becomes(ctx context.Context, path, status string) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	for {
		a, err := s.send(ctx, http.MethodGet, request{path: path})
		if err == nil && strings.Contains(string(a.body), fmt.Sprintf(`"status":%q`, status)) {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// ask posts until the server answers in earnest, over all its crashes; ok is false if ctx ended before. A 5xx says
// "ask again", and so does "busy", but for refunds, where it means in a minute.
func (s *siege) ask(ctx context.Context, q request) (a answer, ok bool) {
	for {
		a, err := s.send(ctx, http.MethodPost, q)
		busy := bytes.Contains(a.body, []byte(`"code":"busy"`)) && !strings.HasSuffix(q.path, "/refunds")
		if err == nil && a.status < 500 && !busy {
			return a, true
		}
		select {
		case <-ctx.Done():
			return answer{}, false
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (s *siege) send(ctx context.Context, method string, q request) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.url+q.path, strings.NewReader(q.body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Authorization", "Bearer "+s.secretKey)
	req.Header.Set("Content-Type", "application/json")
	if q.key != "" {
		req.Header.Set("Idempotency-Key", q.key)
	}
	res, err := s.client.Do(req)
	if err != nil {
		return answer{}, err // it is dead, or died over this
	}
	body, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, body}, errors.Join(err, res.Body.Close())
}
