package wechatsim

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// refuseAll answers every callback with 500.
func refuseAll(int, *http.Request) (int, error) { return http.StatusInternalServerError, nil }

// offsets are the times of all sends after start.
func (b *inbox) offsets(start time.Time) []time.Duration {
	var list []time.Duration
	for _, r := range b.all() {
		list = append(list, r.at.Sub(start))
	}
	return list
}

func TestCallback(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		trade := s.pay(s.codeURL(s.send("POST", nativePath, s.full("ORDER0001"))))
		synctest.Wait()
		sends := s.inbox.all()
		if len(sends) != 1 || sends[0].method != "POST" || sends[0].url != "https://shop.example/notify" {
			t.Fatalf("sends %+v, want one POST to notify_url", sends)
		}
		for name, want := range map[string]string{"User-Agent": "Mozilla/4.0", "Accept": "*/*",
			"Content-Type": "application/json", "Pragma": "no-cache"} {
			if got := sends[0].header.Get(name); got != want {
				t.Errorf("header %s is %q, want %q", name, got, want)
			}
		}
		if id := sends[0].header.Get("Request-ID"); !strings.HasSuffix(id, "-0") {
			t.Errorf("Request-ID %q", id)
		}
		outer, inner, err := s.open(sends[0])
		if err != nil {
			t.Fatal(err)
		}
		if id, _ := outer["id"].(string); len(id) != 36 || outer["event_type"] != "TRANSACTION.SUCCESS" ||
			outer["resource_type"] != "encrypt-resource" || outer["summary"] != "支付成功" {
			t.Errorf("envelope %v", outer)
		}
		created, err := time.Parse(time.RFC3339, outer["create_time"].(string))
		if err != nil || !created.Equal(time.Now()) {
			t.Errorf("create_time %v: %v", outer["create_time"], err)
		}
		if want := s.query("ORDER0001"); !reflect.DeepEqual(inner, want) {
			t.Errorf("callback says %v, query %v", inner, want)
		}
		if inner["transaction_id"] != trade.TransactionID {
			t.Errorf("transaction_id %v, want %s", inner["transaction_id"], trade.TransactionID)
		}
		got := s.sim.Trades()[0].Callbacks
		if len(got) != 1 || got[0] != (Delivery{At: got[0].At, Status: 204}) || !got[0].At.Equal(time.Now()) {
			t.Errorf("recorded %+v", got)
		}
	})
}

func TestCallbackAcceptedBy200And204Only(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 204} {
		synctest.Test(t, func(t *testing.T) {
			s := newShop(t)
			s.inbox.answer = func(int, *http.Request) (int, error) { return status, nil }
			s.pay(s.prepay("ORDER0001"))
			time.Sleep(25 * time.Hour)
			if n := len(s.inbox.all()); n != 1 {
				t.Errorf("%d sends after a %d", n, status)
			}
		})
	}
	for _, status := range []int{201, 202, 206, 302, 307, 400, 404, 500, 503} {
		synctest.Test(t, func(t *testing.T) {
			s := newShop(t)
			s.inbox.answer = func(n int, _ *http.Request) (int, error) {
				if n == 1 {
					return status, nil
				}
				return 204, nil
			}
			s.pay(s.prepay("ORDER0001"))
			time.Sleep(25 * time.Hour)
			got := s.sim.Trades()[0].Callbacks
			if len(got) != 2 || got[0].Status != status || got[1].Status != 204 {
				t.Errorf("after a %d: %+v", status, got)
			}
		})
	}
}

// The published schedule, added up by hand: 15 resends, the last 24 h 4 min after the first send.
func TestResendSchedule(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		s.inbox.answer = refuseAll
		start := time.Now()
		s.pay(s.prepay("ORDER0001"))
		time.Sleep(72 * time.Hour)
		const m = time.Minute
		want := []time.Duration{0, 15 * time.Second, 30 * time.Second, 1 * m, 4 * m, 14 * m, 34 * m, 64 * m, 94 * m,
			124 * m, 184 * m, 364 * m, 544 * m, 724 * m, 1084 * m, 1444 * m}
		if got := s.inbox.offsets(start); !reflect.DeepEqual(got, want) {
			t.Errorf("sent at %v, want %v", got, want)
		}
	})
}

func TestResendIsMadeAfresh(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		s.inbox.answer = refuseAll
		start := time.Now()
		s.pay(s.prepay("ORDER0001"))
		time.Sleep(25 * time.Hour)
		fresh := map[string]bool{}
		var ids []any
		for _, r := range s.inbox.all() {
			s.now = func() time.Time { return r.at } // each was good at its time
			outer, _, err := s.open(r)
			if err != nil {
				t.Fatalf("send at %v: %v", r.at.Sub(start), err)
			}
			ids = append(ids, outer["id"])
			fresh[r.header.Get("Wechatpay-Signature")] = true
			fresh[r.header.Get("Wechatpay-Nonce")] = true
			fresh[r.header.Get("Request-ID")] = true
			fresh[outer["resource"].(map[string]any)["nonce"].(string)] = true
			fresh[outer["resource"].(map[string]any)["ciphertext"].(string)] = true
			if outer["id"] != ids[0] {
				t.Errorf("id %v, before %v: one notification keeps its id", outer["id"], ids[0])
			}
		}
		if len(ids) != 16 || len(fresh) != 5*len(ids) {
			t.Errorf("%d sends with %d fresh values, want 16 with 80", len(ids), len(fresh))
		}
	})
}

func TestSpeedDividesTheSchedule(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, func(o *Options) { o.Speed = 1000 })
		s.inbox.answer = refuseAll
		start := time.Now()
		s.pay(s.prepay("ORDER0001"))
		time.Sleep(5 * time.Minute)
		got := s.inbox.offsets(start)
		if len(got) != 16 || got[1] != 15*time.Millisecond || got[15] != 86640*time.Millisecond {
			t.Errorf("sent at %v", got)
		}
	})
}

func TestSilentMerchant(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, func(o *Options) { o.Speed = 100 }) // does not shorten the limit
		var waited time.Duration
		s.inbox.answer = func(n int, r *http.Request) (int, error) {
			if n > 1 {
				return 204, nil
			}
			start := time.Now()
			<-r.Context().Done()
			waited = time.Since(start)
			return 0, r.Context().Err()
		}
		s.pay(s.prepay("ORDER0001"))
		time.Sleep(time.Minute)
		got := s.sim.Trades()[0].Callbacks
		if waited != 5*time.Second || len(got) != 2 || got[0].Status != 0 || got[0].Err != "no answer within 5s" {
			t.Errorf("waited %v, recorded %+v", waited, got)
		}
	})
}

func TestUnreachableMerchant(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		s.inbox.answer = func(n int, _ *http.Request) (int, error) {
			if n == 1 {
				return 0, errors.New("connection refused")
			}
			return 200, nil
		}
		s.pay(s.prepay("ORDER0001"))
		time.Sleep(time.Minute)
		got := s.sim.Trades()[0].Callbacks
		if len(got) != 2 || !strings.Contains(got[0].Err, "connection refused") || got[1].Status != 200 {
			t.Errorf("recorded %+v", got)
		}
	})
}

func TestCloseStopsCallbacks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		hold := make(chan struct{})
		s.inbox.answer = func(n int, r *http.Request) (int, error) {
			if n == 1 {
				return 500, nil // this order waits for its resend
			}
			close(hold)
			<-r.Context().Done() // this one is under way
			return 0, r.Context().Err()
		}
		s.pay(s.prepay("ORDER0001"))
		synctest.Wait()
		second := s.prepay("ORDER0002")
		third := s.prepay("ORDER0003")
		s.pay(second)
		<-hold
		start := time.Now()
		for range 2 {
			if err := s.sim.Close(); err != nil {
				t.Error(err)
			}
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("Close took %v", d)
		}
		s.pay(third) // still answered, but nothing is sent
		time.Sleep(25 * time.Hour)
		if n := len(s.inbox.all()); n != 2 {
			t.Errorf("%d sends, want the 2 before Close", n)
		}
		if got := s.sim.Trades()[1].Callbacks; len(got) != 1 || got[0].Err != "simulator closed" {
			t.Errorf("recorded %+v", got)
		}
	})
}

// On a real network: redirects are not followed, and headers are sent as said.
func TestCallbackOverTheWire(t *testing.T) {
	t.Parallel()
	done := make(chan http.Header, 20)
	mux := http.NewServeMux()
	mux.HandleFunc("/notify", func(w http.ResponseWriter, r *http.Request) {
		done <- r.Header.Clone()
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/elsewhere", func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") })
	merchant := httptest.NewServer(mux)
	t.Cleanup(merchant.Close)
	s := newShop(t, func(o *Options) { o.Transport, o.Speed = nil, 15000 })
	body := strings.Replace(s.order("ORDER0001", ""), "https://shop.example", merchant.URL, 1)
	s.pay(s.codeURL(s.send("POST", nativePath, body)))
	first := <-done
	<-done // the redirect was no acceptance: it comes again
	if first.Get("Accept-Encoding") != "" || first.Get("User-Agent") != "Mozilla/4.0" {
		t.Errorf("headers %v", first)
	}
}

// Only the raw bytes show the case of header names: net/http of the receiver puts them all into one.
func TestLowerCaseHeadersOverTheWire(t *testing.T) {
	t.Parallel()
	merchant, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = merchant.Close() })
	s := newShop(t, func(o *Options) { o.Transport = nil })
	s.sim.SetFaults(Faults{Callback: CallbackFaults{LowerCase: 1}})
	body := strings.Replace(s.order("ORDER0001", ""), "https://shop.example", "http://"+merchant.Addr().String(), 1)
	s.pay(s.codeURL(s.send("POST", nativePath, body)))
	conn, err := merchant.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	var names []string
	for lines := bufio.NewScanner(conn); lines.Scan() && lines.Text() != ""; {
		name, _, _ := strings.Cut(lines.Text(), ":")
		names = append(names, name)
	}
	if _, err := io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	all := strings.Join(names, " ")
	for _, want := range []string{"wechatpay-timestamp", "wechatpay-nonce", "wechatpay-signature", "wechatpay-serial",
		"wechatpay-signature-type", "request-id", "content-type", "pragma"} {
		if !strings.Contains(all, want) {
			t.Errorf("header names %s lack %s", all, want)
		}
	}
}
