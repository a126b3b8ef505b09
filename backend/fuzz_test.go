package main

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode"

	"saoma/backend/pay"
	"saoma/backend/wechatsim"
)

// keysFolder is a fresh folder in which the simulator's keys are already.
func keysFolder(f *testing.F) string {
	f.Helper()
	from, err := keys()
	if err != nil {
		f.Fatal(err)
	}
	folder := f.TempDir()
	if err := os.CopyFS(filepath.Join(folder, "sim"), os.DirFS(from)); err != nil {
		f.Fatal(err)
	}
	return folder
}

// Whatever stands in a configuration, it is taken or refused in one line that names the file.
func FuzzConfig(f *testing.F) {
	folder := keysFolder(f)
	simulate(f, folder, wechatsim.Options{}) // it writes the key files
	file := filepath.Join(folder, "saoma.toml")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := loadConfig(file)
		if err == nil {
			if _, _, err = c.merchants(); err == nil {
				return
			}
		} else if !strings.HasPrefix(err.Error(), file) {
			t.Errorf("%q does not begin with the file", err)
		}
		if line := err.Error(); strings.ContainsFunc(line, unicode.IsControl) || len(line) > len(file)+1000 {
			t.Errorf("%q is not one short line", line)
		}
	})
}

// Whatever a body says, the answer is a success or a problem that is the caller's, never ours.
func FuzzJSONBodies(f *testing.F) {
	d, err := startDemo(f.Context(), serveCommand{
		Listen: "127.0.0.1:0", DemoShop: "127.0.0.1:0", DemoSim: "127.0.0.1:0", Data: keysFolder(f),
	}, slog.New(slog.DiscardHandler), options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := d.close(); err != nil {
			f.Error(err)
		}
	})
	paid := payOne(f, d)
	calls := []string{"/v1/checkouts", "/v1/orders", "/v1/orders/" + paid + "/refunds", "/v1/reconciliations"}
	f.Fuzz(func(t *testing.T, which byte, key string, body []byte) {
		call := calls[int(which)%len(calls)]
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, call, bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+d.secretKey)
		r.Header.Set("Origin", d.shop.url)
		if key != "" {
			r.Header.Set("Idempotency-Key", key)
		}
		w := httptest.NewRecorder()
		d.service.http.Handler.ServeHTTP(w, r)
		checkAnswer(t, call, w)
		if strings.Contains(w.Body.String(), d.secretKey) {
			t.Errorf("%s shows the secret key: %s", call, w.Body)
		}
	})
}

// payOne makes an order that is paid.
func payOne(f *testing.F, d *demo) (id string) {
	f.Helper()
	o, err := d.service.cashier.CreateOrder(f.Context(),
		pay.NewOrder{Merchant: demoMerchant, Amount: pay.TotalMax, Description: "tea"})
	if err != nil {
		f.Fatal(err)
	}
	changed, stop := d.service.hub.Watch(string(o.ID))
	defer stop()
	if _, err := d.sim.Pay(o.CodeURL, ""); err != nil {
		f.Fatal(err)
	}
	select {
	case <-changed:
	case <-time.After(20 * time.Second):
		f.Fatal("the payment did not arrive")
	}
	return string(o.ID)
}

func checkAnswer(t *testing.T, call string, w *httptest.ResponseRecorder) {
	t.Helper()
	kind := w.Header().Get("Content-Type")
	if w.Code == http.StatusCreated {
		var made struct{ Amount *int64 }
		if kind != "application/json" || json.Unmarshal(w.Body.Bytes(), &made) != nil ||
			made.Amount != nil && (*made.Amount < 1 || *made.Amount > int64(pay.TotalMax)) {
			t.Errorf("%s made %s %s", call, kind, w.Body)
		}
		return
	}
	var p struct {
		Type, Title, Detail, Code string
		Status                    int
		RequestID                 string `json:"request_id"`
	}
	err := json.Unmarshal(w.Body.Bytes(), &p)
	if err != nil || kind != "application/problem+json" || w.Code < 400 || w.Code >= 500 || p.Status != w.Code ||
		p.Type == "" || p.Title == "" || p.Detail == "" || p.Code == "" || p.RequestID == "" {
		t.Errorf("%s: %d %s %s; want a problem 4xx", call, w.Code, kind, w.Body)
	}
}

// A genuine callback was captured on its way; the order is still unpaid.
type genuine struct {
	header http.Header
	body   []byte
}

// put replaces {genuine} by what the genuine callback has there.
func put(text, genuine string) string { return strings.ReplaceAll(text, "{genuine}", genuine) }

// A callback in which anything differs from what WeChat Pay signed is refused with one line in the log and settles
// nothing. In the corpus {genuine} stands for the genuine value; without that no input would get past the signature.
func FuzzCallback(f *testing.F) {
	lines := &lineCounter{}
	service, order, real := captureCallback(f, lines)
	f.Fuzz(func(t *testing.T, refund bool, merchant, serial, timestamp, nonce, signature, kind string, body []byte) {
		page := "/payment"
		if refund {
			page = "/refund"
		}
		r := &http.Request{
			Method: http.MethodPost, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, RemoteAddr: "192.0.2.1:1234",
			URL:    &url.URL{Path: "/notify/" + merchant + page, RawPath: "/notify/" + url.PathEscape(merchant) + page},
			Header: http.Header{}, Body: io.NopCloser(strings.NewReader(put(string(body), string(real.body)))),
		}
		same := merchant == demoMerchant && !refund && put(string(body), string(real.body)) == string(real.body)
		for name, value := range map[string]string{
			"Wechatpay-Serial": serial, "Wechatpay-Timestamp": timestamp, "Wechatpay-Nonce": nonce,
			"Wechatpay-Signature": signature, "Wechatpay-Signature-Type": kind,
		} {
			value = strings.Trim(strings.Map(headerRune, put(value, real.header.Get(name))), " \t")
			same = same && sameHeader(name, value, real.header.Get(name))
			r.Header.Set(name, value)
		}
		if same || path.Clean(r.URL.Path) != r.URL.Path {
			return // the genuine one, or a path that leads elsewhere
		}
		before := lines.count.Load()
		w := httptest.NewRecorder()
		service.http.Handler.ServeHTTP(w, r.WithContext(t.Context()))
		if w.Code < 400 || w.Code >= 500 || !strings.Contains(w.Body.String(), `"FAIL"`) {
			t.Errorf("answered %d %s", w.Code, w.Body)
		}
		if n := lines.count.Load() - before; n != 1 {
			t.Errorf("logged %d lines", n)
		}
		o, err := service.cashier.Find(t.Context(), order.Token)
		if err != nil || o.State != pay.Pending || o.Version != order.Version {
			t.Errorf("the order is now %+v, %v", o, err)
		}
	})
}

// sameHeader reports whether a header says what WeChat Pay said. The type of the signature may be left out; of the
// timestamp the number is signed, however it is written.
func sameHeader(name, value, real string) bool {
	switch name {
	case "Wechatpay-Signature-Type":
		return value == real || value == ""
	case "Wechatpay-Timestamp":
		a, errA := strconv.ParseInt(value, 10, 64)
		b, errB := strconv.ParseInt(real, 10, 64)
		return errA == nil && errB == nil && a == b
	}
	return value == real
}

// headerRune drops what a header cannot have on its way over the network (RFC 9110, section 5.5).
func headerRune(r rune) rune {
	if r == '\r' || r == '\n' || r == 0 {
		return -1
	}
	return r
}

// A lineCounter counts lines that are logged.
type lineCounter struct{ count atomic.Int64 }

func (c *lineCounter) Write(p []byte) (int, error) {
	c.count.Add(int64(bytes.Count(p, []byte("\n"))))
	return len(p), nil
}

// captureCallback makes an order, lets it be paid, and keeps the callback from the server. Nobody sweeps.
func captureCallback(f *testing.F, log io.Writer) (*service, pay.Order, genuine) {
	f.Helper()
	folder := keysFolder(f)
	sim := simulate(f, folder, wechatsim.Options{})
	captured := make(chan genuine, 1)
	way := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			f.Error(err)
		}
		captured <- genuine{r.Header, body}
	}))
	c := (&demo{url: way.URL, data: folder, secretKey: "sk_of_the_fuzz_test", webhookSecret: newWebhookSecret(), sim: sim}).config(sim.Merchant(), &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9})
	s, err := newService(f.Context(), c, slog.New(slog.NewTextHandler(log, nil)), options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		way.Close()
		if err := s.close(); err != nil {
			f.Error(err)
		}
	})
	o, err := s.cashier.CreateOrder(f.Context(), pay.NewOrder{Merchant: demoMerchant, Amount: 1280, Description: "tea"})
	if err != nil {
		f.Fatal(err)
	}
	if _, err := sim.Pay(o.CodeURL, ""); err != nil {
		f.Fatal(err)
	}
	return s, o, <-captured
}
