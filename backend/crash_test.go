package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"saoma/backend/pay"
	"saoma/backend/wechatsim"
)

// crashFolder is the environment variable that turns the test program into a server that dies.
const crashFolder = "SAOMA_TEST_CRASH_FOLDER"

// runDoomed serves the configuration in the folder and dies by SIGKILL in the moment a payment is committed:
// after the books have it, before the callback is answered or any browser is told.
func runDoomed(folder string) {
	c, err := loadConfig(filepath.Join(folder, "saoma.toml"))
	if err != nil {
		panic(err)
	}
	s, err := newService(context.Background(), c, slog.New(slog.DiscardHandler), options{committed: func(o pay.Order) {
		if o.State == pay.Paid {
			_ = syscall.Kill(syscall.Getpid(), syscall.SIGKILL) // cannot fail for oneself
			select {}
		}
	}})
	if err != nil {
		panic(err)
	}
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		panic(err)
	}
	s.start(l)
	select {}
}

// freeAddress finds an address nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	return l.Addr().String()
}

func TestKilledBetweenCommitAndAnswer(t *testing.T) {
	t.Parallel()
	folder := dataFolder(t)
	address := freeAddress(t)
	// WeChat Pay's resends, 200 times as fast: after 75 ms, 75 ms, 150 ms, 0.9 s, 3 s, …
	w := configured(t, folder, address, wechatsim.Options{Speed: 200})

	doomed := exec.CommandContext(t.Context(), os.Args[0])
	doomed.Env = append(os.Environ(), crashFolder+"="+folder)
	doomed.Stderr = os.Stderr
	if err := doomed.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the server answers", func() bool { return healthy(t, w.url) })
	a := w.call(t, "POST", "/v1/orders", `{"amount":1280,"description":"tea"}`, w.secret())
	if a.status != http.StatusCreated {
		t.Fatalf("%d %s", a.status, a.body)
	}
	var o order
	a.json(t, &o)
	w.pays(t, o)
	err := doomed.Wait()
	if state := doomed.ProcessState.Sys().(syscall.WaitStatus); err == nil || !state.Signaled() || state.Signal() != syscall.SIGKILL {
		t.Fatalf("the server ended with %v; want it killed by the payment", err)
	}

	c, err := loadConfig(filepath.Join(folder, "saoma.toml"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := newService(t.Context(), c, slog.New(slog.DiscardHandler), options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	// Before anything reaches the new server: what was committed is there.
	found, err := s.cashier.Find(t.Context(), pay.Token(o.Token))
	if err != nil || found.State != pay.Paid {
		t.Fatalf("after the crash the order is %s, %v; want it paid", found.State, err)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	s.start(l)
	eventually(t, "the resend is answered 204", func() bool {
		list := w.statuses()
		return list[len(list)-1] == http.StatusNoContent
	})
	if first := w.statuses()[0]; first != 0 {
		t.Errorf("the first callback was answered %d; want it cut off", first)
	}
	events := w.call(t, "GET", "/v1/orders/"+o.ID+"/events", "", w.secret())
	if n := strings.Count(string(events.body), `"succeeded"`); n != 1 {
		t.Errorf("settled %d times: %s", n, events.body)
	}
	if got := w.read(t, o.ID); got.Version != found.Version || got.TransactionID != w.sim.Trades()[0].TransactionID {
		t.Errorf("after the resend the order is %+v; want it as it was", got)
	}
}

// writeConfig puts the simulator's merchant into a configuration, as its manual says, and returns the
// merchant's secret key.
func writeConfig(t *testing.T, folder, address string) (secretKey string) {
	t.Helper()
	merchant, err := os.ReadFile(filepath.Join(folder, "sim", "merchant.toml"))
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("listen = %q\npublic_url = %q\n\n%s", address, "http://"+address, merchant)
	file := filepath.Join(folder, "saoma.toml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := loadConfig(file)
	if err != nil {
		t.Fatal(err)
	}
	return c.Merchants[0].SecretKey
}

func healthy(t *testing.T, url string) bool {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	return res.Body.Close() == nil
}
