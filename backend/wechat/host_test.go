package wechat

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"saoma/backend/pay"
)

// lose takes the calls away from the main host.
func lose(t *testing.T, h *hosts) {
	t.Helper()
	for i := range hostFailures {
		if at := h.start(); at != mainHost {
			t.Fatalf("call %d starts at the %s host after so many failures", i, at)
		}
		if moved := h.met(mainHost, false); moved != (i == hostFailures-1) {
			t.Fatalf("moved: %t after %d failures in a row", moved, i+1)
		}
	}
}

func wantStart(t *testing.T, h *hosts, want host) {
	t.Helper()
	if got := h.start(); got != want {
		t.Fatalf("a call starts at the %s host, want the %s host", got, want)
	}
}

func TestHostsWithoutBackup(t *testing.T) {
	t.Parallel()
	var h hosts
	for range 2 * hostFailures {
		wantStart(t, &h, mainHost)
		if h.met(mainHost, false) {
			t.Fatal("moved to nowhere")
		}
	}
	if h.other(mainHost) != mainHost {
		t.Error("there is no other host")
	}
}

func TestHostsFailuresInARow(t *testing.T) {
	t.Parallel()
	h := hosts{backup: true}
	for range 10 {
		for range hostFailures - 1 {
			h.met(mainHost, false)
		}
		h.met(mainHost, true)
	}
	h.met(backupHost, false)
	wantStart(t, &h, mainHost)
}

func TestHostsShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hosts{backup: true}
		lose(t, &h)
		for range 3 {
			for range hostShare - 1 {
				wantStart(t, &h, backupHost)
				h.met(backupHost, true)
			}
			wantStart(t, &h, mainHost)
			if h.met(mainHost, false) {
				t.Fatal("moved by a probe that failed")
			}
		}
		for good := range hostGood {
			for range hostShare - 1 {
				wantStart(t, &h, backupHost)
			}
			wantStart(t, &h, mainHost)
			if back := h.met(mainHost, true); back != (good == hostGood-1) {
				t.Fatalf("back: %t after %d good answers", back, good+1)
			}
		}
		wantStart(t, &h, mainHost)
		lose(t, &h) // and it takes as many failures again
	})
}

func TestHostsComeBackInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hosts{backup: true}
		lose(t, &h)
		time.Sleep(hostAway - time.Second)
		wantStart(t, &h, backupHost)
		if h.met(mainHost, true) {
			t.Fatal("back by one answer in less than a minute")
		}
		time.Sleep(time.Second)
		wantStart(t, &h, mainHost)
		wantStart(t, &h, backupHost) // the others do not wait for what the one finds
		h.met(mainHost, false)
		time.Sleep(hostAway - time.Second)
		wantStart(t, &h, backupHost)
		if h.met(mainHost, true) {
			t.Fatal("back in less than a minute after a probe failed")
		}
		time.Sleep(time.Second)
		wantStart(t, &h, mainHost)
		if !h.met(mainHost, true) {
			t.Fatal("not back after a minute and a good answer")
		}
		wantStart(t, &h, mainHost)
		wantStart(t, &h, mainHost)
	})
}

func TestBackupURL(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"api2.mch.weixin.qq.com", "https://api2.mch.weixin.qq.com/v3", "ftp://api2"} {
		a := testAccount()
		a.BackupURL = text
		_, err := New(map[pay.MerchantID]Account{cafe: a}, Options{})
		if err == nil || !strings.Contains(err.Error(), "backup_url") {
			t.Errorf("%s: error %v, want one about backup_url", text, err)
		}
	}
}

// newTwoHosts is a gateway with a main and a backup host, and the network that carries its calls.
func newTwoHosts(t *testing.T, main, backup http.RoundTripper) *Gateway {
	t.Helper()
	a := testAccount()
	a.BackupURL = "https://api2.mch.weixin.qq.com"
	g, err := New(map[pay.MerchantID]Account{cafe: a}, Options{Retries: 2, Transport: roundTripper(
		func(r *http.Request) (*http.Response, error) {
			switch r.URL.Host {
			case "api.mch.weixin.qq.com":
				return main.RoundTrip(r)
			case "api2.mch.weixin.qq.com":
				return backup.RoundTrip(r)
			}
			t.Errorf("called %s", r.URL)
			return nil, errRefused
		})})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestFailOver: the main host is down for a while, and nobody notices but by the seconds.
func TestFailOver(t *testing.T) {
	for name, down := range map[string]http.RoundTripper{"refuses": roundTripper(refused), "hangs": roundTripper(hangs)} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				main, backup := &counted{RoundTripper: down}, &counted{RoundTripper: serves(answers(204, nil))}
				g := newTwoHosts(t, main, backup)
				for i := range 10 {
					began := time.Now()
					if err := g.Close(t.Context(), cafe, number); err != nil {
						t.Fatalf("call %d: %v", i, err)
					}
					if took := time.Since(began); i >= hostFailures && took > 0 {
						t.Errorf("call %d took %v, want it to start at the backup host", i, took)
					}
				}
				if main.calls != hostFailures || backup.calls != 10 {
					t.Errorf("%d calls to the main host, %d to the backup, want %d and 10",
						main.calls, backup.calls, hostFailures)
				}
				main.RoundTripper = serves(answers(204, nil))
				time.Sleep(hostAway)
				for range 5 {
					if err := g.Close(t.Context(), cafe, number); err != nil {
						t.Fatal(err)
					}
				}
				if main.calls != hostFailures+5 {
					t.Errorf("%d calls to the main host, want all five since it is back", main.calls-hostFailures)
				}
			})
		})
	}
}

// TestBackupDown: calls that start at the backup host and lose it go on at the main one.
func TestBackupDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		main, backup := &counted{RoundTripper: serves(answers(204, nil))}, &counted{RoundTripper: roundTripper(refused)}
		g := newTwoHosts(t, main, backup)
		lose(t, &g.account(cafe).hosts)
		for range hostGood {
			if err := g.Close(t.Context(), cafe, number); err != nil {
				t.Fatal(err)
			}
		}
		if main.calls != hostGood || backup.calls != hostGood {
			t.Errorf("%d calls to the main host, %d to the backup, want %d each", main.calls, backup.calls, hostGood)
		}
		wantStart(t, &g.account(cafe).hosts, mainHost)
	})
}

// TestAnswersKeepTheHost: trouble that a host answers with is not the host's.
func TestAnswersKeepTheHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		main := &counted{RoundTripper: serves(refuses(500, `{"code":"SYSTEM_ERROR"}`))}
		backup := &counted{RoundTripper: serves(answers(204, nil))}
		g := newTwoHosts(t, main, backup)
		for range hostFailures {
			wantFailure(t, g.Close(t.Context(), cafe, number), "close", pay.Unsure, "SYSTEM_ERROR")
		}
		if main.calls != 3*hostFailures || backup.calls != 0 {
			t.Errorf("%d calls to the main host, %d to the backup, want %d and none", main.calls, backup.calls, 3*hostFailures)
		}
	})
}
